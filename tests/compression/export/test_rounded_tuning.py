"""Tuned as the 8-bit file computes: it loses less, always the same, and only where it is needed."""

import copy
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch

from xgaze.compression.export import eight_bits, exported
from xgaze.compression.export.computed_in_floats import ALL, FORMS
from xgaze.compression.export.eight_bits import WEIGHTS_ALONE, computes_in_8_bits, write_eight_bits
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx
from xgaze.compression.export.rounding import rounded_tuning
from xgaze.compression.export.rounding.rounded_tuning import lessons_of, tune_rounded
from xgaze.compression.result import measure_int8
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.models.inference import predict
from xgaze.training.distillation import Lesson

UNEVEN = runpy.run_path(str(Path(__file__).with_name("uneven.py")))
QUICK, SLOW = Interval(0.6, 0.5, 0.7), Interval(1.4, 1.3, 1.5)
LOST, HELD = Interval(3.0, 2.0, 4.0), Interval(0.1, -0.2, 0.4)


@pytest.fixture(scope="module")
def uneven(spread, gaze_recording, tmp_path_factory):
    """The model, its file, and a recording whose truth is what it says, up to 10 px."""
    torch.manual_seed(0)
    model = spread(UNEVEN["Uneven"](), gaze_recording)
    UNEVEN["make_uneven"](model)
    file = tmp_path_factory.mktemp("uneven") / "model.onnx"
    UNEVEN["write_onnx"](model, file)
    said = predict(model, gaze_recording, np.arange(len(gaze_recording.table)))
    x, y = (said + np.random.default_rng(0).normal(0, 10, said.shape)).T
    return model, file, replace(gaze_recording, table=gaze_recording.table.assign(gaze_x_px=x, gaze_y_px=y))


@pytest.fixture
def lessons(uneven, make_recipe):
    def of(epochs):
        recipe = make_recipe(distill={"eight_bit_epochs": epochs, "end_to_end_teacher_weight": 1.0})
        return lessons_of(recipe, uneven[2], uneven[0], uneven[0])

    return of


def test_a_net_that_rounding_hurts_loses_less_and_floats_stay_as_they_are(uneven, lessons, tmp_path):
    _, source, recording = uneven
    train, validation = rows_of(recording, "train"), rows_of(recording, "validation")
    before = source.read_bytes()
    tune_rounded(source, recording, train, ALL, lessons(15), tmp_path / "tuned.onnx")
    floats = predict_onnx(source, recording, validation)

    def lost(file):
        quantise_onnx(file, recording, train, tmp_path / "8.onnx")
        return np.linalg.norm(predict_onnx(tmp_path / "8.onnx", recording, validation) - floats, axis=1).mean()

    assert source.read_bytes() == before
    assert lost(source) > 10 and lost(tmp_path / "tuned.onnx") < 0.9 * lost(source)


def test_the_same_seed_gives_the_same_weights(uneven, lessons, tmp_path):
    _, source, recording = uneven
    for name in ("a", "b"):
        tune_rounded(source, recording, rows_of(recording, "train"), ALL, lessons(1), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != source.read_bytes()


def test_lessons_are_those_of_whole_students_and_none_where_nothing_is_tuned(uneven, make_recipe):
    model, _, recording = uneven
    assert lessons_of(make_recipe(distill={"eight_bit_epochs": 0}), recording, model, model) is None
    recipe = make_recipe(distill={"end_to_end_learning_rate": 0.01, "teacher_weight": 0.25, "mirror_images": True})
    asked = lessons_of(recipe, recording, model, model, Lesson(np.empty((0, 2), np.float32)))
    assert (asked.epochs, asked.teacher_weight, asked.seed) == (3, 0.25, recipe.seed)
    assert asked.settings.learning_rate == pytest.approx(0.001) and asked.settings.mirror_images
    expected = predict(model, recording, rows_of(recording, "train"))
    assert np.array_equal(asked.lesson.outputs, expected)
    assert asked.learned == {f"{one}.{part}" for one in ("conv", "mix", "out") for part in ("weight", "bias")}
    known = Lesson(expected + 1)
    assert lessons_of(recipe, recording, model, model, known).lesson is known


@pytest.fixture
def judged(monkeypatch):
    """Times of the three forms, and what is found of files in the order in which they are judged."""

    def tell(times, worse):
        forms, found = iter(times), iter(worse)
        monkeypatch.setattr(eight_bits, "paired_ratio", lambda *_: next(forms))
        monkeypatch.setattr(eight_bits._Asked, "worse", lambda _: next(found))

    return tell


def tuning(monkeypatch, tuned):
    """What stands in for the tuning; -> the forms that were asked."""
    asked = []

    def done(source, _recording, _rows, form, _lessons, target):
        asked.append(form.words)
        tuned(source, target)

    monkeypatch.setattr(rounded_tuning, "tune_rounded", done)
    return asked


def copied(source, target):
    target.write_bytes(source.read_bytes())


def never():
    raise AssertionError("nobody was to be asked")


def test_tuned_is_what_loses_least_and_kept_where_it_holds(uneven, lessons, tmp_path, judged, monkeypatch):
    _, source, recording = uneven
    asked, nearer = tuning(monkeypatch, copied), Interval(1.0, 0.5, 1.5)
    judged([QUICK, Interval(0.8, 0.7, 0.9), SLOW], [LOST, nearer, nearer, HELD])
    monkeypatch.setattr(eight_bits._Asked, "is_near", lambda _: True)
    found = write_eight_bits(source, recording, tmp_path / "8.onnx", lambda: lessons(2))
    assert asked == [FORMS[1].words] and found.words == f"{FORMS[1].words}, tuned so"
    assert found.worse_percent == HELD and found.tuned.kept and computes_in_8_bits(tmp_path / "8.onnx")
    assert (
        found.note == "Tuned in 8 bits for 2 epochs: 1.0 [0.5, 1.5] % worse than floats before, 0.1 [-0.2, 0.4] after."
    )
    told = found.to_json()["tuned"]
    assert told["after"]["bytes"] == (tmp_path / "8.onnx").stat().st_size and told["before"]["ms"] > 0
    assert told["before"]["worse_percent"] == vars(nearer) and told["epochs"] == 2


@pytest.mark.parametrize(("after", "near"), [(Interval(0.5, 0.2, 0.8), True), (HELD, False)])
def test_what_does_not_hold_or_is_another_model_is_not_kept(
    uneven, lessons, tmp_path, judged, monkeypatch, after, near
):
    _, source, recording = uneven
    tuning(monkeypatch, copied)
    judged([QUICK, SLOW, SLOW], [LOST, LOST, after, HELD])
    monkeypatch.setattr(eight_bits._Asked, "is_near", lambda _: near)
    found = write_eight_bits(source, recording, tmp_path / "8.onnx", lambda: lessons(1))
    assert found.words == WEIGHTS_ALONE and not found.tuned.kept and not computes_in_8_bits(tmp_path / "8.onnx")
    assert "Tuned in 8 bits for 1 epoch: 3.0 [2.0, 4.0] % worse than floats before" in found.note


def test_nothing_is_tuned_where_a_form_holds_or_none_is_faster(uneven, tmp_path, judged):
    _, source, recording = uneven
    judged([QUICK, SLOW, SLOW], [HELD])
    found = write_eight_bits(source, recording, tmp_path / "8.onnx", never)
    assert found.tuned is None and found.to_json()["tuned"] is None
    judged([SLOW, SLOW, SLOW], [HELD])
    assert write_eight_bits(source, recording, tmp_path / "8.onnx", never).words == WEIGHTS_ALONE


def test_why_it_was_not_tuned_is_told(uneven, lessons, tmp_path, judged, monkeypatch):
    _, source, recording = uneven

    def refused(*_):
        raise InputError("it holds Sign.")

    tuning(monkeypatch, refused)
    judged([QUICK, SLOW, SLOW], [LOST, LOST, HELD])
    found = write_eight_bits(source, recording, tmp_path / "8.onnx", lambda: lessons(1))
    assert found.words == WEIGHTS_ALONE and found.note.endswith("It was not tuned in 8 bits: it holds Sign.")


def test_a_file_that_says_something_else_is_not_near(uneven, tmp_path):
    _, source, recording = uneven
    made = tmp_path / "made.onnx"
    asked = eight_bits._Asked(source, recording, made, lambda *_: None)
    copied(source, made)
    assert asked.is_near()
    model = onnx.load(source)
    next(one for one in model.graph.initializer if one.name == "400").raw_data = np.float32(800).tobytes()
    onnx.save(model, made)
    assert not asked.is_near()


def test_whole_way_of_a_student_that_is_measured(uneven, make_recipe, tmp_path, monkeypatch):
    """Nothing stands in for tuning and judging but the times."""
    model, source, recording = uneven
    times = iter([QUICK, SLOW, SLOW])
    monkeypatch.setattr(eight_bits, "paired_ratio", lambda *_: next(times))
    monkeypatch.setattr(eight_bits, "ALLOWED", -100.0)  # never good enough
    copied(source, tmp_path / "model.onnx")
    recipe = make_recipe(distill={"eight_bit_epochs": 2})
    reference = np.zeros((len(rows_of(recording, "test")), 2), np.float32)
    found = measure_int8(recording, tmp_path, reference, lambda: lessons_of(recipe, recording, model, model))
    assert found["int8_fault"] is None
    told = found["int8"]["tuned"]
    assert told["epochs"] == 2 and not told["kept"] and told["words"] == FORMS[0].words
    assert told["after"]["worse_percent"] != told["before"]["worse_percent"]
    assert "after." in found["int8"]["note"] and found["int8"]["form"] == WEIGHTS_ALONE


@pytest.mark.parametrize("beside", [True, False])
def test_an_exported_model_learns_from_its_own_teacher_or_from_itself(
    uneven, make_recipe, tmp_path, monkeypatch, beside
):
    model, _, recording = uneven
    teacher = copy.deepcopy(model)
    with torch.no_grad():
        teacher.out.bias.add_(0.1)  # 40 px
    monkeypatch.setattr(exported, "read_card", lambda _: SimpleNamespace(metrics={"teacher_weights": "known"}))
    monkeypatch.setattr(exported, "teacher_weights", lambda _: "known" if beside else "another")
    monkeypatch.setattr(exported, "load_model", lambda *_: (teacher, None))
    asked = exported._lessons(make_recipe(), recording, model, tmp_path, None, False)
    further = asked.lesson.outputs - predict(model, recording, rows_of(recording, "train"))
    np.testing.assert_allclose(further, 40.0 if beside else 0.0, atol=1e-2)
    assert exported._lessons(None, recording, model, tmp_path, None, False) is None
