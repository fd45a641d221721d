"""Remove channels physically: slice every layer that makes, reads or passes them."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.couplings.reorder import reorder
from xgaze.compression.couplings.tracing import Side, Unit, channel_axis
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.proof import Proof, is_equal, outputs_of, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, SeparableLinear


@dataclass(frozen=True)
class Cut:
    """removed: "layer:side" -> the indices taken out, as ranges ("0:192,384:576"). See `tracing.Slot` for sides."""

    removed: dict[str, str]
    kind: Literal["channels"] = "channels"

    def reshape(self, model: FeatureHead) -> None:
        """Slice every layer concerned; weights that stay keep their values."""
        shape, first = model.feature_shape, next(iter(_paths(model.head)), None)
        for layer, side, indices in self._parts():
            _slice(model.get_submodule(layer), layer, side, indices)
            if shape and layer == f"head.{first}" and side == "in":
                channels, height, width = shape
                model.feature_shape = (channels - len(indices) // (height * width), height, width)

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Cut in place, having proved on a copy that the pruned model equals the one whose channels are zeroed where they are
        made and where they are read, what reads shuffled channels put in order. Raises InputError, the model untouched, where it
        does not or the layers no longer fit."""
        names = ", ".join(dict.fromkeys(layer for layer, side, _ in self._parts() if side == "out"))
        with masked(model, self._parts()):
            expected = outputs_of(model, *probe.inputs)
        pruned = copy.deepcopy(model)
        try:
            with redirect_stderr(StringIO()):  # torch.fx prints a traceback of what we catch
                self.reshape(pruned)
                found = outputs_of(pruned, *probe.inputs)
        except InputError:
            raise
        except Exception as error:  # the user's own forward runs here: it may raise anything
            raise InputError(f"surgery on {names} refused: the layers no longer fit ({_first(error)}).") from None
        if not is_equal(expected, found):
            reorder(pruned, model, {f"{layer}:{side}": gone for layer, side, gone in self._parts()}, probe.inputs)
            found = outputs_of(pruned, *probe.inputs)
        proof = prove_equal(expected, found, names)
        self.reshape(model)
        model.load_state_dict(pruned.state_dict())
        return proof

    def _parts(self) -> list[tuple[str, Side, list[int]]]:
        parts = []
        for key, ranges in self.removed.items():
            layer, _, side = key.rpartition(":")
            parts.append((layer, side, from_ranges(ranges)))
        return parts  # type: ignore[return-value]


def cut_of(units: Iterable[Unit]) -> Cut:
    """The surgery that removes these units."""
    removed: dict[str, list[int]] = {}
    for slot in sorted(slot for unit in units for slot in unit.slots):
        removed.setdefault(f"{slot.layer}:{slot.side}", []).append(slot.index)
    return Cut({key: to_ranges(indices) for key, indices in removed.items()})


@contextmanager
def masked(model: nn.Module, parts: list[tuple[str, Side, list[int]]]) -> Iterator[None]:
    """The model with these channels zeroed where they are made, passed through and read: between, a sigmoid makes 0 one half."""

    def zero(module: nn.Module, x: Tensor, indices: list[int]) -> Tensor:
        return x.index_fill(channel_axis(module, x), torch.tensor(indices, device=x.device), 0.0)

    with ExitStack() as hooks:
        for layer, side, indices in parts:
            one = model.get_submodule(layer)
            handle = (
                one.register_forward_pre_hook(
                    lambda module, read, gone=indices: (zero(module, read[0], gone), *read[1:])
                )
                if side == "in"
                else one.register_forward_hook(lambda module, _, out, gone=indices: zero(module, out, gone))
            )
            hooks.callback(handle.remove)
        yield


def to_ranges(indices: list[int]) -> str:
    """Sorted indices as half-open ranges: [0, 1, 2, 5] -> "0:3,5:6"."""
    ranges: list[list[int]] = []
    for index in sorted(indices):
        if ranges and ranges[-1][1] == index:
            ranges[-1][1] += 1
        else:
            ranges.append([index, index + 1])
    return ",".join(f"{start}:{end}" for start, end in ranges)


def from_ranges(text: str) -> list[int]:
    """The inverse of `to_ranges`. Raises InputError."""
    try:
        pairs = [tuple(map(int, part.split(":"))) for part in text.split(",")]
        return [index for start, end in pairs for index in range(start, end)]
    except ValueError:
        raise InputError(
            f"channel ranges '{text}' in a model card are malformed; expected for example 0:3,5:6."
        ) from None


def _slice(module: nn.Module, name: str, side: Side, indices: list[int]) -> None:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        _slice_conv(module, name, side, indices)
    elif isinstance(module, nn.Linear):
        axis = 0 if side == "out" else 1
        keep = _keep(module.weight.shape[axis], indices, name)
        _replace(module, "weight", module.weight.index_select(axis, keep))
        if side == "out":
            _replace(module, "bias", None if module.bias is None else module.bias[keep])
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, SeparableLinear) and side == "in":
        _slice_separable(module, name, indices)
    else:  # channel by channel: BatchNorm, PReLU
        _slice_channelwise(module, name, indices)


def _slice_conv(conv: Any, name: str, side: Side, indices: list[int]) -> None:
    if side == "in":
        _replace(conv, "weight", _grouped_inputs(conv, name, indices))
        conv.in_channels -= len(indices)
        return
    groups = conv.groups - len(indices) if side == "through" else conv.groups
    keep = _keep(conv.out_channels, indices, name)
    if side == "out" and len(set(torch.bincount(keep // (conv.out_channels // groups), minlength=groups).tolist())) > 1:
        raise InputError(f"surgery on {name} refused: its {groups} groups must lose equally many channels.")
    _replace(conv, "weight", conv.weight[keep])
    _replace(conv, "bias", None if conv.bias is None else conv.bias[keep])
    conv.out_channels = len(keep)
    if side == "through":
        conv.in_channels, conv.groups = len(keep), groups


def _grouped_inputs(conv: Any, name: str, indices: list[int]) -> Tensor:
    """The weight without these input channels: every group reads its own, and must lose equally many."""
    per_group = conv.in_channels // conv.groups
    keep = _keep(conv.in_channels, indices, name)
    own = [keep[keep // per_group == group] % per_group for group in range(conv.groups)]
    if len({len(one) for one in own}) > 1:
        raise InputError(f"surgery on {name} refused: its {conv.groups} groups must lose equally many inputs.")
    blocks = conv.weight.chunk(conv.groups)
    return torch.cat([block.index_select(1, one) for block, one in zip(blocks, own, strict=True)])


def _slice_separable(layer: SeparableLinear, name: str, indices: list[int]) -> None:
    area = layer.rows.shape[2] * layer.columns.shape[3]
    whole = sorted({index // area for index in indices})
    if len(whole) * area != len(indices):
        raise InputError(f"surgery on {name} refused: separable filters lose whole maps only.")
    keep = _keep(layer.rows.shape[1], whole, name)
    _replace(layer, "rows", layer.rows[:, keep])
    _replace(layer, "columns", layer.columns[:, keep])


def _slice_channelwise(module: Any, name: str, indices: list[int]) -> None:
    tensors = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    for key, tensor in tensors.items():
        if tensor.ndim and len(tensor) > 1:
            _replace(module, key, tensor[_keep(len(tensor), indices, name)])
    if isinstance(module, nn.GroupNorm):
        size = module.num_channels // module.num_groups
        if len({index // size for index in indices}) * size != len(indices):
            raise InputError(f"surgery on {name} refused: its groups of {size} channels can only go whole.")
        module.num_groups -= len(indices) // size
        module.num_channels -= len(indices)
    if hasattr(module, "num_features"):
        module.num_features -= len(indices)


def _keep(size: int, indices: list[int], name: str) -> Tensor:
    if not indices or min(indices) < 0 or max(indices) >= size or len(set(indices)) >= size:
        raise InputError(f"surgery on {name} refused: cannot remove {len(set(indices))} of its {size} channels.")
    kept = torch.ones(size, dtype=torch.bool)
    kept[indices] = False
    return kept.nonzero().flatten()


def _replace(module: nn.Module, key: str, value: Tensor | None) -> None:
    if value is not None:
        value = value.detach().clone()
        setattr(module, key, nn.Parameter(value) if key in dict(module.named_parameters(recurse=False)) else value)


def _paths(head: nn.Module) -> Iterable[str]:
    """Where a head's first layer may lie by now: itself, or the half that a factorisation made read the features."""
    return (name for name, one in head.named_modules() if isinstance(one, nn.Linear | SeparableLinear))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


SURGERY = SurgeryKind("channels", Cut, where=lambda one: f"{len(one.removed)} layers sliced")
