"""ECP: which governed metric, members and days a business question means, the plan to compute it, and the proof."""
