# What comes with a permission: the rows of one's own members, hidden personal data, a word about what nobody has certified.
package ecp.policy

own_rows(product) := [own_members(dimension) |
	some dimension in product.dimensions
	input.principal.allowed_members[dimension]
]

own_members(dimension) := {"dimension": dimension, "members": input.principal.allowed_members[dimension]}

hidden_columns(product) := [nulled(column) |
	some column in product.pii_columns
	not privacy_officer
]

nulled(column) := {"column": column, "method": "null"}

default privacy_officer := false

privacy_officer if "privacy_officer" in input.principal.roles

warnings(product) := [{
	"type": "low_certification",
	"message": sprintf("%s is exploratory: nobody has certified it", [product.id]),
}] if {
	product.certification_tier == 4
} else := []
