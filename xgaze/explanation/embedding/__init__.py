"""What embeddings hold: capacity, sweeps, conductance, and the decision what to keep."""
