"""Sites, roles and memberships; what a role may do is one table in rules."""
