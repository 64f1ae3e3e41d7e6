# The ladder: a role relies on metrics of its tier or of a better certified one. It is the built-in one, written as this catalog's own.
package ecp.policy

# The least certified tier that a role may rely on.
reach := {"executive": 1, "finance_analyst": 2, "analyst": 3, "explorer": 4}

# The roles in the order of their reach, for answers that say who may.
rungs := ["executive", "finance_analyst", "analyst", "explorer"]

ladder(product) := {"allow": true, "policy": "certification_ladder"} if {
	input.action == "discover"
} else := {"allow": true, "policy": "certification_ladder"} if {
	product.certification_tier <= widest
} else := {
	"allow": false,
	"policy": "certification_ladder",
	"reason": sprintf("these roles do not rely on what is certified for tier %d only", [product.certification_tier]),
	"may": roles_that_reach(product.certification_tier),
}

# Of several roles the widest counts; unknown roles have no reach; with none left the user is an analyst.
default widest := 3

widest := max(reaches) if count(reaches) > 0

reaches contains reach[role] if some role in input.principal.roles

roles_that_reach(tier) := [role |
	some role in rungs
	reach[role] >= tier
]
