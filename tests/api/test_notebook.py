"""Ten lines on arrays with a network that is at hand only: all that the commands do."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import xgaze
from xgaze.artifacts import read_card
from xgaze.data.contract import participants_of, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.score import summarise
from xgaze.models.inference import predict

REBUILD = """
import sys
import numpy as np
import xgaze
model = xgaze.load(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2])))
"""


def test_the_teacher_learned_and_its_error_is_that_of_its_network(notebook):
    teacher, data = notebook.teacher, notebook.data
    test = rows_of(data, "test")
    outputs = teacher.model.predict(data.inputs["left"][test])
    known = summarise(data.spec, outputs, targets_of(data, test), participants_of(data, test))
    assert teacher.error.mean == pytest.approx(known.mean, rel=1e-4)
    assert teacher.error.low == pytest.approx(known.low, rel=1e-4)
    assert teacher.error.high == pytest.approx(known.high, rel=1e-4)
    assert teacher.error.mean < 0.6 * teacher.card.metrics["baselines"]["mean gaze"]["mean"]
    assert (teacher.error.unit, teacher.error.over, teacher.groups) == ("px", "participants", "participants")


def test_the_network_of_the_caller_stays_as_it_is(notebook):
    now = notebook.net.state_dict()
    assert all(torch.equal(now[name], one) for name, one in notebook.before.items())
    assert notebook.net.training


def test_the_student_is_smaller_and_its_figures_are_those_of_its_card(notebook):
    result, metrics = notebook.result, notebook.result.card.metrics
    assert sum(one.numel() for one in result.student.parameters()) == metrics["student"]["parameters"]
    assert metrics["student"]["fc_parameters"] < metrics["teacher"]["fc_parameters"]
    assert (result.worse.mean, result.worse.low) == tuple(metrics["difference_percent"][key] for key in ("mean", "low"))
    assert result.worse.unit == "%" and result.worse.signed
    assert str(result.worse) == f"{result.worse.mean:+.1f} % [{result.worse.low:+.1f}, {result.worse.high:+.1f}]"
    assert metrics["budget_percent"] == 2


def test_predict_reads_arrays_as_they_were_recorded(notebook):
    student, data = notebook.result.student, notebook.data
    rows = np.arange(70)
    expected = predict(student.net, data, rows)
    found = student.predict({"left": data.inputs["left"][:70]})
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_array_equal(student.predict(data.inputs["left"][:70]), found)
    scaled = torch.from_numpy(data.inputs["left"][:2]).float() / 255
    np.testing.assert_allclose(student(scaled).detach().numpy(), expected[:2], atol=1e-3)


def test_a_saved_student_is_rebuilt_bit_equal_where_its_class_is_not(notebook, tmp_path):
    student = notebook.result.student
    saved = student.save(tmp_path / "student")
    assert {"model.json", "model.safetensors"} <= {one.name for one in saved.iterdir()}
    np.save(tmp_path / "pictures.npy", notebook.data.inputs["left"][:9])
    words = [sys.executable, "-c", REBUILD, saved, tmp_path / "pictures.npy", tmp_path / "found.npy"]
    subprocess.run(words, cwd=tmp_path, check=True)
    expected = xgaze.load(saved).predict(notebook.data.inputs["left"][:9])
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), expected)
    with pytest.raises(InputError, match="something else"):
        student.save(tmp_path)


def test_a_finished_teacher_and_student_are_only_read(notebook, monkeypatch, capsys):
    for place in ("xgaze.training.teacher.tune_model", "xgaze.compression.distill.explored"):
        monkeypatch.setattr(place, None)
    again = xgaze.train_teacher(notebook.net, notebook.data, epochs=12, batch_size=8, **notebook.places)
    assert again.card == notebook.teacher.card
    found = xgaze.distill(again, max_worse=2, effort="quick", tuning_epochs=2, ranks=[2, 8])
    assert found.card == notebook.result.card
    told = capsys.readouterr().err
    assert "force=True trains again" in told and "--" not in told


def test_what_is_there_is_not_replaced_and_messages_speak_python(notebook):
    with pytest.raises(InputError, match=r'other settings.*name="NEW" to keep both, or train force=True') as refused:
        xgaze.train_teacher(notebook.net, notebook.data, epochs=9, batch_size=8, **notebook.places)
    assert "--" not in str(refused.value)
    with pytest.raises(InputError, match=r"xgaze\.train_teacher: unknown key 'training.epoch'"):
        xgaze.train_teacher(notebook.net, notebook.data, epoch=9, **notebook.places)
    with pytest.raises(InputError, match=r"xgaze\.distill: unknown key 'distill.rank'"):
        xgaze.distill(notebook.teacher, rank=3)
    with pytest.raises(InputError, match="not a percentage"):
        xgaze.distill(notebook.teacher, max_worse="little")
    with pytest.raises(InputError, match="samples: nobody: no such test sample"):
        xgaze.explain(notebook.result, samples=["nobody"], over=0)


def test_other_data_than_the_teachers_are_refused(notebook, arrays):
    pictures, gaze_px, people = arrays
    other = xgaze.ArrayRecording({"left": pictures}, gaze_px + 1, people, scene=(801, 601))
    with pytest.raises(InputError, match="other ones than the teacher was trained on"):
        xgaze.distill(notebook.teacher, other)


def test_the_explanation_and_its_page(notebook):
    found = notebook.explanation.found
    test = rows_of(notebook.data, "test")
    assert notebook.explanation.samples == [notebook.data.table["id"].iloc[test[3]]]
    assert found["attribution"]["steps"] == 8 and found["agreement"]["samples"] == 4
    page = notebook.page.read_text()
    assert notebook.explanation.samples[0] in page
    stored = json.loads((notebook.places["reports"] / "Net" / "report.json").read_text())
    assert stored["next"]["distill"] == "xgaze.distill(teacher, data)"


def test_what_a_notebook_shows(notebook):
    for one, name in (
        (notebook.teacher, "on 5 unseen participants"),
        (notebook.result, "worse than the"),
        (notebook.explanation, "samples"),
    ):
        assert name in repr(one) and f"<th>{name}" in one._repr_html_()
    assert f"{notebook.result.worse}" in repr(notebook.result)
    assert "<script>" not in notebook.teacher._repr_html_()


def test_the_card_holds_the_graph_and_no_class(notebook):
    architecture = read_card(notebook.result.folder).architecture
    assert set(architecture) == {"name", "args", "graph", "weights"} and architecture["name"] == "Net"
    assert architecture["graph"]["layers"]["fc1"]["args"]["out_features"] == 32
