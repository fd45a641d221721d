"""Data sets of gaze as they are published: their layouts, signs and orders, each read into the one convention of this package."""
