"""Manifests: one table with a row per sample, whose columns a definition names."""
