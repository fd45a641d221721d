"""One file per published architecture, and the parts they share."""
