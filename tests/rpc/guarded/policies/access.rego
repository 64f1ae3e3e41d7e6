# Who may know of what: insiders of what is secret, the audit department of the vault, everybody of the rest.
package ecp.policy

default insider := false

insider if "insider" in input.principal.roles

default auditor := false

auditor if input.principal.department == "audit"

decisions[product.id] := decision if {
	some product in input.products
	decision := judge(product)
}

judge(product) := {"allow": insider, "policy": "secret_of_zircon", "reason": "zirconic matters are for insiders"} if {
	secret(product)
} else := {"allow": auditor, "policy": "secret_of_the_vault", "reason": "bullion is for auditors"} if {
	product.domain == "vault"
} else := {"allow": auditor, "policy": "secret_of_the_vault", "reason": "bullion is for auditors"} if {
	startswith(product.id, "vault.")
} else := {"allow": insider, "policy": "sealed", "reason": "only insiders may have it", "may": ["insider"]} if {
	product.domain == "sealed"
	input.action != "discover"
} else := {"allow": true, "policy": "open"}

secret(product) if product.domain == "secret"

secret(product) if {
	product.kind == "table"
	contains(product.id, "zircon")
}
