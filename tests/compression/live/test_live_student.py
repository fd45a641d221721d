"""What the page is given to run a student with, and when there is nothing to run, why."""

import json
import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.c99.steps import float_program
from xgaze.compression.export.onnx import export_onnx
from xgaze.compression.export.samples import Samples, outputs_of
from xgaze.compression.live import live_student as module
from xgaze.compression.live.float_arithmetic import run_floats
from xgaze.compression.live.live_student import live_student
from xgaze.data.contract import InputSpec
from xgaze.evaluation.classes.classification import probabilities
from xgaze.report.report_schema import report_schema
from xgaze.report.sections.live_student import kernels_known

NETS = runpy.run_path(str(Path(__file__).parent / "nets.py"))


@pytest.fixture(scope="module")
def rendered(gaze_recording):
    return replace(gaze_recording, spec=replace(gaze_recording.spec, rendered=True))


@pytest.fixture(scope="module")
def student(rendered, tmp_path_factory):
    """A student's folder and its net."""
    torch.manual_seed(0)
    net, folder = NETS["LowRank"](2, 3).eval(), tmp_path_factory.mktemp("student")
    export_onnx(net, rendered.spec, folder / "model.onnx")
    return folder, net


def live_of(student, recording, **given):
    folder, net = student
    return live_student(folder, recording, {"teacher": net, "student": net}, kernels_known(), **given)


def test_predictions_are_those_of_the_models_on_the_pictures_that_are_shown(student, rendered):
    live, maps = live_of(student, rendered)
    stored = {one["name"]: maps[f"live/input/{one['name']}"] for one in live["inputs"]}
    assert live["picture_step"] == 0 and live["weights"] == "float32" and live["rounding"] == 0
    assert len(live["samples"]) == 16 and stored["eye0"].shape == (16, 1, 40, 40) and stored["eye0"].dtype == np.uint8
    expected = outputs_of(student[1], Samples(stored, np.empty((16, 0))).fed(rendered.spec))
    np.testing.assert_array_equal([one["float"] for one in live["samples"]], expected)
    np.testing.assert_array_equal([one["teacher"] for one in live["samples"]], expected)
    truth = {row.id: [row.gaze_x_px, row.gaze_y_px] for row in rendered.table.itertuples()}
    for one in live["samples"]:
        assert one["truth"] == pytest.approx(truth[one["id"]], abs=1e-3) and one["group"].startswith("test")
    apart = np.linalg.norm(np.subtract([one["int8"] for one in live["samples"]], expected), axis=1)
    assert 0 < apart.max() < 60
    assert live["embedding"]["width"] == 3 and len(live["embedding"]["moves"]) == 3 and live["embedding"]["in_int8"]
    json.dumps(live)
    report_schema().model_fields["live"]  # the section is there, and takes it
    assert {"absent", "samples"} <= live.keys()


def test_a_person_of_many_frames_is_shown_often_enough_to_calibrate_on(student, rendered):
    people = np.where(np.arange(len(rendered.table)) % 2, "A", "B")
    table = rendered.table.assign(group=np.where(rendered.table["split"] == "test", people, rendered.table["group"]))
    live, _ = live_of(student, replace(rendered, table=table))
    assert [one["group"] for one in live["samples"]] == ["B"] * 8 + ["A"] * 8
    assert len({one["id"] for one in live["samples"]}) == 16


def test_a_page_with_less_room_has_rounder_weights_then_rougher_pictures(student, rendered, monkeypatch):
    taken, whole = [], live_of(student, rendered)[0]
    characters = module._characters
    monkeypatch.setattr(module, "_characters", lambda forms: taken.append(characters(forms)) or taken[-1])
    live_of(student, rendered)
    monkeypatch.setattr(module, "PICTURES_CHARACTERS", dict.fromkeys(module.PICTURES_CHARACTERS, 10_000))
    monkeypatch.setattr(module, "MOST_CHARACTERS", taken[0] - 1 + 10_000)
    live, maps = live_of(student, rendered)
    assert live["weights"] == "float16" and live["picture_step"] > 0 and taken[-1] < taken[0]
    assert 0 < live["rounding"] < 30 and maps["live/input/eye0"].shape[:3] == (2, 8, 8)
    assert live["error_as_recorded"] == pytest.approx(whole["error_as_recorded"])
    assert live["error_as_shown"] != live["error_as_recorded"]
    monkeypatch.setattr(module, "MOST_CHARACTERS", 12_000)
    live, maps = live_of(student, rendered)
    assert not maps and "too large to be run here: it takes" in live["absent"]


def test_the_ranges_of_an_exported_c_file_are_its_own(student, rendered, tmp_path):
    folder = tmp_path / "student"
    shutil.copytree(student[0], folder)
    first, _ = live_of((folder, student[1]), rendered)
    measured = module.measured_ranges
    network = module.read_network(folder / "model.onnx")
    rows = module.rows_of(rendered, "train")[:2]
    ranges = measured(folder / "model.onnx", network, rendered.spec, module._stored(rendered, rows))
    (folder / "c-int8").mkdir()
    (folder / "c-int8" / "ranges.json").write_text(json.dumps(ranges))
    found, maps = live_of((folder, student[1]), rendered)
    program = module.int8_program(network, rendered.spec, ranges)
    stored = {one.name: maps[f"live/input/{one.name}"] for one in rendered.spec.inputs}
    np.testing.assert_array_equal([one["int8"] for one in found["samples"]], run_reference(program, stored))
    assert found["samples"] != first["samples"]


def test_pictures_of_real_people_are_copied_only_when_asked(student, gaze_recording):
    live, maps = live_of(student, gaze_recording)
    assert not maps and live.keys() == {"absent"} and "copies none of real people" in live["absent"]
    live, maps = live_of(student, gaze_recording, real_people=True)
    assert live["absent"] is None and "live/input/eye1" in maps


@pytest.mark.parametrize("kept", [0, 0.5, 0.999])
def test_a_damaged_file_is_said(student, rendered, tmp_path, kept):
    whole = (student[0] / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(whole[: int(kept * len(whole))])
    live, maps = live_of((tmp_path, student[1]), rendered)
    assert not maps and live == {"absent": "This page cannot run the student: model.onnx: not a readable ONNX file."}


def test_a_file_that_onnxruntime_does_not_open_is_said(student, rendered, monkeypatch):
    def refused(_):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(module, "open_session", refused)
    live, maps = live_of(student, rendered)
    assert not maps and live["absent"].startswith("This page cannot run the student: model.onnx: damaged")
    assert "xgaze distill --force" in live["absent"]


def of_kind(kind, class_recording):
    """A rendered recording of one camera whose targets are classes, or values in ms."""
    spec = replace(class_recording.spec, rendered=True)
    if kind == "class":
        return replace(class_recording, spec=spec)
    table = class_recording.table.assign(value=200.0 + 40 * class_recording.table["label"])
    return replace(class_recording, spec=replace(spec, kind="value", unit="ms", classes=()), table=table)


@pytest.mark.parametrize(("kind", "outputs"), [("class", 2), ("value", 1)])
def test_classes_and_values_are_run_too_and_equal_torch_and_the_reference(kind, outputs, class_recording, tmp_path):
    torch.manual_seed(0)
    recording, net = of_kind(kind, class_recording), NETS["Plain"](1, 3, outputs).eval()
    export_onnx(net, recording.spec, tmp_path / "model.onnx")
    live, maps = live_of((tmp_path, net), recording)
    assert live["absent"] is None and (live["kind"], live["unit"]) == (kind, "" if kind == "class" else "ms")
    stored = {"eye0": maps["live/input/eye0"]}
    expected = outputs_of(net, Samples(stored, np.empty((16, 0))).fed(recording.spec))
    np.testing.assert_array_equal([one["float"] for one in live["samples"]], expected)
    program = float_program(module.read_network(tmp_path / "model.onnx"), recording.spec)
    np.testing.assert_allclose(run_floats(program, stored), expected, atol=0.01 * live["trusted"])
    assert live["trusted"] == pytest.approx(1e-4 * np.abs(expected).max()) and expected.shape == (16, outputs)
    column = "label" if kind == "class" else "value"
    truth = dict(zip(recording.table["id"].astype(str), recording.table[column], strict=True))
    assert all(one["truth"] == [truth[one["id"]]] for one in live["samples"])
    apart = np.abs(np.subtract([one["int8"] for one in live["samples"]], expected)).max()
    assert 0 < apart < 0.2 * np.ptp(expected) + 0.1
    known = np.array([one["truth"][0] for one in live["samples"]])
    shown = (
        1 - probabilities(expected)[np.arange(16), known.astype(int)]
        if kind == "class"
        else abs(expected[:, 0] - known)
    )
    assert live["error_as_shown"] == pytest.approx(shown.mean(), rel=1e-5)
    assert len(live["embedding"]["moves"]) == 3 and live["embedding"]["moves"][0] > 0
    json.dumps(live)


def test_of_directions_and_what_is_in_no_scene_the_page_says_why_it_does_not_run_them(student, rendered):
    for spec in (replace(rendered.spec, kind="angle", unit="rad"), replace(rendered.spec, unit="cm", scene=None)):
        live, maps = live_of(student, replace(rendered, spec=spec))
        assert not maps and live["absent"].endswith("this one tells what lies in no picture.")


def test_a_student_that_reads_no_pictures_is_not_run(student, rendered):
    inputs = (InputSpec("head", (3,), 1.0, 2.0, "float32"),)
    live, maps = live_of(student, replace(rendered, spec=replace(rendered.spec, inputs=inputs)))
    assert not maps and "reads no pictures" in live["absent"]


def test_an_unknown_layer_is_named(rendered, tmp_path):
    net = NETS["LowRank"](2, 3, last=NETS["Summed"]()).eval()
    export_onnx(net, rendered.spec, tmp_path / "model.onnx")
    live, maps = live_of((tmp_path, net), rendered)
    assert not maps and "does not know its layer 'CumSum' (" in live["absent"]


def test_a_kernel_that_the_interpreter_lacks_is_named(student, rendered):
    folder, net = student
    live, _ = live_student(folder, rendered, {"teacher": net, "student": net}, kernels_known() - {"max_pool"})
    assert "does not know its layer 'max_pool'" in live["absent"]
    live, _ = live_student(folder, rendered, {"teacher": net, "student": net}, kernels_known() - {"max_pool_int8"})
    assert live["absent"] is None and live["int8"] is None and "max_pool_int8" in live["int8_absent"]


def test_a_student_without_onnx_or_with_another_one_is_not_run(student, rendered, tmp_path):
    live, _ = live_of((tmp_path, student[1]), rendered)
    assert "model.onnx: no such file" in live["absent"] and str(tmp_path) not in live["absent"]
    torch.manual_seed(1)
    live, _ = live_of((student[0], NETS["LowRank"](2, 3).eval()), rendered)
    assert "its ONNX file differs from it by" in live["absent"]
