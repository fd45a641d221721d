"""Tobii exports: ten gaze samples in every spelling; three fixations and what lies between them."""

import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.trackers.tobii import tobii_columns
from xgaze.errors import InputError

# timestamp in ms, type, index, x, y, duration in ms, stimulus
SAMPLES = [
    (0, "Fixation", 1, 5, 5, 40, ""),
    (10, "Fixation", 2, 10, 20, 100, "sea"),
    (20, "Fixation", 2, 10, 20, 100, "sea"),
    (30, "Saccade", 1, "", "", 30, "sea"),
    (40, "Fixation", 3, 30, 40, 200, "sea"),
    (50, "Fixation", 3, 30, 40, 200, "hill"),
    (60, "EyesNotFound", 1, "", "", 20, "sea"),
    (70, "Fixation", 4, 800, 600, 300, "sea"),
    (80, "Fixation", 4, 800, 600, 300, "sea"),
    (90, "Unclassified", 1, "", "", 20, "sea"),
]
PRO_LAB = "Recording timestamp|Participant name|Recording name|Presented Stimulus name|Eye movement type"
HEADERS = {
    "new": f"{PRO_LAB}|Eye movement type index|Fixation point X [MCS px]|Fixation point Y [MCS px]"
    "|Eye movement event duration [ms]".replace("timestamp", "timestamp [ms]"),
    "old": f"{PRO_LAB}|Eye movement type index|Fixation point X|Fixation point Y|Gaze event duration".replace(
        "Stimulus", "Media"
    ),
    "round": f"{PRO_LAB}|Eye movement type index|Fixation point X (MCSpx)|Fixation point Y (MCSpx)|Gaze event duration (ms)",
    "studio": "RecordingTimestamp|ParticipantName|RecordingName|MediaName|GazeEventType|FixationIndex"
    "|FixationPointX (MCSpx)|FixationPointY (MCSpx)|GazeEventDuration",
}


def export(header, times=1, side=1.0):
    """A tab-separated export; times: units of time per ms; side: what a px is written as."""
    lines = [header.replace("|", "\t")]
    for at, kind, index, x, y, duration, stimulus in SAMPLES:
        x, y = (value if value == "" else str(value * side).replace(".", ",") for value in (x, y))
        lines.append(f"{at * times}\tanna\trec1\t{stimulus}\t{kind}\t{index}\t{x}\t{y}\t{duration * times}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("version", HEADERS)
def test_every_spelling_reads_alike(write, version):
    read = read_fixations(write(export(HEADERS[version]), "tobii.tsv"), FixationFormat(size=(800, 600)))
    assert read.rows["scanpath"].tolist() == ["anna/sea/rec1"] * 3
    assert read.rows["x_px"].tolist() == [10, 30, 800] and read.rows["y_px"].tolist() == [20, 40, 600]
    assert read.rows["duration_ms"].tolist() == [100, 200, 300]
    left_out = next(
        note for note in read.notes if note.startswith("tobii.tsv: 1 fixations without a stimulus left out (")
    )
    assert "anna: 1 of 4" in left_out and "rec1: 1 of 4" in left_out


@pytest.mark.parametrize("micro", ["us", "μs", "µs"])
def test_microseconds_become_ms(write, micro):
    path = write(export(HEADERS["new"].replace("[ms]", f"[{micro}]"), times=1000), "tobii.tsv", encoding="utf-16")
    read = read_fixations(path, FixationFormat(size=(800, 600)))
    assert read.rows["duration_ms"].tolist() == [100, 200, 300]
    assert read.rows["onset_ms"].tolist() == [10, 40, 70]
    assert read.source_units["duration"] == read.source_units["timestamp"] == "us"


def test_onsets_of_unknown_unit_are_left_out_unless_told(write):
    path = write(export(HEADERS["old"]), "tobii.tsv")
    read = read_fixations(path, FixationFormat(size=(800, 600)))
    assert "onset_ms" not in read.rows and any("onsets left out" in note for note in read.notes)
    told = FixationFormat(size=(800, 600), columns=FixationColumns(timestamp_unit="ms"))
    assert read_fixations(path, told).rows["onset_ms"].tolist() == [10, 40, 70]


def test_durations_of_unknown_unit_are_asked_for(write):
    path = write(export(HEADERS["new"].replace(" [ms]", ""), times=1000), "tobii.tsv")
    with pytest.raises(InputError, match="'Eye movement event duration' is in ms or us, by version"):
        read_fixations(path, FixationFormat(size=(800, 600)))
    told = FixationFormat(size=(800, 600), columns=FixationColumns(duration_unit="us"))
    assert read_fixations(path, told).rows["duration_ms"].tolist() == [100, 200, 300]


def test_normalised_points_with_decimal_commas(write):
    path = write(export(HEADERS["new"].replace("MCS px", "MCS norm"), side=1 / 800), "tobii.tsv")
    read = read_fixations(path, FixationFormat(size=(800, 800)))
    assert read.rows["x_px"].tolist() == pytest.approx([10, 30, 800])
    assert read.source_units["x"] == "fraction"


def test_points_on_the_stimulus_go_before_points_on_the_display():
    header = [
        "Fixation point X (MCSnorm)",
        "Fixation point X [DACS px]",
        "Fixation point X [MCS px]",
        "Fixation point Y",
    ]
    found = tobii_columns(header)
    assert found["x"] == ("Fixation point X [MCS px]", "mcspx") and found["y"] == ("Fixation point Y", "")


def test_the_display_tells_its_size(write):
    lines = export(HEADERS["old"]).splitlines()
    lines = [
        lines[0] + "\tRecording resolution width\tRecording resolution height",
        *(f"{x}\t1920\t1080" for x in lines[1:]),
    ]
    assert read_fixations(write("\n".join(lines), "tobii.tsv"), FixationFormat()).size == (1920, 1080)


def test_labels_of_participants_are_kept_when_named(write):
    lines = export(HEADERS["old"]).splitlines()
    path = write("\n".join([lines[0] + "\tGroup", *(f"{line}\tASD" for line in lines[1:])]), "tobii.tsv")
    rows = read_fixations(path, FixationFormat(size=(800, 600), labels=["Group"])).rows
    assert rows["Group"].tolist() == ["ASD"] * 3


def test_x_and_y_of_different_systems_are_refused(write):
    header = HEADERS["new"].replace("Fixation point Y [MCS px]", "Fixation point Y [DACS px]")
    with pytest.raises(InputError, match="differ in unit"):
        read_fixations(write(export(header), "tobii.tsv"), FixationFormat(size=(800, 600)))


def test_samples_without_an_index_are_no_table_of_fixations(write):
    path = write(export(HEADERS["new"].replace("type index", "number")), "tobii.tsv")
    with pytest.raises(InputError, match="no Tobii export with fixations and their index"):
        read_fixations(path, FixationFormat(format="tobii"))
