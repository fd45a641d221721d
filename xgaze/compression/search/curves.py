"""Sensitivity curves of a teacher before any training: error against the share kept of each layer, on validation frames."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.capacity.sensitivity import channel_sensitivity, rank_sensitivity
from xgaze.compression.head import rows_read, tail_reading
from xgaze.compression.search.bench import Bench
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.tracing import making_layers
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.evaluation.score import sample_errors
from xgaze.models.layers import FeatureHead

FRAMES = 96
SHARES = (1.0, 0.5, 0.25)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def sensitivity_curves(bench: Bench, folded: FeatureHead, capacity: LayerCapacity) -> list[dict[str, Any]]:
    """Points {layer, kept_share, kept, error}: channels of every convolution, and ranks of the folded first FC layer. The error
    is in px, or 1 - probability of the true class."""
    chosen = np.linspace(0, len(bench.validation) - 1, min(FRAMES, len(bench.validation))).astype(int)
    rows = rows_of(bench.recording, "validation")[chosen]

    def score(outputs: NDArray[np.float32]) -> float:
        return float(sample_errors(bench.recording.spec, outputs, bench.validation.targets[chosen]).mean())

    batches = [batch.inputs for batch in ordered_batches(bench.recording, rows)]
    layers = _running(bench.teacher, making_layers(bench.teacher, CONVOLUTIONS), batches[0])
    points = channel_sensitivity(bench.teacher, layers, batches, score, SHARES)
    linear = folded.get_submodule(bench.layer)
    assert isinstance(linear, nn.Linear)
    most = min(capacity.in_features, capacity.out_features)
    ranks = sorted({min(most, k) for k in (1, 2, 3, 4, 6, 8, 12, 16, 32)})
    features = torch.tensor(bench.validation.values[chosen])
    read, tail = rows_read(folded, bench.layer, features), tail_reading(folded, bench.layer, features)
    points += rank_sensitivity(bench.layer, linear, tail, read.numpy(), score, ranks)
    return [one.to_json() for one in points]


def _running(model: FeatureHead, layers: list[str], inputs: tuple[Tensor, ...]) -> list[str]:
    """Those of the layers that run when the model is used: auxiliary classifiers, as GoogLeNet's, do so in training only."""
    seen: set[nn.Module] = set()
    handles = [model.get_submodule(name).register_forward_hook(lambda module, *_: seen.add(module)) for name in layers]
    try:
        outputs_of(model, *(x[:1] for x in inputs))
    finally:
        for handle in handles:
            handle.remove()
    return [name for name in layers if model.get_submodule(name) in seen]
