"""A model made right for one person from a few frames of known gaze: maps, calibration points, error against their number."""
