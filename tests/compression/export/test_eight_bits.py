"""Which form the 8-bit file has: the fastest that holds, or weights alone; and what is said of it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from xgaze.compression.export import eight_bits
from xgaze.compression.export.computed_in_floats import FORMS
from xgaze.compression.export.eight_bits import (
    WEIGHTS_ALONE,
    EightBits,
    TriedForm,
    computes_in_8_bits,
    pack_alone,
    write_eight_bits,
)
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx
from xgaze.data.contract import RecordingView, rows_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval

QUICK, SLOW = Interval(0.6, 0.5, 0.7), Interval(1.4, 1.3, 1.5)


@pytest.fixture
def told(monkeypatch):
    """Times and losses in the order in which forms are asked, by their words."""

    def tell(times, worse):
        forms = iter(times)
        asked = []
        monkeypatch.setattr(eight_bits, "paired_ratio", lambda *_: next(forms))
        monkeypatch.setattr(eight_bits._Asked, "rearranged", True)
        whole = eight_bits._Asked.calibrated

        def judged(self, form):
            whole(self, form)
            asked.append(form.words)
            return worse[form.words]

        monkeypatch.setattr(eight_bits._Asked, "calibrated", judged)
        return asked

    return tell


def computed_in_8_bits(file):
    return "DequantizeLinear" in {node.op_type for node in onnx.load(file).graph.node}


def test_the_fastest_that_holds_is_written(exported, gaze_recording, tmp_path, told):
    words = [form.words for form in FORMS]
    faster = [Interval(0.8, 0.7, 0.9), QUICK, Interval(0.7, 0.6, 0.8)]
    asked = told(faster, {words[1]: Interval(1.0, 0.2, 1.8), words[2]: Interval(0.1, -0.2, 0.4)})
    found = write_eight_bits(exported, gaze_recording, tmp_path / "int8.onnx")
    assert asked == [words[1], words[2]] and found.words == words[2] and found.note == ""
    assert [one.words for one in found.tried] == asked and [one.holds for one in found.tried] == [False, True]
    assert computed_in_8_bits(tmp_path / "int8.onnx")


def test_slower_forms_are_not_judged_and_weights_alone_are_written(exported, gaze_recording, tmp_path, told):
    asked = told([SLOW, Interval(0.97, 0.9, 1.04), Interval(2, 1.9, 2.1)], {})
    found = write_eight_bits(exported, gaze_recording, tmp_path / "int8.onnx")
    assert not asked and found.words == WEIGHTS_ALONE and len(found.tried) == 3
    assert "the fastest takes 0.97 times the time." in found.note
    assert not computed_in_8_bits(tmp_path / "int8.onnx")
    largest = max(onnx.load(tmp_path / "int8.onnx").graph.initializer, key=lambda one: np.prod(one.dims))
    assert largest.data_type == TensorProto.INT8
    assert (tmp_path / "int8.onnx").stat().st_size < exported.stat().st_size / 3
    rows = rows_of(gaze_recording, "test")
    floats, packed = (predict_onnx(file, gaze_recording, rows) for file in (exported, tmp_path / "int8.onnx"))
    assert np.abs(packed - floats).mean() < 0.05 * floats.std()
    assert abs(found.worse_percent.mean) < 5 and found.to_json()["worse_than_floats_percent"] == vars(
        found.worse_percent
    )


def test_what_lay_there_stays_until_a_form_is_chosen(exported, gaze_recording, tmp_path, told, monkeypatch):
    target = tmp_path / "int8.onnx"
    target.write_bytes(b"before")
    told([QUICK, SLOW, SLOW], {FORMS[0].words: Interval(0.0, -0.1, 0.1)})

    def stopped(self):
        assert target.read_bytes() == b"before"
        raise KeyboardInterrupt

    monkeypatch.setattr(eight_bits._Asked, "worse", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_eight_bits(exported, gaze_recording, target)
    assert target.read_bytes() == b"before" and [one.name for one in tmp_path.iterdir()] == ["int8.onnx"]


def test_a_form_that_can_be_made_and_not_run_is_passed_over(exported, gaze_recording, tmp_path, monkeypatch):
    def refuse(*_):
        raise RuntimeError("per axis quantization")

    monkeypatch.setattr(eight_bits, "paired_ratio", refuse)
    found = write_eight_bits(exported, gaze_recording, tmp_path / "int8.onnx")
    assert found.words == WEIGHTS_ALONE and found.tried == () and (tmp_path / "int8.onnx").is_file()


def test_whether_a_file_computes_in_8_bits(exported, gaze_recording, tmp_path):
    pack_alone(exported, tmp_path / "alone")
    quantise_onnx(exported, gaze_recording, rows_of(gaze_recording, "train"), tmp_path / "8", frames=8)
    assert computes_in_8_bits(tmp_path / "8") and not computes_in_8_bits(tmp_path / "alone")


def test_a_fast_form_that_loses_too_much_is_told(exported, gaze_recording, tmp_path, told):
    lost = Interval(3.0, 2.0, 4.0)
    told([QUICK, SLOW, SLOW], {FORMS[0].words: lost})
    found = write_eight_bits(exported, gaze_recording, tmp_path / "int8.onnx")
    assert found.words == WEIGHTS_ALONE and not computed_in_8_bits(tmp_path / "int8.onnx")
    assert found.note.endswith("the fastest takes 0.60 times the time and is 3.0 [2.0, 4.0] % worse.")
    assert found.to_json()["tried"][0]["worse_percent"] == {"mean": 3.0, "low": 2.0, "high": 4.0}


def test_too_few_people_for_an_upper_end_hold_nothing():
    assert not TriedForm("w", QUICK, Interval(0.0)).holds and not TriedForm("w", QUICK).holds
    assert TriedForm("w", QUICK, Interval(0.0, -0.5, 0.5)).holds


def test_without_validation_people_or_where_it_cannot_be_quantised_weights_alone(
    exported, gaze_recording, tmp_path, monkeypatch
):
    table = gaze_recording.table.assign(split="train")
    alone = RecordingView(gaze_recording.spec, table, gaze_recording)
    assert write_eight_bits(exported, alone, tmp_path / "a.onnx") == EightBits(WEIGHTS_ALONE, ())

    def refused(*_, **__):
        raise InputError("onnxruntime cannot quantise it")

    monkeypatch.setattr(eight_bits, "quantise_onnx", refused)
    found = write_eight_bits(exported, gaze_recording, tmp_path / "b.onnx")
    assert found.tried == () and found.note.startswith("onnxruntime cannot compute it in 8 bits")
    assert (tmp_path / "b.onnx").is_file()
    with pytest.raises(InputError, match="no such file"):
        write_eight_bits(tmp_path / "missing.onnx", gaze_recording, tmp_path / "c.onnx")
    assert not (tmp_path / "c.onnx").exists()


def judged_by(asked, monkeypatch, few, many):
    """What `worse` says where few and many frames tell these, and how many frames were asked."""
    counts = []
    answers = {len(asked.rows): few, len(asked.more_rows): many}
    monkeypatch.setattr(
        eight_bits._Asked, "_worse", lambda _self, rows, _floats: counts.append(len(rows)) or answers[len(rows)]
    )
    return asked.worse(), counts


@pytest.mark.parametrize(
    ("few", "asks_more"),
    [(Interval(0.1, -1.0, 1.2), True), (Interval(0.1, -0.2, 0.4), False), (Interval(0.6, 0.1, 1.1), False)],
)
def test_a_form_that_few_frames_leave_open_is_judged_by_more(
    exported, gaze_recording, tmp_path, monkeypatch, few, asks_more
):
    monkeypatch.setattr(eight_bits, "JUDGED_FRAMES", 6)
    asked = eight_bits._Asked(exported, gaze_recording, tmp_path / "made.onnx", lambda *_: None)
    whole = len(rows_of(gaze_recording, "validation"))
    many = Interval(0.1, -0.1, 0.3)
    found, counts = judged_by(asked, monkeypatch, few, many)
    assert whole > 6 and counts == ([6, whole] if asks_more else [6]) and found == (many if asks_more else few)


@pytest.mark.parametrize(("ratio", "quick"), [(0.6, True), (1.2, False)])
def test_convolutions_are_rearranged_where_that_is_faster(
    exported, gaze_recording, tmp_path, monkeypatch, ratio, quick
):
    monkeypatch.setattr(eight_bits, "paired_ratio", lambda *_: Interval(ratio))
    asked = eight_bits._Asked(exported, gaze_recording, tmp_path / "made.onnx", lambda *_: None)
    assert asked.rearranged == quick
    asked.make(FORMS[0], exported, 8)
    assert ("Split" in {node.op_type for node in onnx.load(asked.made).graph.node}) == quick  # of its groups
