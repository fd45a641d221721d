"""What each layer of a model costs: parameters, multiply-accumulates, bytes, and its share of the time."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from xgaze.data.batches import every_operation
from xgaze.data.threads import one_thread

BETWEEN = "(between layers)"
WARM_UP = 3


@dataclass(frozen=True)
class LayerCost:
    """One layer of one model, for one sample. parameters count once where layers share them; bytes are those of the weights
    file, so shared ones count twice. latency_percent: share of a forward in torch's eager mode on one thread."""

    layer: str
    kind: str
    parameters: int
    macs: int
    bytes: int
    latency_percent: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def layer_costs(model: nn.Module, inputs: Sequence[Tensor], forwards: int = 15) -> list[LayerCost]:
    """Every layer that computes or holds weights, in the order of the model, and what happens between layers (flattening,
    joining) as the last row, so that each column sums to the whole.

    inputs: one sample, (1, channels, height, width) each; real ones, since time may depend on values. The time of a layer is
    the median over forwards. Watching costs a few microseconds per layer, most of which land in the last row. Other runtimes
    fuse layers and divide their time otherwise.
    """
    macs = _macs(model, inputs)
    seconds = _seconds(model, inputs, forwards)
    parameters = _sums({name: one.numel() for name, one in model.named_parameters()})
    stored = _sums({name: one.numel() * one.element_size() for name, one in _tensors(model).items()})
    whole = sum(seconds.values())
    rows = {name: module for name, module in model.named_modules() if _is_layer(module)}

    def cost(label: str, kind: str, names: set[str]) -> LayerCost:
        parts = (sum(of.get(name, 0) for name in names) for of in (parameters, macs, stored, seconds))
        held, counted, size, took = parts
        return LayerCost(label, kind, int(held), int(counted), int(size), 100 * took / whole)

    table = [cost(name or "(model)", type(module).__name__, {name}) for name, module in rows.items()]
    return [*table, cost(BETWEEN, "flatten, join", set(seconds) - set(rows))]


def own_amounts(model: nn.Module, inputs: Sequence[Tensor], clock: Callable[[], float]) -> Mapping[str, float]:
    """By how much `clock` advances in each module during one forward, less what it does in the modules that one calls."""
    with _watched(model, clock) as own, torch.no_grad():
        model(*inputs)
    return own


@contextmanager
def _watched(model: nn.Module, clock: Callable[[], float]) -> Iterator[dict[str, float]]:
    """What passes on the clock between two events belongs to the module that is then running innermost."""
    own: dict[str, float] = defaultdict(float)
    running: list[str] = []
    last = 0.0

    def event(name: str, entering: bool) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            nonlocal last
            if running:
                own[running[-1]] += clock() - last
            if entering:
                running.append(name)
            else:
                running.pop()
            last = clock()

        return hook

    with ExitStack() as stack:
        for name, module in model.named_modules():
            stack.callback(module.register_forward_pre_hook(event(name, True)).remove)
            stack.callback(module.register_forward_hook(event(name, False)).remove)
        yield own


def _macs(model: nn.Module, inputs: Sequence[Tensor]) -> dict[str, float]:
    model.eval()
    with every_operation(), FlopCounterMode(display=False) as counter:
        operations = own_amounts(model, inputs, counter.get_total_flops)
    return {name: value // 2 for name, value in operations.items()}


def _seconds(model: nn.Module, inputs: Sequence[Tensor], forwards: int) -> dict[str, float]:
    model.eval()
    with one_thread():
        runs = [own_amounts(model, inputs, time.perf_counter) for _ in range(WARM_UP + forwards)][WARM_UP:]
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


def _is_layer(module: nn.Module) -> bool:
    if isinstance(module, nn.Identity):
        return False
    holds = any(True for _ in module.parameters(recurse=False))
    return holds or next(module.children(), None) is None


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {name: one for name, one in model.state_dict().items() if isinstance(one, Tensor)}


def _sums(amounts: Mapping[str, int]) -> dict[str, int]:
    """Per module, from amounts per tensor."""
    sums: dict[str, int] = defaultdict(int)
    for name, amount in amounts.items():
        sums[name.rpartition(".")[0]] += amount
    return sums
