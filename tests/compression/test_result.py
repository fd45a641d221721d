"""The finished student: its figures, files and proofs."""

import json
import shutil
from dataclasses import replace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from xgaze.artifacts import read_card, write_card
from xgaze.compression.export.eight_bits import EightBits
from xgaze.compression.export.refreshed_card import refresh_card
from xgaze.compression.student import load_model
from xgaze.data.contract import collate, rows_of, targets_of
from xgaze.evaluation.gaze import distance_of_points
from xgaze.models.inference import predict
from xgaze.scorings import read_scorings


def test_figures_are_those_of_the_models_that_were_stored(run, gaze_recording):
    _, folder, card = run
    figures = card.metrics
    test = rows_of(gaze_recording, "test")
    truth = targets_of(gaze_recording, test)
    student, _ = load_model(folder / "student")
    errors = distance_of_points(predict(student, gaze_recording, test), truth)
    assert figures["student"]["error"]["mean"] == pytest.approx(errors.mean(), rel=1e-6)
    beside = {
        "teacher": figures["teacher"]["error"]["mean"],
        "control": figures["control"]["error"]["mean"],
    }[figures["reference"]]
    assert figures["difference_percent"]["mean"] == pytest.approx(100 * (errors.mean() / beside - 1), rel=1e-4)
    assert figures["student"]["bytes"] == (folder / "student" / "model.safetensors").stat().st_size
    assert figures["fc_reduction"] == figures["teacher"]["fc_parameters"] / figures["student"]["fc_parameters"]
    assert figures["budget_met"] == (figures["difference_percent"]["high"] <= 2.0)


def test_both_onnx_files_equal_torch_with_any_batch(run, gaze_recording):
    _, folder, card = run
    spec = gaze_recording.spec
    batch = collate([gaze_recording[k] for k in range(7)], spec)
    for role in ("teacher", "student"):
        assert card.metrics[role]["onnx_parity"] <= 1e-5
        model, _ = load_model(folder / role)
        session = onnxruntime.InferenceSession(str(folder / role / "model.onnx"))
        feed = {one.name: x.numpy() for one, x in zip(spec.inputs, batch.inputs, strict=True)}
        with torch.no_grad():
            expected = model(*batch.inputs).numpy()
        assert np.abs(session.run(None, feed)[0] - expected).max() <= 1e-5 * np.abs(expected).max()
        stored = json.loads(session.get_modelmeta().custom_metadata_map["xgaze.spec"])
        assert stored["inputs"][0]["mean"] == 40.0
        assert not list((folder / role).glob("*.data"))


def test_surgeries_are_stored_with_their_proofs(run):
    _, folder, _ = run
    stored = read_card(folder / "student").surgeries
    assert {"fold", "low_rank"} <= {one["kind"] for one in stored}
    assert all(one["proof"]["value"] <= one["proof"]["limit"] for one in stored)


def test_the_same_student_from_labels_alone_stands_beside(run):
    _, folder, card = run
    beside = card.metrics["labels_only"]
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    chosen = frontier[frontier["chosen"]].iloc[0]
    twin = frontier[(frontier["teaching"] == "labels") & (frontier["method"] == "xgaze")].iloc[0]
    assert twin["parameters"] == chosen["parameters"] and beside["error"]["mean"] > 0


def test_the_int8_file_is_smaller_and_compared_with_the_reference(run):
    _, folder, card = run
    int8 = card.metrics["student"]["int8"]
    assert int8["bytes"] == (folder / "student" / "model.int8.onnx").stat().st_size
    assert card.metrics["int8_file_reduction"] > 2
    assert int8["worse_than_reference_percent"]["low"] <= int8["worse_than_reference_percent"]["high"]


@pytest.mark.parametrize("reference", ["control", "teacher"])
def test_a_file_made_again_is_what_the_card_tells_of(run, gaze_recording, tmp_path, reference):
    """The card that `xgaze export --to int8` leaves is the one that `xgaze distill` would have left."""
    _, folder, card = run
    for role in ("teacher", "student"):
        shutil.copytree(folder / role, tmp_path / role, ignore=shutil.ignore_patterns("trials", "embeddings"))
    old = card.metrics["student"]["int8"]
    edited = {**card.metrics, "int8_file_reduction": 1.0, "reference": reference}
    edited["student"] = {**edited["student"], "int8": None, "int8_fault": "something"}
    write_card(tmp_path / "student", replace(card, metrics=edited))
    shutil.copy(folder / "scorings.json", tmp_path)
    form = EightBits("a form", ())
    assert refresh_card(tmp_path / "student", gaze_recording, form, "xgaze export --to int8")
    found = read_card(tmp_path / "student").metrics
    assert found["student"]["int8_fault"] is None and found["student"]["int8"]["form"] == "a form"
    for key in ("bytes", "error", "difference_percent"):
        assert found["student"]["int8"][key] == old[key]
    if reference == card.metrics["reference"]:
        assert found["student"]["int8"]["worse_than_reference_percent"] == old["worse_than_reference_percent"]
    assert found["int8_file_reduction"] == card.metrics["int8_file_reduction"]
    assert [one["what"] for one in read_scorings(tmp_path)][-1] == "student in 8 bits"


def test_a_card_without_anything_to_be_compared_with_stays(run, gaze_recording, tmp_path):
    _, folder, card = run
    (tmp_path / "student").mkdir()
    for name in ("model.onnx", "model.int8.onnx", "model.json"):
        shutil.copy(folder / "student" / name, tmp_path / "student")
    write_card(tmp_path / "student", replace(card, metrics={**card.metrics, "reference": "teacher"}))
    before = (tmp_path / "student" / "model.json").read_bytes()
    assert not refresh_card(tmp_path / "student", gaze_recording, EightBits("a form", ()))
    assert (tmp_path / "student" / "model.json").read_bytes() == before
