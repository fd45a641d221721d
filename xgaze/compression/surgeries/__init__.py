"""Surgeries, one file each, and what proves them."""
