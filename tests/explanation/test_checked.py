"""All methods on chosen samples: what is offered, what is kept, and that the parts add up."""

import numpy as np
import pytest
import torch

from xgaze.data.contract import collate, rows_of
from xgaze.explanation.attribution import mean_inputs
from xgaze.explanation.checked import check_methods, inside_samples
from xgaze.explanation.explain import explain_samples
from xgaze.explanation.methods import METHODS
from xgaze.models.registry import build
from xgaze.recipe import Explain

SETTINGS = Explain(steps=16, internal_batch_size=8)
ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}


@pytest.fixture(scope="module")
def model(gaze_recording):
    torch.manual_seed(0)
    return build("multi-eye", ARGS, gaze_recording.spec).eval()


@pytest.fixture(scope="module")
def rows(gaze_recording):
    return [int(row) for row in rows_of(gaze_recording, "test")[:2]]


@pytest.fixture(scope="module")
def baseline(gaze_recording):
    return mean_inputs(gaze_recording, rows_of(gaze_recording, "train"))


def test_every_method_gets_a_verdict_and_only_offered_ones_keep_maps(gaze_recording, model, rows, baseline):
    verdicts, maps = check_methods(gaze_recording, {"teacher": model}, rows, baseline, SETTINGS, 0)
    assert [one["name"] for one in verdicts] == list(METHODS)
    offered = {one["name"] for one in verdicts if one["offered"]}
    assert all((one["reason"] is None) == one["offered"] for one in verdicts)
    kept = {name.rsplit("/", 1)[1] for name in maps}
    assert kept == offered - {"integrated gradients"}
    height, width = gaze_recording.spec.inputs[0].shape[1:]
    assert all(one.shape == (height, width) and np.isfinite(one).all() for one in maps.values())
    assert len(maps) == len(kept) * len(rows) * len(gaze_recording.spec.inputs)


def test_shapley_values_and_conductance_add_up_to_what_is_explained(gaze_recording, model, rows, baseline):
    found = inside_samples(gaze_recording, {"teacher": model}, rows, baseline, "head.embedding", SETTINGS)
    for row, one in zip(rows, found, strict=True):
        section, _, _ = explain_samples(gaze_recording, {"teacher": model}, [row], SETTINGS, 0)
        explained = section["samples"][0]["explained"]["teacher"]
        with torch.no_grad():
            here = model(*_inputs(gaze_recording, row))[0] - model(*baseline)[0]
        sums = {name: sum(values.values()) for name, values in one["shapley"]["teacher"].items()}
        assert sums["gaze x"] == pytest.approx(float(here[0]), abs=1e-2)
        assert sums["gaze y"] == pytest.approx(float(here[1]), abs=1e-2)
        assert set(sums) == set(explained)
        assert sum(one["conductance"]["teacher"]) == pytest.approx(sums["error"], rel=0.15, abs=0.5)


def _inputs(recording, row):
    return collate([recording[row]], recording.spec).inputs
