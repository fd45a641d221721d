"""Surgeries as data, each proved; the student they make; the search for the smallest one within a budget; export."""
