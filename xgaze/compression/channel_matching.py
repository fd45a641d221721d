"""The mean of towers that were trained apart: the same feature sits in another channel of each, so channels are matched first.

Activation matching of Ainsworth et al. 2023, "Git Re-Basin": both towers see the same pictures, and the assignment of channels
with the largest sum of correlations is taken, layer by layer. The last layer's channels stay where the head reads them.
"""

import copy
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from xgaze.compression.surgeries.proof import is_equal, outputs_of
from xgaze.models.layers import FeatureHead
from xgaze.models.towers import find_towers

State = dict[str, Tensor]
Order = NDArray[np.int64]


@dataclass(frozen=True)
class Pairing:
    """A tower beside the first: the first's layer -> its own, in the order of computing, and those seen mirrored."""

    layers: Mapping[str, str]
    mirrored: Collection[str]

    @property
    def turned(self) -> bool:
        return any(path in self.mirrored for path in self.layers.values())


@torch.no_grad()
def matched_mean(
    model: FeatureHead, towers: Sequence[Mapping[str, str]], mirrored: Collection[str], inputs: tuple[Tensor, ...]
) -> dict[str, State]:
    """The first towers' layers -> the mean of their states and those of the towers beside them.

    towers: per tower, the first's layer -> its own. Channels are matched where a tower is a chain of convolutions and layers
    that pass channels through, and its reordering is proved to change no output; else the mean is taken as they stand.
    """
    sums: dict[str, list[State]] = {}
    for pairing in (Pairing(layers, mirrored) for layers in towers):
        states = _matched(model, pairing, inputs)
        for of, path in pairing.layers.items():
            own = {
                key: value.flip(-1) if path in mirrored and key == "weight" else value
                for key, value in states[path].items()
            }
            sums.setdefault(of, [state_of(model.get_submodule(of))]).append(own)
    return {of: {key: _mean([one[key] for one in members]) for key in members[0]} for of, members in sums.items()}


def _mean(values: Sequence[Tensor]) -> Tensor:
    """Of counters, the first's."""
    return torch.stack(list(values)).mean(0) if values[0].is_floating_point() else values[0]


def _matched(model: FeatureHead, pairing: Pairing, inputs: tuple[Tensor, ...]) -> dict[str, State]:
    """The tower's states in the first's order of channels; as they are, where that cannot be proved the same tower."""
    plain = {path: state_of(model.get_submodule(path)) for path in pairing.layers.values()}
    if not all(_is_ordered(model.get_submodule(path)) for path in plain):
        return plain
    ordered = _reordered(model, pairing, _activations(model, pairing, inputs))
    changed = copy.deepcopy(model)
    for path, state in ordered.items():
        changed.get_submodule(path).load_state_dict(state)
    same = is_equal(outputs_of(model, *inputs), outputs_of(changed, *inputs))
    return ordered if same else plain


def _is_ordered(layer: nn.Module) -> bool:
    """Whether its channels can be put in another order: a convolution, or one number per channel."""
    return isinstance(layer, nn.Conv2d) or all(value.ndim <= 1 for value in layer.state_dict().values())


def _reordered(model: FeatureHead, pairing: Pairing, seen: Mapping[str, Tensor]) -> dict[str, State]:
    states: dict[str, State] = {}
    paths = list(pairing.layers.items())
    convolutions = [path for _, path in paths if isinstance(model.get_submodule(path), nn.Conv2d)]
    order: Order | None = None
    for of, path in paths:
        layer, state = model.get_submodule(path), state_of(model.get_submodule(path))
        if isinstance(layer, nn.Conv2d):
            state = _inputs_in_order(state, layer, order)
            after = convolutions[convolutions.index(path) + 1 :]
            blocks = math.lcm(layer.groups, _groups(model, after[0])) if after else layer.out_channels
            order = assignment(seen[of], seen[path], blocks)
        states[path] = {
            key: value[order] if order is not None and value.ndim else value for key, value in state.items()
        }
    return states


def _groups(model: nn.Module, path: str) -> int:
    layer = model.get_submodule(path)
    assert isinstance(layer, nn.Conv2d)
    return layer.groups


def _inputs_in_order(state: State, conv: nn.Conv2d, order: Order | None) -> State:
    """The kernels' inputs as the layer before now makes them; an order never leaves a group."""
    if order is None:
        return state
    width, rows = conv.in_channels // conv.groups, conv.out_channels // conv.groups
    own = [order[k * width : (k + 1) * width] - k * width for k in range(conv.groups)]
    blocks = [state["weight"][k * rows : (k + 1) * rows][:, own[k]] for k in range(conv.groups)]
    return {**state, "weight": torch.cat(blocks)}


def assignment(first: Tensor, second: Tensor, blocks: int) -> Order:
    """For every channel of `first` (n, channels) the channel of `second` that goes with it, inside of each block of channels."""
    channels = first.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):  # a channel that is the same everywhere resembles none
        likeness = np.nan_to_num(np.corrcoef(first.numpy().T, second.numpy().T)[:channels, channels:])
    size = channels // blocks
    order = np.arange(channels)
    for start in range(0, size * blocks, size):
        rows, columns = linear_sum_assignment(-likeness[start : start + size, start : start + size])
        order[start + rows] = start + columns
    return order


def _activations(model: FeatureHead, pairing: Pairing, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Layer -> (numbers, channels) that it makes of the first tower's pictures, both towers seeing the same."""
    wanted = {*pairing.layers, *pairing.layers.values()}
    places = {path: one.input for one in find_towers(model, inputs) for path in one.holding(model)}
    first, second = (places[path] for path in next(iter(pairing.layers.items())))
    shown = list(inputs)
    shown[second] = inputs[first].flip(-1) if pairing.turned else inputs[first]
    seen: dict[str, Tensor] = {}

    def keep(path: str, out: Tensor) -> None:
        turned = pairing.turned and path in pairing.layers.values() and out.ndim == 4
        seen[path] = (out.flip(-1) if turned else out).movedim(1, -1).flatten(0, -2)

    handles = [
        model.get_submodule(path).register_forward_hook(lambda _module, _read, out, path=path: keep(path, out))
        for path in wanted
    ]
    try:
        outputs_of(model, *shown)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def state_of(layer: nn.Module) -> State:
    """A copy of its weights."""
    return {key: value.detach().clone() for key, value in layer.state_dict().items()}
