"""What each part of a report shows: words, charts, tables."""
