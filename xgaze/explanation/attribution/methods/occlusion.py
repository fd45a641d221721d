"""Occlusion by half overlapping windows."""

import numpy as np
import torch
from captum.attr import Occlusion
from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question
from xgaze.explanation.attribution.targets import Scalar


@torch.no_grad()
def _occlusion(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    """A pixel's mean effect over the windows that cover it, divided among the window's pixels."""
    sides = [tuple(-(-side // effort.occlusion_windows) for side in one.shape[2:]) for one in asked.inputs]
    windows = tuple((one.shape[1], *side) for one, side in zip(asked.inputs, sides, strict=True))
    strides = tuple((one.shape[1], *(-(-s // 2) for s in side)) for one, side in zip(asked.inputs, sides, strict=True))
    found = Occlusion(scalar).attribute(
        asked.inputs,
        sliding_window_shapes=windows,
        strides=strides,
        baselines=asked.baseline,
        additional_forward_args=(asked.truth,),
        perturbations_per_eval=effort.internal_batch_size,
    )
    return tuple(one / float(np.prod(window)) for one, window in zip(found, windows, strict=True))


METHOD = Method(_occlusion, complete=False, by_gradient=False, pictures=True, name="occlusion", place=5)
