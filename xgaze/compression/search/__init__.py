"""The search for the smallest student within a budget: candidates, trials, judge, rivals."""
