"""How a model's layers hang together, read off its own computing: which inputs each of them sees, and whose weights it uses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.models.layers import heard
from xgaze.models.shared_layers import Borrowed

REFUSALS = (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
"""What code around layers raises where an input is no number."""


@dataclass(frozen=True)
class Wired:
    """A layer that holds weights or borrows another's. of: whose weights it computes with, None for its own. shape: what one
    call puts out for one sample, () where it is never called by itself; units: its channels or numbers. sees: for every call,
    each once, which inputs its output depends on: one tower for two inputs sees ((0,), (1,)), what joins them ((0, 1),)."""

    layer: str
    of: str | None
    shape: tuple[int, ...]
    units: int | None
    sees: tuple[tuple[int, ...], ...]

    def to_json(self, inputs: Sequence[str]) -> dict[str, Any]:
        """inputs: their names."""
        sees = [[inputs[k] for k in call] for call in self.sees]
        return {"layer": self.layer, "of": self.of, "shape": list(self.shape), "units": self.units, "sees": sees}


@dataclass(frozen=True)
class _Call:
    layer: str
    shape: tuple[int, ...]
    unknown: bool
    """Whether some of its output is no number."""


@torch.no_grad()
def wiring(model: nn.Module, inputs: Sequence[Tensor]) -> list[Wired]:
    """All such layers in the order of computing. inputs: one sample, (1, ...) each. What a layer sees is found by setting one
    input after the other to NaN; where the model refuses that, or it does not arrive at the output, all layers see all inputs.
    A layer whose weights something around it computes with (as attention does) sees what that sees."""
    runs = [_calls(model, inputs), *_without_each(model, inputs)]
    paths = {module: path for path, module in model.named_modules()}
    found = []
    for path, module in model.named_modules():
        if not (isinstance(module, Borrowed) or next(module.parameters(recurse=False), None) is not None):
            continue
        at = _called(path, runs[0])
        of = paths[module.owner] if isinstance(module, Borrowed) else None
        shape = runs[0][at[0]].shape if at and runs[0][at[0]].layer == path else ()
        sees = _seen(at, runs, len(inputs))
        found.append((at[0] if at else len(runs[0]), Wired(path, of, shape, _units(module, shape), sees)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _without_each(model: nn.Module, inputs: Sequence[Tensor]) -> list[list[_Call]]:
    """The calls where one input after the other is no number; none where there is one input, where the model refuses, or where it
    puts something else in the place of what is no number."""
    if len(inputs) < 2:
        return []
    try:
        without = [
            _calls(model, [torch.full_like(x, torch.nan) if k == own else x for k, x in enumerate(inputs)])
            for own in range(len(inputs))
        ]
    except REFUSALS:
        return []
    return without if all(run[-1].unknown for run in without) else []


def _calls(model: nn.Module, inputs: Sequence[Tensor]) -> list[_Call]:
    """Every call of a module that puts out numbers, in the order in which they end."""
    calls: list[_Call] = []

    def look(path: str, out: object) -> None:
        for tensor in _tensors(out):
            shape = tuple(tensor.shape[1:])
            calls.append(_Call(path, shape, bool(tensor.is_floating_point() and tensor.isnan().any())))
            return

    handles = [
        module.register_forward_hook(lambda _module, _read, out, path=path: look(path, out))
        for path, module in model.named_modules()
    ]
    heard(model, inputs, handles)
    return calls


def _tensors(out: object) -> Iterator[Tensor]:
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, tuple | list):
        for one in out:
            yield from _tensors(one)


def _called(path: str, calls: Sequence[_Call]) -> list[int]:
    """Where the layer is called or, if it never is, the innermost module around it that is."""
    while True:
        if found := [k for k, one in enumerate(calls) if one.layer == path]:
            return found
        if not path:
            return []
        path = path.rpartition(".")[0]


def _seen(at: Sequence[int], runs: Sequence[Sequence[_Call]], inputs: int) -> tuple[tuple[int, ...], ...]:
    whole = tuple(range(inputs))
    without = runs[1:]
    if not at or not without or any([one.layer for one in run] != [one.layer for one in runs[0]] for run in without):
        return (whole,)
    sees = (tuple(k for k in whole if without[k][place].unknown) or whole for place in at)
    return tuple(dict.fromkeys(sees))


def _units(module: nn.Module, shape: tuple[int, ...]) -> int | None:
    """Channels of maps, else numbers per sample or step."""
    if not shape:
        return None
    layer = module.owner if isinstance(module, Borrowed) else module
    first = len(shape) > 2 or (len(shape) == 2 and isinstance(layer, nn.Conv1d | nn.BatchNorm1d))
    return shape[0] if first else shape[-1]
