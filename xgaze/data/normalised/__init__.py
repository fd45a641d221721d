"""Data sets of normalised pictures: eyes and faces as a virtual camera at a fixed distance sees them, with directions of gaze."""
