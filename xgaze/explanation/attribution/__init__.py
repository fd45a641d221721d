"""Attribution methods, their targets, and what they must add up to."""
