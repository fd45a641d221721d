"""Which channels belong together: NaN tracing through flatten, concatenation, permutation, shared towers, joined batches.

A channel set to NaN where it is made turns up as NaN wherever it is read. So the wiring is read off the model itself, whatever
code stands between its layers; masks on the way are lifted. Each channel carries its number as a binary code over a few forwards,
every bit once plainly and once inverted: an index that answers to both saw several channels mixed, and is told from one that saw
a single channel.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, SeparableLinear, evaluated
from xgaze.models.shared_layers import ChannelShift

Side = Literal["out", "in", "through"]
MAKING = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
MIXING = (*MAKING, SeparableLinear)
CHANNELWISE = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.GroupNorm, nn.PReLU, ChannelShift),
)
OVERWRITING = frozenset(
    getattr(owner, name)
    for owner in (torch, Tensor)
    for name in ("where", "masked_fill", "masked_fill_", "nan_to_num", "nan_to_num_", "fmax", "fmin")
    if hasattr(owner, name)
)
"""What gives each element out for the same element in, and may put something else in the place of NaN."""
Bits = NDArray[np.bool_]


@dataclass(frozen=True, order=True)
class Slot:
    """One channel of one layer: made by it ("out"), read by it ("in"), or passed through it ("through", as in BatchNorm)."""

    layer: str
    side: Side
    index: int


@dataclass(frozen=True)
class Unit:
    """Channels that can only be removed together, everywhere at once."""

    slots: frozenset[Slot]

    def of(self, layer: str, side: Side = "out") -> list[int]:
        return sorted(slot.index for slot in self.slots if slot.layer == layer and slot.side == side)


def trace_units(model: FeatureHead, inputs: tuple[Tensor, ...], layers: list[str]) -> tuple[list[Unit], dict[str, str]]:
    """Units that hold outputs of `layers`, with whatever other layers' channels they are bound to (residual sums). Channels that
    reach the model's output are left out: they stay.

    And why which of `layers` cannot be traced, in words: their channels vanish on the way (a comparison, NumPy) or are mixed by
    something other than a convolution or a linear layer. Were another one bound to such a layer, its proof would fail.
    """
    joined, untraced = _Joined(), dict[str, str]()
    for layer in [*layers, *(name for name in making_layers(model) if name not in layers)]:
        try:
            found, reached = trace_layer(model, inputs, layer)
        except InputError as error:
            if layer in layers:
                untraced[layer] = str(error)
            continue
        for channel, slots in found.items():
            joined.add({Slot(layer, "out", channel), *slots}, kept=channel in reached)
    for together in _normalised_together(model):
        joined.add(together, kept=False)
    units = [one for one in joined.units() if any(slot.layer in layers and slot.side == "out" for slot in one.slots)]
    return units, untraced


def _normalised_together(model: nn.Module) -> Iterator[set[Slot]]:
    """The channels of each group of every GroupNorm: a group's statistics stay what they are only if it stays or goes whole."""
    for name, one in model.named_modules():
        if isinstance(one, nn.GroupNorm):
            size = one.num_channels // one.num_groups
            for start in range(0, one.num_channels, size):
                yield {Slot(name, "through", index) for index in range(start, start + size)}


def making_layers(model: nn.Module, kinds: tuple[type[nn.Module], ...] = MAKING) -> list[str]:
    """Paths of the layers that make new channels, in the order of registration; depthwise convolutions pass theirs through."""
    return [name for name, one in model.named_modules() if isinstance(one, kinds) and not passes_through(one)]


def passes_through(module: nn.Module) -> bool:
    """Whether every channel that comes out is made of that one (GroupNorm: of its group): BatchNorm, PReLU, depthwise
    convolution."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return module.groups == module.in_channels == module.out_channels > 1
    return isinstance(module, CHANNELWISE)


def channel_axis(module: nn.Module, x: Tensor) -> int:
    """The axis of `x` that holds the module's channels."""
    return x.ndim - 1 if isinstance(module, nn.Linear | SeparableLinear) else 1


def trace_layer(
    model: FeatureHead, inputs: tuple[Tensor, ...], layer: str
) -> tuple[dict[int, set[Slot]], frozenset[int]]:
    """For every channel of `layer`: the slots it reaches; and the channels that reach the model's output. Raises InputError."""
    inputs = tuple(x[:1] for x in inputs)
    channels = _width(model, layer)
    bits = max(1, (channels - 1).bit_length())
    numbers = np.arange(channels)
    plain = [(numbers >> bit & 1).astype(bool) for bit in range(bits)]
    answers = [_poisoned(model, inputs, layer, mask) for mask in (*plain, *(~mask for mask in plain))]
    found: dict[int, set[Slot]] = {channel: set() for channel in range(channels)}
    reached: set[int] = set()
    for key in sorted({key for answer in answers for key in answer}):
        rows = np.stack([answer.get(key, np.zeros(1, bool)) for answer in _padded(answers, key)])
        for index, source in _decode(rows, bits, layer, key[0]).items():
            if key[1] == "output":
                reached.add(source)
            else:
                found[source].add(Slot(key[0], key[1], index))  # type: ignore[arg-type]
    lost = [channel for channel, slots in found.items() if channel not in reached and not _read(slots)]
    if lost:
        raise InputError(
            f"'{layer}' cannot be traced: {len(lost)} of its {channels} channels vanish before any layer reads them "
            "(a comparison or NumPy on the way, or a layer that is not used?)."
        )
    return found, frozenset(reached)


def _read(slots: set[Slot]) -> bool:
    return any(slot.side == "in" for slot in slots)


def _padded(answers: list[dict[tuple[str, str], Bits]], key: tuple[str, str]) -> list[dict[tuple[str, str], Bits]]:
    """Answers with silence written out where nothing was NaN."""
    width = next(len(answer[key]) for answer in answers if key in answer)
    return [answer if key in answer else {key: np.zeros(width, bool)} for answer in answers]


def _decode(rows: Bits, bits: int, layer: str, reader: str) -> dict[int, int]:
    """Index -> the channel it saw, for indices that saw one. rows: (2 bits, indices), plain codes then inverted ones."""
    plain, inverted = rows[:bits], rows[bits:]
    touched = rows.any(axis=0)
    if (plain & inverted)[:, touched].any():
        raise InputError(
            f"'{layer}' cannot be traced: its channels arrive mixed at '{reader or 'the output'}', and not by a convolution or "
            "a linear layer (LocalResponseNorm, LayerNorm, softmax, attention, PixelShuffle?)."
        )
    sources = (plain * (1 << np.arange(bits))[:, None]).sum(axis=0)
    return {int(index): int(sources[index]) for index in np.flatnonzero(touched)}


@torch.no_grad()
def _poisoned(model: FeatureHead, inputs: tuple[Tensor, ...], layer: str, mask: Bits) -> dict[tuple[str, str], Bits]:
    """(reader, side) -> which indices are NaN when the masked channels of `layer` are."""
    seen: dict[tuple[str, str], Bits] = {}
    source = model.get_submodule(layer)
    poison = torch.from_numpy(mask)

    def spoil(module: nn.Module, _: Any, out: Tensor) -> Tensor:
        shape = [1] * out.ndim
        shape[channel_axis(module, out)] = -1
        return out.masked_fill(poison.to(out.device).view(shape), torch.nan)

    def look(name: str, side: str, module: nn.Module, x: Tensor) -> bool:
        axis = channel_axis(module, x)
        spoilt = x.isnan().movedim(axis, 0).flatten(1).any(dim=1).cpu().numpy()
        if spoilt.any():
            seen[name, side] = seen.get((name, side), np.zeros(len(spoilt), bool)) | spoilt
        return bool(spoilt.any())

    def watch(name: str, module: nn.Module, read: tuple[Tensor, ...], out: Tensor) -> Tensor:
        through = passes_through(module)
        if look(name, "through" if through else "in", module, read[0]) and not through:
            out = torch.zeros_like(out)  # what a mixing layer makes is a new channel, not this one
        elif isinstance(module, nn.GroupNorm):
            out = torch.where(read[0].isnan(), torch.nan, torch.zeros_like(out))  # not its whole group
        return spoil(module, read, out) if module is source else out

    with evaluated(model), _hooked(model, watch), _Unmasked():
        output = model(*inputs)
    spoilt = output.isnan().flatten(1).any(dim=0).cpu().numpy()
    if spoilt.any():
        seen["", "output"] = spoilt
    return seen


@contextmanager
def _hooked(model: nn.Module, watch: Any) -> Iterator[None]:
    """Calls watch(name, module, inputs, output) at every layer that has channels; what it returns is the output."""
    handles = [
        module.register_forward_hook(lambda module, read, out, name=name: watch(name, module, read, out))
        for name, module in model.named_modules()
        if isinstance(module, MIXING) or passes_through(module)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Unmasked(TorchFunctionMode):
    """NaN stays NaN through `OVERWRITING` and through x[...] = y: where a mask hides a channel, the place is still its own."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, assigns = kwargs or {}, func is Tensor.__setitem__
        read = args[:1] if assigns else (*args, *kwargs.values()) if func in OVERWRITING else ()
        spoilt = [x.isnan() for x in read if isinstance(x, Tensor) and x.is_floating_point()]
        out = func(*args, **kwargs)
        whole = args[0] if assigns else out
        for mask in spoilt:
            whole.masked_fill_(mask, torch.nan)
        return out


def _width(model: nn.Module, layer: str) -> int:
    module = model.get_submodule(layer)
    if isinstance(module, nn.Linear):
        return module.out_features
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return module.out_channels
    raise InputError(f"'{layer}' is a {type(module).__name__}: only convolutions and linear layers make channels.")


class _Joined:
    """Sets of slots, joined wherever they share one."""

    def __init__(self) -> None:
        self._set_of: dict[Slot, set[Slot]] = {}
        self._kept: set[Slot] = set()

    def add(self, slots: set[Slot], kept: bool) -> None:
        merged = set(slots)
        for other in {id(one): one for slot in slots if (one := self._set_of.get(slot)) is not None}.values():
            merged |= other
        self._set_of.update(dict.fromkeys(merged, merged))
        if kept:
            self._kept |= slots

    def units(self) -> list[Unit]:
        """Every joined set once, in the order of its first slot, without those that must stay."""
        sets = {id(one): one for one in self._set_of.values()}.values()
        return [Unit(frozenset(one)) for one in sorted(sets, key=min) if not one & self._kept]
