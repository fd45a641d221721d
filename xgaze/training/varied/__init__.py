"""Samples varied anew in every epoch: photographs, windows of them that people looked at, mirror images."""
