"""Fixation tables: one file per tracker's format, all read into the same columns, px and ms, origin top left."""
