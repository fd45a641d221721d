"""Heads whose outputs depend on a known number of directions of their embedding."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.layer_capacity import layer_outputs

SAMPLES, LATENT, FEATURES, EMBEDDING, OUTPUTS = 1000, 200, 300, 128, 2


def correlated_features(rng, decay):
    """Random ReLU features of latent causes whose k-th has variance k^-decay."""
    causes = rng.normal(size=(SAMPLES, LATENT)) * np.arange(1, LATENT + 1) ** (-decay / 2)
    mixed = causes @ rng.normal(size=(LATENT, FEATURES)) / 8 + 0.3 * rng.normal(size=FEATURES)
    return np.maximum(mixed, 0).astype(np.float32)


@pytest.fixture(scope="session")
def planted_head():
    """Make (layer, tail, features): FEATURES -> EMBEDDING, then a small ReLU network that reads q directions of the embedding.

    balanced: the q readings are uncorrelated and of equal variance; else they are random directions, some of which hardly move.
    """

    def make(q, decay, balanced):
        torch.manual_seed(q)
        features = correlated_features(np.random.default_rng(q), decay)
        layer = nn.Linear(FEATURES, EMBEDDING)
        output = layer_outputs(layer, features).detach().double()
        reading = torch.linalg.qr(torch.randn(EMBEDDING, q).double())[0].T
        if balanced:
            spread = reading @ torch.cov(output.T) @ reading.T
            reading = torch.linalg.solve(torch.linalg.cholesky(spread), reading)
        reading = reading / ((output - output.mean(dim=0)) @ reading.T).std()
        tail = nn.Sequential(nn.Linear(EMBEDDING, q), nn.Linear(q, 64), nn.ReLU(), nn.Linear(64, OUTPUTS))
        with torch.no_grad():
            tail[0].weight.copy_(reading)
            tail[0].bias.copy_(-reading @ output.mean(dim=0))
        return layer, tail, features

    return make
