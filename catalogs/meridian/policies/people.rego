# What people are paid. That executive compensation exists is no secret, its figures are; so are the tables of the payroll.
package ecp.policy

payroll_roles := ["hr_admin", "executive"]

payroll_tables := {"analytics.people.payroll_monthly", "raw.payroll.runs"}

default on_payroll := false

on_payroll if {
	some role in input.principal.roles
	role in payroll_roles
}

executives := {"allow": true, "policy": "executive_compensation"} if {
	input.action == "discover"
} else := {"allow": true, "policy": "executive_compensation"} if {
	on_payroll
} else := {
	"allow": false,
	"policy": "executive_compensation",
	"reason": "only HR administrators and executives may have what executives are paid",
	"may": payroll_roles,
}

payroll := {"allow": true, "policy": "payroll_tables"} if {
	on_payroll
} else := {
	"allow": false,
	"policy": "payroll_tables",
	"reason": "only HR administrators and executives may know the tables of the payroll",
	"may": payroll_roles,
}
