"""From a run's stored results to one HTML file. No analysis here: every number comes from report.json."""
