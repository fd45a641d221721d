"""Published gaze networks from end to end on small recordings: pictures of several sizes, vectors beside them, directions."""

import json

import numpy as np
import pytest

import xgaze
from xgaze.models.size import count_parameters

PEOPLE, FRAMES = 18, 4
RANK = 1


def looking(rows):
    """Where everybody looks, (rows, 2) from -1 to 1, and a generator for the rest."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (rows, 2)), rng


def blobs(at, rng, channels, height, width):
    """Pictures of a bright blob that follows the gaze."""
    yy, xx = np.mgrid[:height, :width]
    x, y = (side / 2 * (1 + 0.7 * at[:, k, None, None]) for k, side in enumerate((width, height)))
    grey = 30 + 200 * np.exp(-40 * (((xx - x) / width) ** 2 + ((yy - y) / height) ** 2))
    noisy = grey + rng.normal(0, 4, grey.shape)
    return np.repeat(noisy.clip(0, 255).astype(np.uint8)[:, None], channels, axis=1)


def recording(kind, unit="", scene=None, **shapes):
    """One of inputs of these shapes: pictures of blobs, and vectors of noise."""
    at, rng = looking(PEOPLE * FRAMES)
    inputs = {
        name: blobs(at, rng, *shape) if len(shape) == 3 else rng.normal(0, 0.2, (len(at), *shape)).astype(np.float32)
        for name, shape in shapes.items()
    }
    targets = {"angle": 0.3 * at[:, ::-1], "cm": at * [3, 5], "": (at + 1) * [400, 300]}[
        kind if kind == "angle" else unit
    ]
    people = np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES)
    return xgaze.ArrayRecording(inputs, targets.astype(np.float32), people, kind=kind, unit=unit, scene=scene)


NARROW = {"depth": 18, "channels": 4}
EYE = {"eye": (1, 20, 24), "head": (2,)}
BINS = {"bins": 28, "bin_degrees": 3, "lowest_degrees": -42}
FACE, EYES = {"face": (3, 32, 32)}, {"left": (3, 43, 47), "right": (3, 43, 47)}
CASES = {
    "lenet": ({}, ("angle", "rad"), EYE, [(50 * 2 * 3, 500)]),
    "resnet-preact": ({"channels": 4}, ("angle", "degrees"), EYE, [(18, 2)]),
    "itracker": ({}, ("gaze", "cm"), {"face": (3, 47, 47), **EYES, "grid": (25,)}, [(128, 128), (320, 128)]),
    "l2cs": ({**NARROW, **BINS}, ("angle", "rad"), FACE, [(32, 56)]),
    "resnet": ({**NARROW, "dropout": 0}, ("angle", "rad"), FACE, [(32, 2)]),
    "social-eye": ({"channels": 8}, ("angle", "rad"), {"left": (1, 24, 32), "right": (1, 24, 32)}, [(128, 2)]),
    "blazegaze": (
        {},
        ("gaze", "", (800, 600)),
        {"eyes": (3, 64, 64), "head": (3,), "origin": (3,)},
        [(38, 16), (16, 16)],
    ),
}
"""Arguments, target, inputs, and which fully connected layers a head of rank 1 thins."""
CHEAP, EXPLAINED = "resnet-preact", ("lenet", "social-eye")
"""With towers searched too, and those whose explanation is looked at: all seven would take minutes."""
ONE = {"tuning_epochs": 1, "ranks": [RANK], "separable_terms": [], "calibration_samples": 16}
WHOLE = {"end_to_end_epochs": 1, "shares": [0.5], "wiring": False, "coarse_input": False}


@pytest.fixture
def onnx_of_few(request, monkeypatch):
    """Of those alone that are looked at: writing an ONNX file takes longer than all else here."""
    if request.getfixturevalue("name") not in EXPLAINED:
        monkeypatch.setattr("xgaze.compression.export.onnx.export_onnx", _no_file)


def _no_file(*_: object) -> None:
    raise RuntimeError("left out")


@pytest.mark.usefixtures("onnx_of_few")
@pytest.mark.parametrize("name", CASES)
def test_it_is_trained_distilled_and_explained(name, tmp_path):
    args, target, shapes, thinned = CASES[name]
    places = {"folder": tmp_path / "checkpoints", "reports": tmp_path / "reports"}
    teacher = xgaze.train_teacher(name, recording(*target, **shapes), args=args, epochs=1, batch_size=16, **places)

    if name == CHEAP:
        whole = xgaze.distill(teacher, max_worse="400%", **ONE, **WHOLE)
        assert "channels" in {one["kind"] for one in whole.card.surgeries}

    result = xgaze.distill(teacher, prune_fc=True, effort="quick", force=True, **ONE)
    saved = sum(reads * makes - RANK * (reads + makes) for reads, makes in thinned)
    assert count_parameters(teacher.model) - count_parameters(result.student) == saved
    if name not in EXPLAINED:
        return
    page = xgaze.explain(result, samples=["worst"], over=2, steps=24, sweep_points=3).report()
    told = json.loads((page.parent / "report.json").read_text())
    assert told["teacher"]["onnx_batch"] == told["student"]["onnx_batch"] == "any"
    offered = {(one["name"], one["role"]) for one in told["methods"] if one["offered"]}
    assert {("integrated gradients", role) for role in ("teacher", "student")} <= offered
    assert [one["name"] for one in told["inputs"]] == list(shapes)
