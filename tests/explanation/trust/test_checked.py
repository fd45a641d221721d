"""All methods on chosen samples: what is offered, what is kept, what is asked, and that nothing is computed twice."""

import numpy as np
import pytest
import torch

from xgaze.data.contract import collate, rows_of
from xgaze.errors import InputError
from xgaze.explanation.attribution import method
from xgaze.explanation.attribution.attribution import mean_inputs
from xgaze.explanation.attribution.method import known_methods
from xgaze.explanation.explain import explain_samples
from xgaze.explanation.trust import gate
from xgaze.explanation.trust.checked import Given, check_conductance, check_methods, questions_of, shapley_of
from xgaze.models.registry import build
from xgaze.recipe import Explain

METHODS = known_methods()

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


@pytest.fixture(scope="module")
def questions(gaze_recording, model, rows, baseline):
    return questions_of(gaze_recording, model, rows, baseline)


@pytest.fixture(scope="module")
def given(gaze_recording, model, rows, baseline):
    section, _, maps = explain_samples(gaze_recording, {"teacher": model}, rows, baseline, SETTINGS)
    return Given(section["samples"], maps)


def test_every_method_gets_a_verdict_and_only_offered_ones_keep_maps(gaze_recording, model, rows, questions, given):
    verdicts, maps = check_methods(gaze_recording, {"teacher": model}, questions, given, SETTINGS, 0)
    assert [one["name"] for one in verdicts] == list(METHODS)
    offered = {one["name"] for one in verdicts if one["offered"]}
    assert all((one["reason"] is None) == one["offered"] and one["target"] == "error" for one in verdicts)
    kept = {name.rsplit("/", 1)[1] for name in maps}
    assert kept == offered - {"integrated gradients"}
    height, width = gaze_recording.spec.inputs[0].shape[1:]
    assert all(one.shape == (height, width) and np.isfinite(one).all() for one in maps.values())
    assert len(maps) == len(kept) * len(rows) * len(gaze_recording.spec.inputs)


def test_each_map_is_computed_once_and_integrated_gradients_not_again(
    gaze_recording, model, questions, given, monkeypatch
):
    calls = []

    def counted(name, asked_model, *rest):
        calls.append((name, asked_model is model))
        return method.attribute(name, asked_model, *rest)

    monkeypatch.setattr(gate, "attribute", counted)
    monkeypatch.setattr("xgaze.explanation.trust.checked.attribute", counted)
    check_methods(gaze_recording, {"teacher": model}, questions, given, SETTINGS, 0)
    own = [name for name, of_model in calls if of_model]
    assert {name: own.count(name) for name in METHODS} == {
        name: 0 if name == "integrated gradients" else len(questions) for name in METHODS
    }


def test_integrated_gradients_are_judged_as_they_were_found(gaze_recording, model, questions, given):
    bent = Given(given.samples, {name: one / 2 for name, one in given.maps.items()})
    verdicts, _ = check_methods(gaze_recording, {"teacher": model}, questions, bent, SETTINGS, 0)
    found = next(one for one in verdicts if one["name"] == "integrated gradients")
    assert not found["offered"] and found["completeness_percent"] == pytest.approx(50, abs=2.5)


@pytest.mark.parametrize(
    ("wanted", "targets"), [("gaze-x", ["gaze x"]), ("all", ["gaze x", "gaze y", "error"]), (None, ["error"])]
)
def test_the_methods_answer_the_target_that_is_wanted(
    gaze_recording, model, questions, given, wanted, targets, monkeypatch
):
    few = {name: METHODS[name] for name in ("saliency", "integrated gradients")}
    monkeypatch.setattr(gate.judged_answers, "__defaults__", (None, few, None))
    verdicts, maps = check_methods(gaze_recording, {"teacher": model}, questions, given, SETTINGS, 0, wanted)
    assert [(one["name"], one["target"]) for one in verdicts] == [(name, one) for one in targets for name in few]
    assert list(dict.fromkeys(name.split("/")[2] for name in maps)) == targets


def test_a_gaze_point_is_not_asked_of_a_model_that_names_classes(class_recording):
    torch.manual_seed(0)
    model = build("heatmap-cnn", {"channels": (4, 4)}, class_recording.spec).eval()
    baseline = mean_inputs(class_recording, rows_of(class_recording, "train"))
    questions = questions_of(class_recording, model, [int(rows_of(class_recording, "test")[0])], baseline)
    with pytest.raises(InputError, match="--target gaze-x: this model names a class and no gaze point"):
        check_methods(class_recording, {"teacher": model}, questions, Given([], {}), SETTINGS, 0, "gaze-x")


def test_shapley_values_and_conductance_add_up_to_what_is_explained(
    gaze_recording, model, rows, baseline, questions, given
):
    names = [one.name for one in gaze_recording.spec.inputs]
    values = shapley_of({"teacher": model}, questions, names)
    verdicts, flowing = check_conductance({"teacher": model}, questions, "head.embedding", SETTINGS)
    (verdict,) = verdicts
    assert verdict["name"] == "conductance" and verdict["offered"] and verdict["completeness_percent"] <= 5
    for row, one, flow, sample in zip(rows, values, flowing, given.samples, strict=True):
        with torch.no_grad():
            here = model(*_inputs(gaze_recording, row))[0] - model(*baseline)[0]
        sums = {name: sum(by_input.values()) for name, by_input in one["teacher"].items()}
        assert sums["gaze x"] == pytest.approx(float(here[0]), abs=1e-2)
        assert sums["gaze y"] == pytest.approx(float(here[1]), abs=1e-2)
        assert set(sums) == set(sample["explained"]["teacher"])
        assert sum(flow["conductance"]["teacher"]) == pytest.approx(sums["error"], rel=0.05)
        assert flow["conductance_refused"] == {}


def _inputs(recording, row):
    return collate([recording[row]], recording.spec).inputs
