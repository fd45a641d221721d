"""Between which numbers each tensor lies on some samples, and the 8-bit steps that follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.network import Layer, Network, for_one_sample, session_of_all
from xgaze.compression.export.samples import Samples
from xgaze.data.contract import InputSpec, Spec, normalise

Ranges = Mapping[str, tuple[float, float]]
SHARING = ("copy", "max_pool", "average_pool")
"""Layers that move or mix numbers only: what comes out is in the same steps as what goes in."""


@dataclass(frozen=True)
class Steps8:
    """A whole number q of 0 to 255 means (q - zero - rest) x scale. rest: what of an input's mean is no whole number."""

    scale: float
    zero: int
    rest: float = 0.0

    def of(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """The nearest whole numbers."""
        raised = np.asarray(values, np.float64) / self.scale + self.zero + self.rest + 0.5
        return np.clip(np.floor(np.nan_to_num(raised)), 0, 255).astype(np.uint8)

    def hold(self, low: float, high: float) -> bool:
        """Whether both lie within them."""
        least, most = ((end - self.zero - self.rest) * self.scale for end in (-1, 256))
        return least <= low and high <= most

    @property
    def meanings(self) -> NDArray[np.float64]:
        """What each of the 256 numbers means."""
        return np.asarray((np.arange(256) - self.zero - self.rest) * self.scale, np.float64)


def measured_ranges(file: Path, network: Network, spec: Spec, samples: Samples) -> dict[str, tuple[float, float]]:
    """The smallest and the largest number of each tensor of the network on the samples, by onnxruntime."""
    names = list(dict.fromkeys(layer.output for layer in network.layers))
    session = session_of_all(for_one_sample(file), names)
    wanted = [one.name for one in session.get_outputs()]
    taken = {one.name for one in session.get_inputs()}
    found: dict[str, tuple[float, float]] = {}
    for k in range(len(samples.outputs)):
        fed = {one.name: normalise(samples.stored[one.name][k : k + 1], one).numpy() for one in spec.inputs}
        given = {name: x for name, x in fed.items() if name in taken}
        values = given | dict(zip(wanted, session.run(None, given), strict=True))
        for name in (*names, *given):
            low, high = found.get(name, (np.inf, -np.inf))
            found[name] = min(low, float(values[name].min())), max(high, float(values[name].max()))
    return found


def steps_of(low: float, high: float) -> Steps8:
    """256 steps from `low` to `high`, one of which is zero exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, 1e-6) / 255))
    return Steps8(scale, int(np.clip(np.rint(-low / scale), 0, 255)))


def steps_as_stored(one: InputSpec) -> Steps8 | None:
    """Those in which a picture is stored; None for what must be normalised first."""
    if one.dtype != "uint8" or not isinstance(one.mean, int | float) or not isinstance(one.std, int | float):
        return None
    if not 0 <= one.mean <= 255:
        return None
    zero = int(np.rint(one.mean))
    return Steps8(float(np.float32(1 / one.std)), zero, float(one.mean) - zero)


def steps_of_all(network: Network, spec: Spec, ranges: Ranges, floats: Iterable[Layer]) -> dict[str, Steps8]:
    """Of every tensor that is not made by one of `floats`. Tensors between which numbers are only moved share theirs; a picture's
    are those it is stored in."""
    apart = {id(layer) for layer in floats}
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    stored = {one.name: found for one in spec.inputs if (found := steps_as_stored(one)) is not None}
    for layer in network.layers:
        if layer.kind in SHARING and id(layer) not in apart:
            first, second = find(layer.inputs[0]), find(layer.output)
            fixed = next((stored[one] for one in (first, second) if one in stored), None)
            if fixed is not None and not (fixed.hold(*ranges[layer.output]) and stored.get(second, fixed) == fixed):
                continue  # a table comes between
            if first in stored:
                first, second = second, first
            leader[first] = second
    together: dict[str, tuple[float, float]] = {}
    for name, (low, high) in ranges.items():
        least, most = together.get(find(name), (np.inf, -np.inf))
        together[find(name)] = min(least, low), max(most, high)
    return {name: stored.get(find(name)) or steps_of(*together[find(name)]) for name in ranges}
