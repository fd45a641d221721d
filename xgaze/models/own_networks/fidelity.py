"""Whether two models are the same function, and a model one at all: by measuring, on all the batches that are at hand."""

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import SPLITS, Recording, Spec, rows_of
from xgaze.errors import InputError

OF_LARGEST = 1e-5
OF_SPREAD = 1e-4
SCALES = (1.0, 30.0, 0.01)
ROWS = 3
Inputs = tuple[Tensor, ...]


def synthetic_batches(spec: Spec) -> list[Inputs]:
    """Normal numbers, small, plain and large; 1, 2 and 3 samples; and one sample of zeros."""
    generator = torch.Generator().manual_seed(0)
    sizes = zip((3, 2, 3), SCALES, strict=True)
    drawn = [tuple(k * torch.randn(n, *one.shape, generator=generator) for one in spec.inputs) for n, k in sizes]
    return [*drawn, tuple(x[:1] for x in drawn[0]), tuple(torch.zeros(1, *one.shape) for one in spec.inputs)]


def real_batches(recording: Recording) -> Iterator[Inputs]:
    """Of every split a few samples, spread over it, as they are and scaled, together and the first alone."""
    for split in SPLITS:
        rows = rows_of(recording, split)
        if len(rows):
            spread = rows[np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)]
            inputs = next(ordered_batches(recording, spread, len(spread))).inputs
            yield from (tuple(scale * one for one in inputs) for scale in SCALES)
            yield tuple(one[:1] for one in inputs)


def outputs(model: nn.Module, inputs: Inputs) -> Any:
    """What the model makes of copies of the inputs, in evaluation mode; mode restored, statistics not moved."""
    modes = {one: one.training for one in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            return model(*(one.clone() for one in inputs))
    finally:
        for one, mode in modes.items():
            one.training = mode


def apart(first: Tensor, second: Tensor) -> float:
    """The largest difference of two outputs, 0 where it is within float32: 1e-5 of the largest number there, or 1e-4 of what the
    samples differ by. Infinite where they differ in shape or in which numbers are finite."""
    if first.shape != second.shape or not torch.equal(first.isfinite(), second.isfinite()):
        return float("inf")
    finite = first.isfinite()
    one, other = first[finite].double(), second[finite].double()
    if not len(one):
        return 0.0
    spread = float((first.amax(0) - first.amin(0)).nan_to_num(0, 0, 0).max())
    largest = float((one - other).abs().max())
    return largest if largest > max(OF_LARGEST * float(one.abs().max()), OF_SPREAD * spread) else 0.0


def differences(model: nn.Module, other: nn.Module, batches: Iterable[Inputs]) -> float:
    """The largest difference of two models' outputs over the batches; 0 where they are the same function there."""
    return max((apart(outputs(model, one), outputs(other, one)) for one in batches), default=0.0)


def require_function(model: nn.Module, batch: Inputs) -> None:
    """Raises InputError, naming the module where it begins, unless outputs depend on each sample alone: not on chance, not on
    earlier calls, not on the other samples of a batch (three or more here), and the model's own tensors stay as they are."""
    before = {name: one.clone() for name, one in _tensors(model)}
    first = outputs(model, batch)
    moved = [name for name, one in _tensors(model) if not _same(one, before[name])]
    if moved:
        raise InputError(
            f"forward changes its own '{moved[0]}' also in evaluation, so that every call is another function."
        )
    if apart(first, outputs(model, batch)):
        where = _first_differing(model, batch, batch)
        raise InputError(
            f"the same inputs give another output at the second call{where}: chance, or what it remembers."
        )
    alone = tuple(x[:1] for x in batch)
    if apart(first[:1], outputs(model, alone)):
        where = _first_differing(model, batch, alone)
        raise InputError(f"the output of a sample depends on the other samples of its batch{where}.")


def training_difference(model: nn.Module, other: nn.Module, batch: Inputs, seeds: int = 3) -> float:
    """The largest difference in training mode, the same numbers drawn by both: of outputs, of the inputs' gradients, and of the
    statistics they leave. other: a model that shares its weights with `model`. Both stay as they are."""
    found = 0.0
    for seed in range(seeds):
        (whole, _), (also_whole, part) = copy.deepcopy((model, other)), copy.deepcopy((model, other))
        pairs = zip(_taught(whole, whole, batch, seed), _taught(part, also_whole, batch, seed), strict=True)
        found = max(found, *(apart(one, another) for one, another in pairs))
    return found


def _taught(model: nn.Module, whole: nn.Module, batch: Inputs, seed: int) -> list[Tensor]:
    """One step in training mode: outputs, gradients of the inputs, and all buffers of `whole` afterwards."""
    inputs = [one.clone().requires_grad_() for one in batch]
    with torch.enable_grad(), seeded(seed):
        out = model.train()(*(one * 1 for one in inputs))  # a forward may overwrite what it is given
        grads = torch.autograd.grad(out.square().sum(), inputs, allow_unused=True) if out.requires_grad else []
    given = [torch.zeros(1) if one is None else one for one in grads]
    return [out.detach(), *given, *(one.detach() for _, one in whole.named_buffers() if one.is_floating_point())]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Python's, NumPy's and torch's generators begin at a seed, and go on afterwards where they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - that of the user's code
    with torch.random.fork_rng(devices=[]):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()]


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _noting(name: str, called: list[tuple[str, Tensor]]) -> Callable[[nn.Module, Any, Any], None]:
    def note(_module: nn.Module, _inputs: Any, out: Any) -> None:
        if isinstance(out, Tensor) and out.ndim:
            called.append((name, out.clone()))  # it may be overwritten in place

    return note


def _first_differing(model: nn.Module, batch: Inputs, other: Inputs) -> str:
    """ " (first in 'tower.3')", the first module to end whose output for the first sample differs between two calls."""
    seen: list[list[tuple[str, Tensor]]] = []
    for inputs in (batch, other):
        called: list[tuple[str, Tensor]] = []
        seen.append(called)
        handles = [one.register_forward_hook(_noting(name, called)) for name, one in model.named_modules() if name]
        try:
            outputs(model, inputs)
        finally:
            for handle in handles:
                handle.remove()
    pairs = zip(*seen, strict=False)
    odd = [name for (name, one), (_, two) in pairs if apart(one[:1], two[:1])]
    return f" (first in '{odd[0]}')" if odd else ""
