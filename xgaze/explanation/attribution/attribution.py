"""Attributions of one sample: signed, per input, in the target's unit, with completeness measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording
from xgaze.explanation.attribution.completeness import completeness_percent
from xgaze.explanation.attribution.parts import WHOLE, Parts
from xgaze.explanation.attribution.path_gradients import integrate
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.attribution.targets import Scalar, Target


@dataclass(frozen=True)
class Attribution:
    """maps: one signed (H, W) float32 per moved input, summed over channels, in the target's unit per pixel; (real rows,
    features) for one that is no picture.

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
    parts: Parts = WHOLE,
) -> Attribution:
    """Integrated gradients (Sundararajan et al. 2017) of one sample: inputs and baseline (1, channels, H, W), truth (1, ...).
    parts: inputs to be held, and rows that are real, where the sample is no picture.

    Equal to Captum's to 1e-5 (tests/explanation/test_path_gradients.py).
    """
    here, there, (told,) = (on_device(model, tuple(one)) for one in (inputs, baseline, (truth,)))
    scalar = Scalar(parts.model(analysis_copy(model), here), target)
    here, there = parts.moved(here), parts.moved(there)
    found = integrate(scalar, here, told, there, steps, internal_batch_size)
    return attribution_of(scalar, found, here, told, there, parts)


@torch.no_grad()
def attribution_of(
    scalar: Scalar,
    attributions: Sequence[Tensor],
    inputs: Sequence[Tensor],
    truth: Tensor,
    baseline: Sequence[Tensor],
    parts: Parts = WHOLE,
) -> Attribution:
    """attributions: (1, channels, H, W) per moved input, as Captum gives them, or (1, rows, features); 0 where it is missing."""
    attributions = [torch.zeros_like(one) if k in parts.nothing else one for k, one in enumerate(attributions)]
    explained = float(scalar(*inputs, truth) - scalar(*baseline, truth))
    total = float(sum(one.double().sum() for one in attributions))
    shown = (one[0].sum(dim=0) if one.dim() == 4 else parts.real(k, one[0]) for k, one in enumerate(attributions))
    maps = tuple(one.detach().cpu().numpy().astype(np.float32) for one in shown)
    return Attribution(maps, explained, completeness_percent(total, explained))


def mean_inputs(recording: Recording, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
    """Mean normalised picture over `rows`: one (1, channels, H, W) per input, and so of a vector (1, n); zeros for an input that
    is neither, which for a sequence is the mean fixation."""
    sums: list[Tensor] | None = None
    for batch in ordered_batches(recording, rows):
        here = [x.sum(dim=0, keepdim=True) for x in batch.inputs]
        sums = here if sums is None else [a + b for a, b in zip(sums, here, strict=True)]
    assert sums is not None, "rows must not be empty"
    return tuple(one / len(rows) if one.dim() in (2, 4) else torch.zeros_like(one) for one in sums)
