"""One registered source per data format."""
