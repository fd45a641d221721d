"""What can be asked of a run: measures by name, each registered once."""
