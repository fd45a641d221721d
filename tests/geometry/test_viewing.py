"""Degrees of visual angle on a screen: closed forms, and what is told of them."""

import json

import numpy as np
import pytest
import torch

import xgaze
from xgaze.data.checks.soundness import checked
from xgaze.data.contract import InputSpec, Spec, distances_of
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import mean_interval
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import summarise
from xgaze.geometry.viewing import Viewing, viewed, visual_angles
from xgaze.report.claims import degrees_in_words

SCREEN = Viewing(600.0, 0.25, (400.0, 300.0))


def test_straight_ahead_the_tangent_says_it():
    truth = np.array([[400.0, 300.0]] * 3)
    points = truth + np.array([[40, 0], [0, -40], [2400, 0]])
    expected = np.degrees(np.arctan([10 / 600, 10 / 600, 1.0]))
    assert visual_angles(SCREEN, points, truth) == pytest.approx(expected, rel=1e-12)


def test_beside_it_a_px_is_less_and_the_two_sides_add_up():
    far, near = np.array([[1000.0, 300.0]]), np.array([[960.0, 300.0]])
    ahead = np.array([[400.0, 300.0]])
    whole, part = visual_angles(SCREEN, far, ahead), visual_angles(SCREEN, near, ahead)
    assert visual_angles(SCREEN, far, near) == pytest.approx(whole - part)
    assert visual_angles(SCREEN, far, near) < np.degrees(np.arctan(10 / 600))
    assert visual_angles(SCREEN, far, far) == 0


def test_units_of_length_say_the_same():
    cm, mm = (Viewing(500.0, unit, (0.0, 0.0)) for unit in (10.0, 1.0))
    a, b = np.array([[1.0, -2.0]]), np.array([[3.0, 4.0]])
    assert visual_angles(cm, a, b) == pytest.approx(visual_angles(mm, 10 * a, 10 * b))
    assert viewed("cm", 500.0) == cm and viewed("px", 600.0, 0.25, scene=(800, 600)) == SCREEN
    assert viewed("px", 600.0, 0.25, (1.0, 2.0), (800, 600)).ahead == (1.0, 2.0)


def arrays(**more):
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(16)], 4)
    gaze = rng.uniform([100, 100], [700, 500], (64, 2))
    return xgaze.ArrayRecording({"x": gaze / 800}, gaze, people, scene=(800, 600), **more)


def test_scores_and_tables_tell_both():
    recording = arrays(viewing={"distance_mm": 600, "mm_per_px": 0.25})
    assert (
        recording.spec.viewing == SCREEN
        and Spec.from_json(json.loads(json.dumps(recording.spec.to_json()))) == recording.spec
    )
    truth = recording.table[recording.spec.targets].to_numpy()
    people, outputs = recording.table["group"].to_numpy(), truth + np.array([30, -40])
    told = summarise(recording.spec, outputs, truth, people).to_json()
    angles = visual_angles(SCREEN, outputs, truth)
    assert told["mean"] == pytest.approx(50) and told["degrees"]["mean"] == pytest.approx(
        mean_interval(angles, people).mean
    )
    assert degrees_in_words(told) == (
        f", which are {angles.mean():.2f} degrees ({told['degrees']['low']:.2f} to {told['degrees']['high']:.2f}) of visual angle"
    )
    table = prediction_table(recording, np.arange(64), outputs)
    assert table["error_px"].to_numpy() == pytest.approx(50) and table["error_degrees"].to_numpy() == pytest.approx(
        angles
    )


def test_every_sample_has_its_own_distance():
    """10 mm straight ahead, from 10, 100 and 1000 mm."""
    mm = viewed("mm", None)
    points, far = np.array([[0.0, 0.0]] * 3), np.array([10.0, 100.0, 1000.0])
    expected = np.degrees(np.arctan([1, 0.1, 0.01]))
    assert visual_angles(mm, points + np.array([0, 10]), points, far) == pytest.approx(expected, rel=1e-12)
    alike = viewed("mm", 100.0)
    assert visual_angles(alike, points + np.array([0, 10]), points, far) == pytest.approx(expected[1])


def test_distances_of_arrays_go_into_scores_and_tables():
    far = np.linspace(300, 900, 64)
    recording = arrays(viewing={"distance_mm": far, "mm_per_px": 0.25})
    assert recording.spec.viewing == Viewing(None, 0.25, (400.0, 300.0))
    assert Spec.from_json(json.loads(json.dumps(recording.spec.to_json()))) == recording.spec
    rows = np.arange(8, 40)
    truth = recording.table[recording.spec.targets].to_numpy()[rows]
    people, outputs = recording.table["group"].to_numpy()[rows], truth + np.array([30, -40])
    alone = [Viewing(one, 0.25, (400.0, 300.0)) for one in far[rows]]
    angles = np.concatenate([visual_angles(one, outputs[[k]], truth[[k]]) for k, one in enumerate(alone)])
    told = summarise(recording.spec, outputs, truth, people, distances_of(recording, rows)).to_json()
    assert told["degrees"]["mean"] == pytest.approx(mean_interval(angles, people).mean)
    assert prediction_table(recording, rows, outputs)["error_degrees"].to_numpy() == pytest.approx(angles)
    assert "degrees" not in summarise(recording.spec, outputs, truth, people).to_json()  # no distance is made up
    nearer = arrays(viewing={"distance_mm": far / 2, "mm_per_px": 0.25})
    assert nearer.definition != recording.definition
    for wrong in (far[:5], -far, np.where(far > 500, np.nan, far)):
        with pytest.raises(InputError, match="one for each of 64 samples, all above 0"):
            arrays(viewing={"distance_mm": wrong, "mm_per_px": 0.25})


@pytest.mark.parametrize(("key", "cells"), [("distance_mm", "600"), ("distance_cm", "60")])
def test_a_column_of_a_manifest_is_the_distance(manifest, key, cells):
    far = {"far": lambda table: [cells if k else "300" for k in range(len(table))]}
    recording = open_recording(manifest(far, viewing={key: "far", "mm_per_px": 0.25}))
    assert recording.spec.viewing.distance_mm is None
    expected = [300.0 if key == "distance_mm" else 3000.0, 600.0, 600.0]
    for found in (recording, recording.resplit({"tr0": "test"}), recording.with_spec(recording.spec)):
        assert distances_of(found, np.arange(3)).tolist() == expected


def test_distances_that_are_none_are_told_by_row(manifest):
    data = manifest(
        {"far": lambda table: ["0" if k == 2 else "" if k == 4 else "600" for k in range(len(table))]},
        viewing={"distance_mm": "far", "mm_per_px": 0.25},
    )
    found = {fault.kind: fault.message for fault in checked(data).faults}
    assert list(found) == ["missing number"] and "viewing: row " in found["missing number"]
    for wrong in ({"distance_mm": 1, "distance_cm": 1}, {}):
        with pytest.raises(InputError, match="give distance_mm or distance_cm"):
            manifest(viewing={**wrong, "mm_per_px": 0.25})


def test_nothing_is_said_where_nobody_knows():
    recording = arrays()
    truth = recording.table[recording.spec.targets].to_numpy()
    told = summarise(recording.spec, truth + 1, truth, recording.table["group"].to_numpy()).to_json()
    assert "degrees" not in told and degrees_in_words(told) == "" and "viewing" not in recording.spec.to_json()
    assert "error_degrees" not in prediction_table(recording, np.arange(64), truth)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"distance_mm": 600}, "give `mm_per_px`"),
        ({"mm_per_px": 0.2}, "gives `distance_mm`"),
        ({"distance_mm": 0, "mm_per_px": 0.2}, "larger than 0, found 0 and 0.2"),
        ({"distance_mm": 600, "mm_per_px": 0.2, "far": 1}, "found distance_mm, mm_per_px, far of gaze"),
    ],
)
def test_what_is_no_viewing_is_refused(given, told):
    with pytest.raises(InputError, match=told):
        arrays(viewing=given)


def test_px_have_no_size_in_cm():
    with pytest.raises(InputError, match="these are in cm; leave it out"):
        viewed("cm", 600.0, 0.2)
    assert Spec((InputSpec("x", (1,)),), "gaze").viewing is None


def test_a_manifest_says_it(manifest, tmp_path):
    manifest(viewing={"distance_mm": 600, "mm_per_px": 0.25})
    recording = xgaze.open(tmp_path / "samples.yaml")
    assert recording.spec.viewing == Viewing(600.0, 0.25, tuple(side / 2 for side in recording.spec.scene))
    for wrong, told in (
        ({"distance_mm": 600}, "gaze in px needs mm_per_px"),
        ({"distance_mm": -1, "mm_per_px": 1}, "distance_mm"),
    ):
        with pytest.raises(InputError, match=told):
            manifest(viewing=wrong)
    with pytest.raises(InputError, match="viewing is of gaze points"):
        manifest(viewing={"distance_mm": 600}, target={"kind": "class", "column": "side"})


def test_commands_and_the_page_tell_it(tmp_path):
    recording = arrays(viewing={"distance_mm": 600, "mm_per_px": 0.25})
    places = {"folder": tmp_path / "checkpoints", "reports": tmp_path / "reports"}
    net = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(800.0 * torch.eye(2))
    teacher = xgaze.adopt(net, recording, **places)
    assert teacher.card.metrics["error"]["degrees"]["mean"] < 0.01
    page = xgaze.explain(teacher, samples=["worst"], over=0, steps=8, sweep_points=3).report().read_text()
    assert "of visual angle" in page and "the same as visual angle" in page
