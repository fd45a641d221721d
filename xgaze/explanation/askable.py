"""What an explanation can be asked for, in words."""

WORDS = ("worst", "best", "disagree")
"""Samples that are named by what models make of them."""
ALL_TARGETS = "all"
ASKABLE = ("gaze-x", "gaze-y", "gaze-z", "pitch", "yaw", "error", "eccentricity", ALL_TARGETS)
"""What of a prediction methods answer."""
