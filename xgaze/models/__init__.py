"""One file per published architecture, registered by name."""
