# The policy of a catalog that brings none (policy.md).
#
# Written for every engine that ECP runs on: no comprehension inside an object, no built-in beyond count and max.
package ecp.policy

# The least certified tier that a role may rely on; 1 is the best certified one, 0 is not certified at all by its kind.
reach := {"executive": 1, "finance_analyst": 2, "analyst": 3, "explorer": 4}

# The roles in the order of their reach, for answers that say who may.
ladder := ["executive", "finance_analyst", "analyst", "explorer"]

decisions[product.id] := decision if {
	some product in input.products
	decision := decide(product)
}

decide(product) := {
	"allow": false,
	"policy": "builtin.classification",
	"reason": "confidential and restricted data need a policy that allows them",
} if {
	product.classification in {"confidential", "restricted"}
} else := {"allow": true, "policy": "builtin.discovery"} if {
	input.action == "discover"
} else := {"allow": true, "policy": "builtin.certification"} if {
	product.certification_tier <= widest
} else := {
	"allow": false,
	"policy": "builtin.certification",
	"reason": "it is less certified than what the user's roles may rely on",
	"may": roles_that_reach(product.certification_tier),
}

# Of several roles the widest counts; unknown roles have no reach; with none left the user is an analyst.
default widest := 3

widest := max(reaches) if count(reaches) > 0

reaches contains reach[role] if some role in input.principal.roles

roles_that_reach(tier) := [role |
	some role in ladder
	reach[role] >= tier
]
