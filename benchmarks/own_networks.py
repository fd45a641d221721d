"""Which networks of other people's files can be adopted, and thinned. `python benchmarks/own_networks.py FILE.py ...`

Every class of the files that is built without arguments and reads as many inputs goes the way of `xgaze adopt`, twice: by its
class, and by the ONNX file that torch exports of it; then half of the channels of every layer go. A line each:

class     the largest difference from the network itself over batches of 1, 2 and 3 samples, small and large, as a share of the
          largest output; or the reason why it is refused
onnx      the same of what is read from its ONNX file, beside onnxruntime; or why not
channels  how many layers lost channels, and the largest difference, on other pictures than the proof's, from the network of which
          those are silent; how many layers keep them, with a reason; or why none does
wrong     a difference above 1e-4, or what broke down

Ends with 1 where any is wrong.
"""

import argparse
import importlib
import inspect
import logging
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xgaze.compression.build import build
from xgaze.compression.export.onnx import open_session
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.cut import from_ranges, masked
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.fidelity import outputs, synthetic_batches
from xgaze.models.own_networks.imported import own_and_parted, parted_module
from xgaze.models.own_networks.onnx_network import network_of_onnx

RIGHT = 1e-4
WAYS = ("class", "onnx", "channels")
SHARE = 0.5
SCENE = (800, 600)
SAMPLES = 16
NOTHING_IDLE: Any = lambda *_: None  # noqa: E731 - channels alone go: of an untrained network much does next to nothing
HELP_INPUTS = "Name and shape of an input: eye0:1,64,80 (default: four such eyes). Repeat it for more."


@dataclass(frozen=True)
class Found:
    """What came of one way: a figure with words, or why it was refused, or what broke."""

    words: str
    apart: float = 0.0
    refused: bool = False
    broken: bool = False

    @property
    def wrong(self) -> bool:
        return self.broken or not self.apart <= RIGHT

    def cell(self) -> str:
        return f"WRONG: {self.words}" if self.wrong else f"refused: {self.words}" if self.refused else self.words


def tried(way: Callable[[], Found]) -> Found:
    try:
        return way()
    except InputError as error:
        return Found(str(error).replace(f"{Path(tempfile.gettempdir())}/", ""), refused=True)
    except Exception as error:  # whatever a tool may raise at a network is a finding here
        return Found(f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}", broken=True)


def classes_in(file: Path, inputs: int) -> Iterator[str]:
    """References of the networks that a file defines: built without arguments, and read so many inputs, one by one or as one."""
    sys.path.insert(0, str(file.parent))
    module = importlib.import_module(file.stem)
    for name, one in list(vars(module).items()):
        if isinstance(one, type) and issubclass(one, nn.Module) and one.__module__ == file.stem and _fits(one, inputs):
            yield f"{file.stem}:{name}"


def _fits(network: type[nn.Module], inputs: int) -> bool:
    built, read = inspect.signature(network), inspect.signature(network.forward)
    if network.forward is FeatureHead.forward:
        return all(one.default is not one.empty for one in built.parameters.values())
    try:
        built.bind()
        takes = len([one for one in read.parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]) - 1
    except TypeError:
        return False
    collects = any(one.kind is one.VAR_POSITIONAL for one in read.parameters.values())
    return takes in (1, inputs) or (collects and takes <= inputs)


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max().clamp_min(1e-12))


def by_class(reference: str, spec: Spec) -> tuple[Found, nn.Module, FeatureHead]:
    torch.manual_seed(0)
    own, parted = own_and_parted(reference, {}, spec)
    furthest = max(apart(outputs(parted, one), outputs(own, one)) for one in synthetic_batches(spec))
    return Found(f"{furthest:.0e}", furthest), own.eval(), parted.eval()


def by_onnx(own: nn.Module, spec: Spec, folder: Path) -> Found:
    file, names = folder / "net.onnx", [one.name for one in spec.inputs]
    example = synthetic_batches(spec)[1]
    told: dict[str, Any] = {"input_names": names, "output_names": ["output"], "dynamo": False}
    try:
        with silent():
            torch.onnx.export(own, example, file, dynamic_axes={name: {0: "n"} for name in names}, **told)
    except Exception as error:  # the exporter's, at layers that it does not know
        return Found(f"not exported ({type(error).__name__})", refused=True)
    read = network_of_onnx(file, {one.name: one.shape for one in spec.inputs}, spec.outputs)[0]
    parted = parted_module("onnx", read, spec)
    session, furthest = open_session(file), 0.0
    taken = {one.name for one in session.get_inputs()}
    for batch in synthetic_batches(spec):
        feed = {name: one.numpy() for name, one in zip(names, batch, strict=True) if name in taken}
        expected = torch.from_numpy(np.asarray(session.run(None, feed)[0]))
        furthest = max(furthest, apart(outputs(parted, batch), expected))
    return Found(f"{furthest:.0e}", furthest)


@contextmanager
def silent() -> Iterator[None]:
    """Nothing on stdout, where the exporter prints whole graphs that it does not know, past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def thinned(whole: FeatureHead, spec: Spec) -> Found:
    """Judged on other pictures than those of the proof."""
    shown = tuple(torch.randn(SAMPLES, *one.shape) for one in spec.inputs)
    built = build(whole, Plan(SHARE), lambda model: Probe(shown, features(model, shown)), spec.kind, NOTHING_IDLE)
    cuts = [one.surgery for one in built.steps if one.surgery.kind == "channels"]
    if not cuts:
        return Found(next(iter(built.uncut.values()), "no layer has channels to lose"), refused=True)
    (cut,) = cuts
    parts: Any = [(*place.rpartition(":")[::2], from_ranges(gone)) for place, gone in cut.removed.items()]
    others = [tuple(scale * torch.randn(5, *one.shape) for one in spec.inputs) for scale in (1.0, 10.0)]
    with masked(whole, parts):
        expected = [outputs_of(whole, *one) for one in others]
    furthest = max(apart(outputs_of(built.student, *one), two) for one, two in zip(others, expected, strict=True))
    layers = len({layer for layer, side, _ in parts if side == "out"})
    kept = f"; {len(built.uncut)} keep theirs" if built.uncut else ""
    return Found(f"{layers} layers, {furthest:.0e}{kept}", furthest)


@torch.no_grad()
def features(model: FeatureHead, inputs: tuple[Tensor, ...]) -> Tensor:
    return model.eval().features(*(one.clone() for one in inputs))


def line_of(reference: str, spec: Spec, folder: Path) -> list[Found]:
    made: list[Any] = []

    def first() -> Found:
        found, *networks = by_class(reference, spec)
        made.extend(networks)
        return found

    found = tried(first)
    if not made:
        return [found, Found("-", refused=True), Found("-", refused=True)]
    own, parted = made
    return [found, tried(lambda: by_onnx(own, spec, folder)), tried(lambda: thinned(parted, spec))]


def spec_of(told: list[str]) -> Spec:
    shapes = {name: tuple(map(int, shape.split(","))) for name, _, shape in (one.partition(":") for one in told)}
    return Spec(tuple(InputSpec(name, shape) for name, shape in shapes.items()), "gaze", scene=SCENE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="Python files that define networks.")
    parser.add_argument("--input", action="append", default=[], help=HELP_INPUTS)
    parser.add_argument("--only", nargs="*", default=[], help="Names of classes.")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    spec = spec_of(asked.input or [f"eye{k}:1,64,80" for k in range(4)])
    wrong, counts = 0, Counter[str]()
    print("| network | class | onnx | channels | s |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for file in asked.files:
            for reference in classes_in(file.resolve(), len(spec.inputs)):
                if asked.only and reference.partition(":")[2] not in asked.only:
                    continue
                start = time.perf_counter()
                found = line_of(reference, spec, Path(folder))
                wrong += any(one.wrong for one in found)
                counts.update(way for way, one in zip(WAYS, found, strict=True) if not (one.wrong or one.refused))
                counts["networks"] += 1
                cells = " | ".join(one.cell().replace("|", "/").replace("\n", " ") for one in found)
                print(f"| {reference} | {cells} | {time.perf_counter() - start:.1f} |", flush=True)
    held = ", ".join(f"{way} {counts[way]}" for way in WAYS)
    print(f"\nOf {counts['networks']} networks: {held}; {wrong} wrong.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
