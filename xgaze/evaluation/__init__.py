"""Scores as pure functions of arrays, intervals over participants, and trivial baselines."""
