"""How much of a layer is used: embeddings, spectra, active subspace. Read by compression and explanation, knows neither."""
