"""Scanpaths as pictures, sequences and graphs: pure functions over many scanpaths at once."""
