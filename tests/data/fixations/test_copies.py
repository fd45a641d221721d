"""Exports with several rows per fixation: refused with a remedy that works, then one row of each is kept."""

import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import check_fixations, read_fixations

# A surface export: a row per frame of the scene camera, the point mapped anew in each.
FRAMES = """frame,id,start,ms,x,y
0,1,10.0,200.5,100,100
1,1,10.0,200.5,101,100
2,2,10.5,150.5,300,200
3,2,10.5,150.5,302,200
4,2,10.5,150.5,303,200
5,3,11.0,90.25,500,300
6,3,11.0,90.25,501,300
7,4,11.5,80.75,600,310
8,4,11.5,80.75,601,310
9,5,12.0,70.5,700,310
10,5,12.0,70.5,701,310
"""
# Gaze samples: the duration grows while the fixation lasts, its point stays.
SAMPLES = """cnt,id,start,ms,x,y
0,1,0.0,16,100,100
1,1,0.0,32,100,100
2,1,0.0,48,100,100
3,2,0.3,16,300,200
4,2,0.3,32,300,200
5,3,0.6,16,500,300
6,3,0.6,32,500,300
7,3,0.6,48,500,300
"""
START = {"start": "start", "timestamp_unit": "s"}


def settings(columns, **more):
    mapping = FixationColumns(x="x", y="y", duration="ms", **columns)
    return FixationFormat(columns=mapping, size=(800, 600), participants="optional", **more)


@pytest.mark.parametrize(
    ("text", "columns", "shared"),
    [
        (FRAMES, START, "start"),
        (FRAMES, {"order": "id"}, "number"),
        (FRAMES, {"order": "id", **START}, "start"),
        (SAMPLES, START, "start"),
        (SAMPLES, {"order": "id"}, "number"),
        (SAMPLES, {}, "point as the row before"),
    ],
)
def test_rows_of_one_fixation_are_refused_and_duplicates_drop_keeps_the_longest(write, text, columns, shared):
    path = write(text)
    (fault,) = check_fixations(path, settings(columns))
    rows = text.count("\n") - 1
    kept = 5 if text is FRAMES else 3
    assert fault.message == (
        f"participant unknown: {rows - kept} of {rows} fixations are rows of a fixation that another row tells too, of the same "
        f"{shared}."
    )
    read = read_fixations(path, settings(columns, duplicates="drop"))
    assert read.rows["x_px"].tolist() == ([100, 300, 500, 600, 700] if text is FRAMES else [100, 300, 500])
    assert read.rows["duration_ms"].tolist() == ([200.5, 150.5, 90.25, 80.75, 70.5] if text is FRAMES else [48, 32, 48])
    assert any(f"left out (participant unknown: {rows - kept} of {rows})" in note for note in read.notes)


def test_of_the_rows_of_a_fixation_one_that_is_sound_is_kept(write):
    path = write(FRAMES.replace("0,1,10.0,200.5,100", "0,1,10.0,200.5,-1"))
    read = read_fixations(path, settings(START, duplicates="drop", outside="drop"))
    assert read.rows["x_px"].tolist() == [101, 300, 500, 600, 700]


def test_without_number_and_start_equal_durations_are_remarked_on(write):
    read = read_fixations(write(FRAMES), settings({}))
    assert len(read.rows) == 11
    (note,) = [one for one in read.notes if "exactly as long as the row before" in one]
    assert note.startswith("6 of 11 fixations") and "name the column of its number (order) or start" in note


def test_equal_durations_of_a_made_up_table_mean_nothing(write):
    text = "x,y,ms\n" + "".join(f"{k},5,200\n" for k in range(1, 9))
    assert not any("exactly as long" in one for one in read_fixations(write(text), settings({})).notes)


def test_two_viewings_are_told_apart_by_a_trial_and_nothing_is_dropped(write):
    rows = [f"{nr},{trial},{10 * nr + trial},{100 + nr + 9 * trial}" for trial in (1, 2) for nr in (1, 2, 3)]
    path = write("nr,trial,x,ms\n" + "\n".join(rows).replace("\n", "\n") + "\n")
    mapping = {"x": "x", "y": "x", "duration": "ms", "order": "nr"}
    made = FixationFormat(columns=FixationColumns(**mapping), size=(800, 600), participants="optional")
    for duplicates in ("refuse", "drop"):
        (fault,) = check_fixations(path, made.model_copy(update={"duplicates": duplicates}))
        assert fault.kind == "repeated fixation numbers" and fault.message.startswith("1 scanpath has two fixations")
    told = made.model_copy(update={"columns": FixationColumns(**mapping, trial="trial")})
    assert len(read_fixations(path, told).rows) == 6
