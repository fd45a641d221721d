"""Intervals over participants: of means, of scores of classes, of differences."""
