"""Samples from any recording: one sample type, one specification, splits by participant."""
