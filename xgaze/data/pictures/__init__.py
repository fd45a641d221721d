"""Picture files and arrays: finding, naming, decoding them. Knows no source."""
