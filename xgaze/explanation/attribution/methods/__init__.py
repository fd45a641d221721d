"""One attribution method a file, found by its METHOD."""
