"""What integrated gradients say of a scanpath: per fixation, and per feature over all fixations."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Sample, Spec
from xgaze.data.fixations.scanpath_inputs import LENGTH, SEQUENCE
from xgaze.data.representations.sequence import MOVEMENTS, PLACES
from xgaze.explanation.attribution.attribution import Attribution
from xgaze.explanation.attribution.parts import moved_names

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "x": "x",
        "y": "y",
        "duration_ms": "duration",
        "log_duration": "logarithm of the duration",
        "right_px": "saccade to the right",
        "down_px": "saccade downwards",
        "log_length": "logarithm of the saccade's length",
        "across_px": "saccade sideways, either way",
        "along_px": "saccade up or down, either way",
    }
)
"""In words, what the data call `PLACES` and `MOVEMENTS`."""
Found = Mapping[str, Mapping[str, Attribution]]
"""Model -> target -> attribution of one sample."""


def stored_scanpath(spec: Spec, sample: Sample, found: Found) -> dict[str, Any]:
    """{"scanpath": points (px), durations (ms), and per model and target the attribution by fixation and by feature}, signed, in
    the target's unit; nothing where the sample is no scanpath on a stimulus of known size."""
    if not {SEQUENCE, LENGTH} <= set(sample.inputs) or not spec.scene:
        return {}
    values = np.asarray(sample.inputs[SEQUENCE], np.float64)[: int(sample.inputs[LENGTH].item())].T
    names = {len(one): one for one in (PLACES, (*PLACES, *MOVEMENTS))}.get(len(values))
    if names is None:
        return {}
    x, y, duration, *_ = values
    width, height = spec.scene
    place = moved_names(spec).index(SEQUENCE)
    return {
        "scanpath": {
            "size_px": [width, height],
            "x_px": (x * width).tolist(),
            "y_px": (y * height).tolist(),
            "duration_ms": duration.tolist(),
            **summed(found, place, "by_fixation", [FEATURES[name] for name in names]),
        }
    }


def summed(found: Found, place: int, rows: str, features: Sequence[str]) -> dict[str, Any]:
    """{rows: {model: {target: [sum over features per row]}}, "by_feature": {model: {target: {feature: sum over rows}}}} of the
    maps (rows, features) at `place`."""

    def each(read: Any) -> dict[str, Any]:
        return {m: {name: read(one.maps[place]) for name, one in by.items()} for m, by in found.items()}

    def by_feature(values: NDArray[np.float32]) -> dict[str, float]:
        return dict(zip(features, values.sum(axis=0, dtype=np.float64).tolist(), strict=True))

    return {
        rows: each(lambda values: values.sum(axis=1, dtype=np.float64).tolist()),
        "by_feature": each(by_feature),
    }
