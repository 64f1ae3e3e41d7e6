# The entry of the policy contract: one decision a product. Rules of its own come first (what people are paid), then what is too
# sensitive for anybody, then the ladder of certification tiers. Written for every engine that ECP runs on: no comprehension inside
# an object, no comma inside a comprehension.
package ecp.policy

decisions[product.id] := decision if {
	some product in input.products
	verdict := judge(product)
	rows := own_rows(product)
	masks := hidden_columns(product)
	told := warnings(product)
	decision := object.union(verdict, {"row_filters": rows, "masks": masks, "warnings": told})
}

judge(product) := executives if {
	product.id == "executive_compensation"
} else := payroll if {
	product.kind == "table"
	product.id in payroll_tables
} else := {
	"allow": false,
	"policy": "classification",
	"reason": sprintf("it is %s", [product.classification]),
} if {
	product.classification in {"confidential", "restricted"}
} else := ladder(product)
