"""One file per data format; each turns its files into a `Recording`."""
