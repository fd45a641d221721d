"""GradientShap: expected gradients, by Captum."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from captum.attr import GradientShap
from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question, watched
from xgaze.explanation.attribution.targets import Scalar


def _gradient_shap(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    """In portions, since Captum holds all samples at once."""
    method, left = GradientShap(scalar), effort.shap_samples
    sums = [torch.zeros_like(one) for one in asked.inputs]
    with _seeded(effort.seed):
        while left:
            count = min(left, effort.internal_batch_size)
            portion = method.attribute(
                watched(asked.inputs),
                baselines=asked.baseline,
                n_samples=count,
                additional_forward_args=(asked.truth,),
            )
            sums = [total + count * one.detach() for total, one in zip(sums, portion, strict=True)]
            left -= count
    return tuple(one / effort.shap_samples for one in sums)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Captum draws from the global generators; they are left as they were."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


METHOD = Method(_gradient_shap, complete=True, name="GradientShap", place=3)
