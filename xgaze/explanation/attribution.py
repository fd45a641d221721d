"""Attributions of one sample: signed, per input, in the target's unit, with completeness measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording
from xgaze.explanation.completeness import completeness_percent
from xgaze.explanation.path_gradients import integrate
from xgaze.explanation.prepared import analysis_copy, on_device
from xgaze.explanation.targets import Scalar, Target


@dataclass(frozen=True)
class Attribution:
    """maps: one signed (H, W) float32 per input, summed over channels, in the target's unit per pixel.

    explained: output here less output at the baseline. completeness_percent: how much of it the maps do not add up to.
    """

    maps: tuple[NDArray[np.float32], ...]
    explained: float
    completeness_percent: float

    @property
    def attributed(self) -> float:
        """What the maps sum to."""
        return sum(float(one.sum(dtype=np.float64)) for one in self.maps)

    def share_percent(self) -> list[float]:
        """Share of absolute attribution per input."""
        mass = np.array([np.abs(one).sum(dtype=np.float64) for one in self.maps])
        return [float(100 * one / max(mass.sum(), 1e-30)) for one in mass]


def integrated_gradients(
    model: nn.Module,
    target: Target,
    inputs: Sequence[Tensor],
    truth: Tensor,
    baseline: Sequence[Tensor],
    steps: int = 50,
    internal_batch_size: int = 10,
) -> Attribution:
    """Integrated gradients (Sundararajan et al. 2017) of one sample: inputs and baseline (1, channels, H, W), truth (1, ...).

    Equal to Captum's to 1e-5 (tests/explanation/test_path_gradients.py).
    """
    scalar = Scalar(analysis_copy(model), target)
    here, there, (told,) = (on_device(model, tuple(one)) for one in (inputs, baseline, (truth,)))
    found = integrate(scalar, here, told, there, steps, internal_batch_size)
    return attribution_of(scalar, found, here, told, there)


@torch.no_grad()
def attribution_of(
    scalar: Scalar,
    attributions: Sequence[Tensor],
    inputs: Sequence[Tensor],
    truth: Tensor,
    baseline: Sequence[Tensor],
) -> Attribution:
    """attributions: (1, channels, H, W) per input, as Captum gives them."""
    explained = float(scalar(*inputs, truth) - scalar(*baseline, truth))
    total = float(sum(one.double().sum() for one in attributions))
    maps = tuple(one[0].sum(dim=0).detach().cpu().numpy().astype(np.float32) for one in attributions)
    return Attribution(maps, explained, completeness_percent(total, explained))


def mean_inputs(recording: Recording, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
    """Mean normalised input over `rows`: one (1, channels, H, W) per input."""
    sums: list[Tensor] | None = None
    for batch in ordered_batches(recording, rows):
        here = [x.sum(dim=0, keepdim=True) for x in batch.inputs]
        sums = here if sums is None else [a + b for a, b in zip(sums, here, strict=True)]
    assert sums is not None, "rows must not be empty"
    return tuple(one / len(rows) for one in sums)
