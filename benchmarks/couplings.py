"""Who cuts channels exactly: xgaze, torch-pruning, torch-kirigami on the nets of topologies.py. `python benchmarks/couplings.py`

Every tool removes the same channels of one layer of each small net, as its own documentation shows. A judge, which asks none of
them, reads off the cut net which channels are physically gone, sets those to zero in the original where they are made (for an
activation that turns zero into something else: behind it), and compares the outputs of both on random pictures:

exact     the largest difference, as a fraction of the largest output, is at most 1e-5; it is printed
wrong     it is larger, or other channels than those asked for are gone
refused   the tool says why it leaves the net alone
crashed   the tool, or the net that it left, breaks down, or has not ended after 10 CPU seconds

Needs `pip install -e ".[benchmarks]"`; a tool that is not installed is left out. Ends with 1 where xgaze is wrong or crashes.
"""

import argparse
import copy
import json
import runpy
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.channels import plan_going
from xgaze.compression.surgeries.cut import Cut, from_ranges
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError

NETS = runpy.run_path(str(Path(__file__).with_name("topologies.py")))
TOPOLOGIES = [*NETS["CUT"], *NETS["LEFT"]]
EXACT = 1e-5
MOST_SECONDS = 10
LAYERS = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm2d)
Outcome = Literal["exact", "wrong", "refused", "crashed", "not installed"]
Cutter = Callable[[Any, Probe, str, list[int]], None]
"""Removes these channels of the layer from a net, in place."""
Gone = dict[str, list[int]]
"""Layer -> the outputs that it had and has no more."""


class Refused(Exception):
    """A tool's own word on why it leaves a net alone."""


@dataclass(frozen=True)
class Verdict:
    """difference: largest, as a fraction of the largest output. why: the reason of anything but exact, one line.
    also: layers that lost channels though this topology does not bind them. fc_inputs: of the head, before and after."""

    topology: str
    tool: str
    outcome: Outcome
    difference: float | None = None
    why: str = ""
    also: tuple[str, ...] = ()
    fc_inputs: tuple[int, int] | None = None

    def __str__(self) -> str:
        figure = "" if self.difference is None else f" {self.difference:.1e}"
        return f"{self.outcome}{figure}" + "".join(f", takes of '{layer}' too" for layer in self.also)


def by_xgaze(net: Any, probe: Probe, layer: str, gone: list[int]) -> None:
    """xgaze chooses by itself; `asked_for` let it choose for all."""
    cut = chosen(net, probe, layer, len(net.get_submodule(layer).weight) - len(gone))
    try:
        cut.apply(net, probe)
    except InputError as error:
        raise Refused(str(error)) from None


def chosen(net: Any, probe: Probe, layer: str, left: int) -> Cut:
    """The cut that leaves so many channels. Raises Refused."""
    going = plan_going(net, probe, {layer: left})
    if cut := going.cut():
        return cut
    raise Refused(going.uncut[layer])


def by_torch_pruning(net: Any, probe: Probe, layer: str, gone: list[int]) -> None:
    import torch_pruning as tp

    maker = net.get_submodule(layer)
    how = tp.prune_linear_out_channels if isinstance(maker, nn.Linear) else tp.prune_conv_out_channels
    graph = tp.DependencyGraph().build_dependency(net, example_inputs=probe.inputs)
    group = graph.get_pruning_group(maker, how, idxs=gone)
    if not graph.check_pruning_group(group):
        raise Refused("check_pruning_group says no")
    group.prune()


def by_torch_kirigami(net: Any, probe: Probe, layer: str, gone: list[int]) -> None:
    from torch_kirigami import DependencyGraph, KirigamiError, UnsupportedOperation
    from torch_kirigami.pruning import Pruner

    try:
        graph = DependencyGraph.build(net, args=probe.inputs)
        pruner = Pruner(net, graph=graph)
        pruner.apply(pruner.plan_remove([graph.parameter(f"{layer}.weight").axis(0).select(gone)]))
    except (KirigamiError, UnsupportedOperation) as error:
        raise Refused(str(error)) from None


TOOLS: dict[str, Cutter] = {
    "xgaze": by_xgaze,
    "torch-pruning": by_torch_pruning,
    "torch-kirigami": by_torch_kirigami,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON array instead of the table")
    asked = parser.parse_args()
    verdicts = [one for topology in TOPOLOGIES for one in judged(topology)]
    print(json.dumps([asdict(one) for one in verdicts], indent=1) if asked.json else in_words(verdicts))
    if any(one.tool == "xgaze" and one.outcome in ("wrong", "crashed") for one in verdicts):
        sys.exit(1)


def judged(topology: Any, tools: Sequence[str] = tuple(TOOLS)) -> list[Verdict]:
    """What each tool makes of one net."""
    net, probe = NETS["built"](topology), NETS["random_probe"]()
    gone = asked_for(net, probe)
    return [verdict(net, probe, gone, tool) if installed(tool) else without(net, tool) for tool in tools]


def asked_for(net: Any, probe: Probe) -> list[int]:
    """The channels that xgaze would choose; where it refuses, evenly spread ones."""
    whole = len(net.get_submodule(net.layer).weight)
    try:
        return from_ranges(chosen(net, probe, net.layer, net.left).removed[f"{net.layer}:out"])
    except Refused:
        return sorted({k * whole // (whole - net.left) for k in range(whole - net.left)})


def installed(tool: str) -> bool:
    return bool(release(tool))


def release(tool: str) -> str:
    """Its version, nothing where it is not installed."""
    try:
        return version(tool)
    except PackageNotFoundError:
        return ""


def without(net: Any, tool: str) -> Verdict:
    return Verdict(words_of(net), tool, "not installed")


def words_of(net: Any) -> str:
    return (type(net).__doc__ or "").strip()


def verdict(net: Any, probe: Probe, gone: list[int], tool: str) -> Verdict:
    """One tool on a copy of the net."""
    cut, words = copy.deepcopy(net), words_of(net)
    try:
        with silent(), limited():
            TOOLS[tool](cut, probe, net.layer, gone)
            found = outputs_of(cut, *probe.inputs)
    except Refused as error:
        return Verdict(words, tool, "refused", why=first_line(error))
    except Exception as error:  # a tool may raise anything, and so may the net that it left
        return Verdict(words, tool, "crashed", why=f"{type(error).__name__}: {first_line(error)}")
    return Verdict(words, tool, *compared(net, cut, found, probe.inputs, gone))


def compared(
    net: Any, cut: Any, found: Tensor, inputs: tuple[Tensor, ...], asked: list[int]
) -> tuple[Outcome, float | None, str, tuple[str, ...], tuple[int, int]]:
    """The cut net's outputs against the original's with the channels that are gone set to zero: `Verdict` from its outcome on."""
    gone = gone_from(net, cut)
    also = tuple(layer for layer in gone if layer not in net.together)
    widths = (net.head[0].in_features, cut.head[0].in_features)
    if gone.get(net.layer) != asked:
        return "wrong", None, f"of '{net.layer}' {gone.get(net.layer)} are gone, not {asked}", also, widths
    with zeroed(net, gone):
        expected = outputs_of(net, *inputs)
    if found.shape != expected.shape:
        return "wrong", None, f"outputs are {tuple(found.shape)}, not {tuple(expected.shape)}", also, widths
    difference = float((found - expected).abs().max() / expected.abs().max())
    outcome: Outcome = "exact" if difference <= EXACT else "wrong"
    return outcome, difference, "" if outcome == "exact" else "outputs differ", also, widths


def gone_from(net: nn.Module, cut: nn.Module) -> Gone:
    """Which channels are no longer there, told by their biases and statistics, all of them different."""
    gone = {}
    for name, module in net.named_modules():
        if isinstance(module, LAYERS):
            left = set(marks(cut.get_submodule(name)))
            if lost := [index for index, mark in enumerate(marks(module)) if mark not in left]:
                gone[name] = lost
    return gone


def marks(module: nn.Module) -> list[tuple[float, ...]]:
    """Per output channel: its own numbers."""
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return list(zip(*(tensor.tolist() for _, tensor in own if tensor.ndim == 1), strict=True))


@contextmanager
def zeroed(net: Any, gone: Gone) -> Iterator[None]:
    """The net with these channels at zero as they leave their layers, and as they leave the last module on their way."""

    def zero(indices: list[int], axis: int) -> Any:
        return lambda _, __, out: out.index_fill(axis, torch.tensor(indices), 0.0)

    behind = {net.last: gone[net.layer]} if net.last else {}
    with ExitStack() as hooks:
        for name, indices in {**gone, **behind}.items():
            module = net.get_submodule(name)
            axis = -1 if isinstance(module, nn.Linear) else 1
            hooks.callback(module.register_forward_hook(zero(indices, axis)).remove)
        yield


@contextmanager
def silent() -> Iterator[None]:
    """What tools print and warn of."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def limited(seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Raises TimeoutError after so many CPU seconds of this process: a graph with a circle may be walked for ever."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"has not ended after {seconds:g} CPU seconds")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def in_words(verdicts: Sequence[Verdict]) -> str:
    """A row per topology, a column per tool; below it how often each came out how, and every reason."""
    tools = list(dict.fromkeys(one.tool for one in verdicts))
    rows = [["topology", *(f"{tool} {release(tool)}".strip() for tool in tools)], ["---"] * (len(tools) + 1)]
    cells = {(one.topology, one.tool): str(one) for one in verdicts}
    for topology in dict.fromkeys(one.topology for one in verdicts):
        rows.append([topology, *(cells[topology, tool] for tool in tools)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *(counted(tool, [one for one in verdicts if one.tool == tool]) for tool in tools), ""]
    return "\n".join(
        [*lines, *(f"{one.tool}, {one.topology}: {one.outcome}: {one.why}" for one in verdicts if one.why)]
    )


def counted(tool: str, verdicts: Sequence[Verdict]) -> str:
    outcomes = [one.outcome for one in verdicts]
    return f"{tool}: " + ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(sorted(outcomes)))


if __name__ == "__main__":
    main()
