"""Cross validation over participants: folds, protocols, and the run of them all."""
