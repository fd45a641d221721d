"""Conductance of a layer's variables (Dhamdhere et al. 2018): how much of the target's change flows through each."""

import numpy as np
import torch
from captum.attr import LayerConductance
from numpy.typing import NDArray
from torch import nn

from xgaze.errors import InputError, nearest
from xgaze.explanation.methods import Question
from xgaze.explanation.prepared import analysis_copy, on_device
from xgaze.explanation.targets import Scalar


def conductance(
    model: nn.Module, layer: str, question: Question, steps: int = 50, internal_batch_size: int = 10
) -> NDArray[np.float32]:
    """(width,) signed, in the target's unit: the output of the module at path `layer`, flattened. Where everything goes through
    the layer, the values sum to the output's change. Raises InputError if there is no such module."""
    twin = analysis_copy(model)
    modules = dict(twin.named_modules())
    if layer not in modules:
        raise InputError(f"the model has no module '{layer}'; {nearest(layer, modules)}")
    inputs, baseline, truth = (on_device(model, one) for one in (question.inputs, question.baseline, (question.truth,)))
    found: torch.Tensor = LayerConductance(Scalar(twin, question.target), modules[layer]).attribute(
        tuple(one.requires_grad_() for one in inputs),
        baselines=baseline,
        additional_forward_args=truth,
        n_steps=steps,
        internal_batch_size=internal_batch_size,
    )
    values: NDArray[np.float32] = found[0].detach().flatten().cpu().numpy().astype(np.float32)
    return values
