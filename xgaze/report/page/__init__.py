"""From the run's sections to files: one HTML page, PDF, model card, the list of all runs, two runs side by side."""
