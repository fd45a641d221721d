"""Labels in another unit than is said, and labels that may well be in theirs."""

import itertools

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.checks.unit_faults import unit_faults
from xgaze.data.contract import InputSpec, Spec
from xgaze.data.open import open_recording

INPUTS = (InputSpec("eye", (1, 8, 8)),)
SCENE = {"width": 800, "height": 600}


def told(kind, unit, low, high, scene=None, count=40):
    """Of labels evenly between two points."""
    points = np.linspace(low, high, count)
    return [fault.message for fault in unit_faults(points, Spec(INPUTS, kind, unit, scene))]


@pytest.mark.parametrize(
    ("kind", "unit", "low", "high", "scene", "likely"),
    [
        ("angle", "rad", (-20, -30), (15, 30), None, "degrees"),
        ("angle", "degrees", (-0.3, -0.5), (0.2, 0.5), None, "rad"),
        ("gaze", "px", (0, 0), (1, 1), (960, 540), "shares of the scene"),
        ("gaze", "px", (-1, -1), (1, 1), (960, 540), "shares of the scene"),
        ("gaze", "px", (0, 0), (52, 29), (1920, 1080), "cm or degrees"),
        ("gaze", "cm", (0, 0), (520, 290), None, "mm or px"),
        ("gaze", "cm", (0, 0), (0.52, 0.29), None, "m, or shares of the screen"),
        ("gaze", "mm", (-8, -12), (8, 1), None, "cm"),
        ("gaze", "mm", (0, 0), (3840, 2160), None, "px"),
    ],
)
def test_a_wrong_unit_is_told_with_the_likely_one(kind, unit, low, high, scene, likely):
    (message,) = told(kind, unit, low, high, scene)
    assert message.startswith("the labels of 40 samples ") and message.endswith(f"look like {likely}, not {unit}.")


@pytest.mark.parametrize(
    ("kind", "unit", "low", "high", "scene"),
    [
        ("angle", "rad", (-1.2, -3), (1.2, 3), None),
        ("angle", "degrees", (-3, -2), (1, 2), None),
        ("angle", "vector", (-20, -30, 1), (15, 30, 1), None),
        ("gaze", "px", (0, 0), (960, 540), (960, 540)),
        ("gaze", "px", (300, 20), (400, 30), (960, 540)),
        ("gaze", "px", (0, 0), (1, 1), None),
        ("gaze", "cm", (-8, -12), (8, 1), None),
        ("gaze", "cm", (0, 0), (150, 90), None),
        ("gaze", "mm", (-40, -60), (40, 60), None),
        ("gaze", "mm", (0, 0), (520, 290), None),
        ("gaze", "px", (0, 0), (0, 0), (960, 540)),
        ("angle", "degrees", (0, 0), (0, 0), None),
    ],
)
def test_labels_that_may_be_what_they_are_said_to_be(kind, unit, low, high, scene):
    assert told(kind, unit, low, high, scene) == []


def test_few_labels_unknown_ones_and_one_slip_say_nothing():
    assert told("angle", "rad", (-20, -30), (15, 30), count=19) == []
    spec = Spec(INPUTS, "angle", "rad")
    points = np.random.default_rng(0).normal(0, 0.2, (200, 2))
    points[0] = 60
    assert unit_faults(points, spec) == [] and unit_faults(np.full((40, 2), np.nan), spec) == []
    points[:150] *= 57
    points[1:60] = np.nan
    (fault,) = unit_faults(points, spec)
    assert fault.message.startswith("the labels of 141 samples reach")


def test_a_manifest_in_another_unit_is_told_and_opens(manifest):
    shares = {"x_px": lambda table: table["x_px"] / 800, "y_px": lambda table: table["y_px"] / 600}
    data = manifest(shares)
    (fault,) = check(data)
    assert (
        fault.kind == "wrong unit" and "of a scene of 800x600 px; they look like shares of the scene" in fault.message
    )
    assert len(open_recording(data).table) == 70
    turned = {name: lambda table, name=name: np.radians(table[name] - 300) / 20 for name in ("x_px", "y_px")}
    said = {"kind": "angle", "columns": ["y_px", "x_px"], "unit": "deg"}
    assert [fault.kind for fault in check(manifest(turned, target=said))] == ["wrong unit"]
    assert check(manifest(turned, target={**said, "unit": "rad"})) == []


def test_eye_folders_in_shares_of_the_scene(eyes, only_fault):
    rng = np.random.default_rng(0)
    more = eyes.path / "train/1/IMG2"
    more.mkdir()
    for frame, camera in itertools.product((1, 2, 3), (0, 1, 3, 4)):
        Image.fromarray(rng.integers(0, 256, (8, 12), np.uint8)).save(more / f"{frame}_{camera}.png")
    for folder in [more, *(table.parent for table in eyes.path.rglob("Learn.csv"))]:
        (folder / "Learn.csv").write_text("cornerxy[0],cornerxy[1]\n0.2,0.3\n0.4,0.9\n0.7,0.1\n")
    assert only_fault(eyes, "wrong unit") == (
        "the labels of 21 samples reach (0.7, 0.9) of a scene of 960x540 px; they look like shares of the scene, not px."
    )
