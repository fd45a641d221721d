"""A model's towers, read off its own computing: what each input goes through before it meets another, and which are alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xgaze.errors import InputError
from xgaze.models.layers import heard

SURER = 0.02
"""How much more alike two cameras' mean pictures must be when one is mirrored: correlations differ by less by chance."""


@dataclass(frozen=True)
class Call:
    """A layer without parts at work: `said` is its settings and the shapes of what it reads and makes, without the batch."""

    layer: str
    said: str


@dataclass(frozen=True)
class Tower:
    """The layers that see one input and no other, in the order of computing."""

    input: int
    shape: tuple[int, ...]
    calls: tuple[Call, ...]

    def holding(self, model: nn.Module) -> list[str]:
        """Paths of its layers that hold numbers."""
        layers = dict.fromkeys(call.layer for call in self.calls)
        return [path for path in layers if next(iter(model.get_submodule(path).state_dict()), None) is not None]


@torch.no_grad()
def find_towers(model: nn.Module, inputs: Sequence[Tensor]) -> list[Tower]:
    """One for every input that goes through layers of its own, found by setting one input after the other to NaN. Layers that
    several inputs go through, because they share them already, belong to none."""
    one = [x[:1] for x in inputs]
    runs = [
        _touched(model, [torch.full_like(x, torch.nan) if k == own else x for k, x in enumerate(one)])
        for own in range(len(one))
    ]
    seen_by: dict[str, set[int]] = {}
    for number, run in enumerate(runs):
        for call in run:
            seen_by.setdefault(call.layer, set()).add(number)
    own = [tuple(call for call in run if seen_by[call.layer] == {number}) for number, run in enumerate(runs)]
    return [Tower(number, tuple(one[number].shape[1:]), calls) for number, calls in enumerate(own) if calls]


def _touched(model: nn.Module, inputs: Sequence[Tensor]) -> list[Call]:
    """Calls of layers without parts that read something NaN."""
    calls: list[Call] = []

    def look(path: str, module: nn.Module, read: tuple[object, ...], out: object) -> None:
        if read and isinstance(read[0], Tensor) and isinstance(out, Tensor) and bool(read[0].isnan().any()):
            calls.append(Call(path, f"{module!r} on {tuple(read[0].shape[1:])} -> {tuple(out.shape[1:])}"))

    handles = [
        module.register_forward_hook(lambda module, read, out, path=path: look(path, module, read, out))
        for path, module in model.named_modules()
        if not list(module.children())
    ]
    heard(model, inputs, handles)
    return calls


def alike(towers: Sequence[Tower]) -> list[list[Tower]]:
    """Groups of two and more towers that compute the same but for their weights. Raises InputError where there is none, naming
    the first layers that differ."""
    groups: dict[tuple[object, ...], list[Tower]] = {}
    for one in towers:
        groups.setdefault((one.shape, *(call.said for call in one.calls)), []).append(one)
    found = [group for group in groups.values() if len(group) > 1]
    if not found:
        raise InputError(f"no towers to share: {_why(towers)}.")
    return found


def _why(towers: Sequence[Tower]) -> str:
    """Of the first two towers of pictures of one size, what differs."""
    for k, one in enumerate(towers):
        for other in towers[k + 1 :]:
            if one.shape != other.shape:
                continue
            pairs = list(zip(one.calls, other.calls, strict=False))
            first, second = next(((a, b) for a, b in pairs if a.said != b.said), (one.calls[-1], other.calls[-1]))
            return f"'{first.layer}' is {first.said}, '{second.layer}' is {second.said}"
    return "no two inputs of one shape go through layers of their own"


def mirrored_inputs(inputs: Sequence[Tensor], declared: Sequence[bool] | None = None) -> tuple[bool, ...]:
    """Which inputs show a mirror image of what the first of their shape shows: as declared, else measured, the mean picture
    against the first's as it is and mirrored left to right."""
    if declared is not None and len(declared) == len(inputs):
        return tuple(declared)
    means = [x.float().mean(0) for x in inputs]
    flags = []
    for mean in means:
        first = next(one for one in means if one.shape == mean.shape)
        mirrored = mean.ndim == 3 and _correlation(mean.flip(-1), first) > _correlation(mean, first) + SURER
        flags.append(mirrored)
    return tuple(flags)


def _correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
