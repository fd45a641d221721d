"""Sensitivity curves: the model's error against what is kept of a layer, without training."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.beside import told
from xgaze.capacity.layer_capacity import layer_outputs
from xgaze.capacity.projection import directions, sensitivity_metric
from xgaze.data.batches import device_of
from xgaze.errors import InputError, nearest
from xgaze.progress import tracked

SHARES = (1.0, 0.75, 0.5, 0.25, 0.125)

Batches = Sequence[tuple[Tensor, ...]]
"""Validation samples as the model reads them: per batch one tensor (n, channels, height, width) per input."""

Score = Callable[[NDArray[np.float32]], float]
"""Outputs (samples, outputs), in the order of the batches -> error; lower is better."""


@dataclass(frozen=True)
class SensitivityPoint:
    """`error` of the model with `kept` channels (or ranks) of `layer`, a share of all it has."""

    layer: str
    kept_share: float
    kept: int
    error: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def channel_sensitivity(
    model: nn.Module, layers: Sequence[str], batches: Batches, score: Score, shares: Sequence[float] = SHARES
) -> list[SensitivityPoint]:
    """Error with only the top share of each layer's output channels, the others zeroed where they are made, layer by layer.

    `layers` are paths of convolutions and linear layers; channels are ranked by `channel_importance`. A few hundred samples
    suffice: the curve takes layers x shares forwards. Raises InputError for a path that leads to no such layer.
    """
    if not layers:
        return []
    widths = {name: _width(model, name) for name in layers}
    importance = channel_importance(model, layers, batches)
    whole = score(_outputs(model, batches))
    points = []
    for name, width in tracked(list(widths.items()), "cutting channels of each layer"):
        order = importance[name].argsort(descending=True)
        for kept in sorted({max(1, math.ceil(round(share * width, 6))) for share in shares}, reverse=True):
            with _zeroed(model, name, order[kept:]):
                error = whole if kept == width else score(_outputs(model, batches))
            points.append(SensitivityPoint(name, kept / width, kept, error))
    return points


def rank_sensitivity(
    name: str, layer: nn.Linear, tail: nn.Module, features: NDArray[Any], score: Score, ranks: Sequence[int]
) -> list[SensitivityPoint]:
    """Error with the output of `layer` on `features` (n, width), of which it reads the first, reduced to each rank and sent
    through `tail` (with the features beside it).

    The directions kept are the leading ones by variance, or by the sensitivity of the tail's output, whichever changes that
    output less: the same that a data-aware factorisation keeps. Raises InputError for a rank that the layer does not have.
    """
    most = min(layer.in_features, layer.out_features)
    for rank in ranks:
        if not 1 <= rank <= most:
            raise InputError(f"'{name}' has no rank {rank}; give ranks from 1 to {most}.")
    tail.eval()
    with torch.no_grad():
        output, tail = layer_outputs(layer, features), told(tail, layer, features)
        whole = tail(output)
        weightings = [directions(output, metric) for metric in (None, sensitivity_metric(tail, output))]
        points = []
        for rank in ranks:
            outputs = [tail(one.projection(rank)(output)) for one in weightings]
            closest = min(outputs, key=lambda one: float((one - whole).square().mean()))
            points.append(SensitivityPoint(name, rank / most, rank, score(closest.float().cpu().numpy())))
    return points


def least_kept(points: Sequence[SensitivityPoint], most_worse: float, whole: float | None = None) -> dict[str, int]:
    """Per layer, the least that keeps the error within `most_worse` percent of that of the most kept, all larger ones holding
    too. whole: what the percent are of instead, in the unit of errors: 1 where these are shares, so that they are points."""
    layers: dict[str, list[SensitivityPoint]] = {}
    for point in points:
        layers.setdefault(point.layer, []).append(point)
    least = {}
    for name, own in layers.items():
        descending = sorted(own, key=lambda point: -point.kept)
        limit = descending[0].error + (abs(descending[0].error) if whole is None else whole) * most_worse / 100
        failing = next((k for k, point in enumerate(descending) if point.error > limit), len(descending))
        least[name] = descending[failing - 1].kept
    return least


def channel_importance(model: nn.Module, layers: Sequence[str], batches: Batches) -> dict[str, Tensor]:
    """How far the outputs move, to first order, when a channel is taken away: E sum_k (dy_k/dgate)^2, one value per channel.

    The gate multiplies the channel. This is the Taylor criterion of Molchanov et al. 2019 with the Jacobian of the outputs for
    the gradient of a loss: it needs no labels, does not vanish where training has converged, and unlike the spread of the
    activations it counts only what later layers read.
    """
    totals = {name: torch.zeros(_width(model, name), dtype=torch.float64) for name in layers}
    samples = sum(len(batch[0]) for batch in batches)
    for batch in batches:
        for name, moved in _moved(model, list(layers), batch).items():
            totals[name] += moved / samples
    return totals


def _moved(model: nn.Module, layers: list[str], batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Sum over the batch of (dy_k/dgate)^2 over all outputs k, per layer (channels,)."""
    gates: dict[str, list[Tensor]] = {name: [] for name in layers}

    def gated(name: str) -> Any:
        def hook(module: nn.Module, _: Any, out: Tensor) -> Tensor:
            axis = _channel_axis(module, out)
            shape = [n if k in (0, axis) else 1 for k, n in enumerate(out.shape)]
            gates[name].append(torch.ones(shape, device=out.device, requires_grad=True))
            return out * gates[name][-1]

        return hook

    with ExitStack() as stack, torch.enable_grad():
        for name in layers:
            stack.callback(model.get_submodule(name).register_forward_hook(gated(name)).remove)
        outputs = model.eval()(*(x.to(device_of(model)) for x in batch))
        _check_used(gates)
        flat = [gate for own in gates.values() for gate in own]
        squares = [torch.zeros_like(gate) for gate in flat]
        for k in range(outputs.shape[1]):
            gradients = torch.autograd.grad(outputs[:, k].sum(), flat, retain_graph=True, allow_unused=True)
            squares = [s if g is None else s + g.square() for s, g in zip(squares, gradients, strict=True)]
    sums = iter(one.sum(dim=0).flatten().double().cpu() for one in squares)
    return {name: torch.stack([next(sums) for _ in own]).sum(dim=0) for name, own in gates.items()}


def _check_used(gates: dict[str, list[Tensor]]) -> None:
    for name, own in gates.items():
        if not own:
            raise InputError(f"'{name}' is not used when the model runs, so it has no sensitivity; leave it out.")


@contextmanager
def _zeroed(model: nn.Module, name: str, channels: Tensor) -> Iterator[None]:
    """The model with these output channels of one layer set to zero."""

    def hook(module: nn.Module, _: Any, out: Tensor) -> Tensor:
        return out.index_fill(_channel_axis(module, out), channels.to(out.device), 0.0)

    handle = model.get_submodule(name).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@torch.no_grad()
def _outputs(model: nn.Module, batches: Batches) -> NDArray[np.float32]:
    device = device_of(model)
    return torch.cat([model.eval()(*(x.to(device) for x in batch)).float().cpu() for batch in batches]).numpy()


def _channel_axis(module: nn.Module, out: Tensor) -> int:
    return out.ndim - 1 if isinstance(module, nn.Linear) else 1


def _width(model: nn.Module, name: str) -> int:
    modules = dict(model.named_modules())
    if name not in modules:
        raise InputError(f"the model has no module '{name}'; {nearest(name, modules)}")
    module = modules[name]
    if isinstance(module, nn.Linear):
        return module.out_features
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return module.out_channels
    raise InputError(
        f"'{name}' is a {type(module).__name__}: sensitivity is measured at convolutions and linear layers."
    )
