"""Fixation tables, one file per tracker's format."""
