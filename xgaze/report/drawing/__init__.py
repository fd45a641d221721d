"""Charts, tables, pictures and numbers, for any section: knows none."""
