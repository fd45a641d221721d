"""Places in photographs as samples, seen in crops at several scales."""
