"""Which maps (channels, height, width) stand flattened in a vector, measured: changes of the maps are looked for in the vector.

Every place of a map, and every channel, carries its number as a binary code over a few runs: in one those are changed whose
number has the bit, in another the rest (as channels in `couplings.tracing`). Nothing is concluded from names of what stands
between: a transpose before a copy, a roll or an index shows in where the changes arrive.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional as F

# What puts out maps whose axes are (batch, channels, height, width) by torch's definition.
_MODULES = (
    nn.Conv2d,
    nn.ConvTranspose2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.LPPool2d,
    nn.FractionalMaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.BatchNorm2d,
    nn.InstanceNorm2d,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.Upsample,
    nn.PixelShuffle,
    nn.PixelUnshuffle,
)
_FUNCTIONS = (
    F.conv2d,
    F.conv_transpose2d,
    F.max_pool2d,
    F.avg_pool2d,
    F.lp_pool2d,
    F.adaptive_avg_pool2d,
    F.adaptive_max_pool2d,
    F.instance_norm,
    F.group_norm,
    F.local_response_norm,
    F.interpolate,
    F.pixel_shuffle,
    F.pixel_unshuffle,
)
Shape = tuple[int, int, int]
Seen = NDArray[np.bool_]


def maps_in(traced: fx.GraphModule, node: fx.Node, inputs: Sequence[Tensor]) -> Shape | None:
    """The maps that stand in the value (batch, width) of `node` as channels x height x width: the element at (channel, row,
    column) at position (channel height + row) width + column. None where they stand otherwise, are of several sizes or none.

    `traced` in evaluation mode; inputs: one batch.
    """
    marks = _Marks(traced, inputs)
    makers = marks.makers_of(node)
    if not makers:
        return None
    height, width = max((marks.size(one) for one in makers), key=lambda size: size[0] * size[1])
    positions = marks.values[node].shape[1]
    if positions % (height * width):
        return None
    arrived = [marks.arrived(one, node) for one in makers if marks.size(one) == (height, width)]
    aligned = all(_is_aligned(rows, channels, height * width) for rows, channels in arrived)
    reached = np.any([rows.any(axis=(0, 1)) for rows, _ in arrived], axis=0).all()
    return (positions // (height * width), height, width) if aligned and reached else None


def _is_aligned(places: Seen, channels: Seen, area: int) -> bool:
    """What arrives at each position: whether it comes from the position's own place on the map (its number modulo `area`), and
    from the same channels as at all other places of that channel.

    places, channels: (bits, 2, batch, positions), whether a change of those elements arrives whose number (of place, of
    channel) has this bit set, and not set.
    """
    bits, _, _, positions = places.shape
    own = (np.arange(positions)[None] % area >> np.arange(bits)[:, None]) & 1
    wrong = np.where(own[:, None] == 1, places[:, 1], places[:, 0])
    of_channel = channels.reshape(*channels.shape[:-1], -1, area)
    return not wrong.any() and bool((of_channel == of_channel[..., :1]).all())


class _Marks:
    """A graph's values where all makers put out positive maps, so that no mask closes, and where changes of one's maps arrive."""

    def __init__(self, traced: fx.GraphModule, inputs: Sequence[Tensor]) -> None:
        self.traced = traced
        self.interpreter = _OnPositiveMaps(traced)
        with torch.no_grad():
            self.interpreter.run(*(one.clone() for one in inputs))
        self.values: dict[fx.Node, Any] = dict(self.interpreter.env)

    def size(self, maker: fx.Node) -> tuple[int, int]:
        height, width = self.values[maker].shape[2:]
        return height, width

    def makes_maps(self, node: fx.Node) -> bool:
        return _makes_maps(self.traced, node, self.values.get(node))

    def makers_of(self, node: fx.Node) -> list[fx.Node]:
        """The last nodes that make maps on every way to `node`."""
        found, waiting = {node}, [node]
        while waiting:
            one = waiting.pop()
            if not self.makes_maps(one):
                waiting += [other for other in one.all_input_nodes if other not in found]
                found.update(one.all_input_nodes)
        return [one for one in self.values if one in found and self.makes_maps(one)]

    @torch.no_grad()
    def arrived(self, maker: fx.Node, node: fx.Node) -> tuple[Seen, Seen]:
        """Where changes of the maps arrive in `node`, by number of place and of channel: (bits, 2, batch, positions) each."""
        plain = self.values[maker]
        batch, channels, height, width = plain.shape
        place = torch.arange(height * width).reshape(height, width).expand(plain.shape)
        channel = torch.arange(batch * channels).reshape(batch, channels, 1, 1).expand(plain.shape)
        marks = [*_by_bits(place), *_by_bits(channel)]
        change = 0.1 + 0.15 * torch.rand(
            plain.shape, generator=torch.Generator().manual_seed(1)
        )  # a norm would undo one shift
        found = self._passed_on(maker, [plain, *(plain + change * one for one in marks)], node, len(_by_bits(place)))
        seen = found.reshape(-1, 2, *found.shape[1:])
        bits = len(_by_bits(place)) // 2
        return seen[:bits], seen[bits:]

    def _passed_on(self, maker: fx.Node, variants: list[Tensor], node: fx.Node, places: int) -> Seen:
        """By variant but the first, whether the value of `node` differs from that of the first: (variants, batch, positions).

        Maps of other makers stay as they are, and so do values in which places are mixed, such as a gate from all of a map: what
        they multiply keeps its own place.
        """
        changed: dict[fx.Node, list[Any]] = {maker: list(variants)}
        for one in self.traced.graph.nodes:
            if one is not maker and not self.makes_maps(one) and changed.keys() & set(one.all_input_nodes):
                outs = [self._run(one, changed, k) for k in range(len(variants))]
                if not _mixes_places(outs, places):
                    changed[one] = outs
            if one is node:
                break
        if node not in changed:
            return np.zeros((len(variants) - 1, *self.values[node].shape), bool)
        return _differing(changed[node]).numpy()

    def _run(self, node: fx.Node, changed: dict[fx.Node, list[Any]], variant: int) -> Any:
        env = self.interpreter.env
        for one in node.all_input_nodes:
            env[one] = changed[one][variant] if one in changed else self.values[one]
        return self.interpreter.run_node(node)


class _OnPositiveMaps(fx.Interpreter):
    """Runs a graph in which every maker puts out maps between 0.25 and 0.5 instead of its own."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced, garbage_collect_values=False)
        self.chance = torch.Generator().manual_seed(0)

    def run_node(self, n: fx.Node) -> Any:
        out = super().run_node(n)
        if not _makes_maps(self.module, n, out):  # type: ignore[arg-type]
            return out
        return 0.25 + 0.25 * torch.rand(out.shape, generator=self.chance)


def _makes_maps(traced: fx.GraphModule, node: fx.Node, value: Any) -> bool:
    if not (isinstance(value, Tensor) and value.ndim == 4 and value.is_floating_point()):
        return False
    if node.op == "call_module":
        return isinstance(traced.get_submodule(str(node.target)), _MODULES)
    return node.op == "placeholder" or node.target in _FUNCTIONS


def _by_bits(number: Tensor) -> list[Tensor]:
    """1 at the elements whose number has a bit set, then at those where it is not; for every bit."""
    bits = max(int(number.max()).bit_length(), 1)
    return [((number >> bit) & 1 == wanted).float() for bit in range(bits) for wanted in (1, 0)]


def _differing(outs: list[Tensor]) -> Tensor:
    return torch.stack([one != outs[0] for one in outs[1:]])


def _mixes_places(outs: list[Any], places: int) -> bool:
    """Whether an element knows of several places of the map: it changes with a bit set and not set."""
    if not isinstance(outs[0], Tensor):
        return False
    differs = _differing(outs)[:places].unflatten(0, (-1, 2))
    return bool((differs[:, 0] & differs[:, 1]).any())
