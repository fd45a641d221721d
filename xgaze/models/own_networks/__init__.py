"""A user's own network: imported, traced, without in-place work, split into features and head, proved the same."""
