"""Photographs that people looked at: layouts, maps of looking, crops."""
