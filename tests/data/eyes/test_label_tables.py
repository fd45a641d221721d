"""Tables of labels, in every source: what fixation tables may not lose or reinterpret, these may not either."""

import numpy as np
import pytest

from xgaze.data.checks.soundness import check
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.open import open_recording
from xgaze.data.source import source_of
from xgaze.errors import InputError

COLUMNS = {"participant": "who", "stimulus": "picture", "x": "x", "y": "y", "duration": "ms"}


def messages(data):
    return [fault.message for fault in check(data)]


def learn(eyes, content, whose="val/5/IMG1"):
    for table in eyes.path.glob(f"{whose}/Learn.csv"):
        table.write_bytes(content)


def gaze_of_5(eyes):
    table = open_recording(eyes).table
    return table.loc[table["group"] == "5", ["gaze_x_px", "gaze_y_px"]].to_numpy().tolist()


POINTS = [[1.5, 2], [3, 4.25], [5, 6]]


@pytest.mark.parametrize(
    "content",
    [
        b"sep=;\ncornerxy[0];cornerxy[1]\n1,5;2\n3;4,25\n5;6\n",
        b"# made by X\ncornerxy[0]\tcornerxy[1]\n1,5\t2\n3\t4,25\n5\t6\n",
        'cornerxy[0],cornerxy[1]\n"1,5",2\n3,"4,25"\n5,6\n'.encode("utf-16-le"),
    ],
)
def test_gaze_labels_in_the_spellings_of_spreadsheets(eyes, content):
    learn(eyes, content)
    assert gaze_of_5(eyes) == POINTS


def test_gaze_labels_of_two_conventions_or_shifted_by_commas_are_refused(eyes):
    learn(eyes, b"cornerxy[0];cornerxy[1]\n1,5;2\n3;4.25\n5;6\n")
    assert messages(eyes)[0].startswith(
        "val/5/IMG1/Learn.csv: column 'cornerxy[0]' row 1 holds '1,5' and column 'cornerxy[1]' row 2 holds '4.25': commas and"
    )
    learn(eyes, b"cornerxy[0],cornerxy[1]\n1,5,2\n3,0,4,25\n5,0,6\n")
    assert messages(eyes)[0].startswith("val/5/IMG1/Learn.csv: line 2 has 3 fields, the header 2.")
    learn(eyes, b"cornerxy[0];cornerxy[1]\n1,500;2\n3;4,250\n5;6\n", "*/*/*")
    assert "a decimal comma, or thousands?" in messages(eyes)[0]
    comma = eyes.labels.model_copy(update={"decimal": ","})
    assert gaze_of_5(eyes.model_copy(update={"labels": comma})) == POINTS


def test_gaze_labels_in_an_encoding_and_below_lines_that_have_to_be_said(eyes):
    learn(eyes, "Gerät,X\nLänge,9\nnr,cornerxy[0],cornerxy[1]\n1,1.5,2\n2,3,4.25\n3,5,6\n".encode("cp1252"), "*/*/*")
    assert "line 1: byte 0xE4 is no UTF-8" in messages(eyes)[0]
    known = eyes.model_copy(update={"labels": eyes.labels.model_copy(update={"encoding": "cp1252"})})
    assert "the header seems to be line 3" in messages(known)[0]
    whole = eyes.model_copy(update={"labels": eyes.labels.model_copy(update={"encoding": "cp1252", "header": 3})})
    assert gaze_of_5(whole) == POINTS


@pytest.mark.parametrize("word", ["NA", "N/A", "n/a", "NaN", "NULL", "None", "-", ""])
def test_people_and_classes_of_pictures_that_are_words_for_nothing(array_folder, word):
    array_folder.lines[4], array_folder.lines[8] = f"2,{word},TD", f"{word},0,TD"
    shown = f"'{word}', which names nothing" if word else "empty"
    assert messages(array_folder.write()) == [
        f"images.csv row 5: label is {shown}; 1 of 12 rows.",
        f"images.csv row 9: participant is {shown}; 1 of 12 rows.",
    ]


def test_people_of_pictures_in_two_spellings_are_asked_about(array_folder):
    array_folder.lines[4] = "02,0,TD"
    (message,) = messages(array_folder.write())
    assert message.startswith("images.csv: participant '02' (1 rows) and '2' (1 rows): one, or several? Set spellings")
    same = open_recording(array_folder.write().model_copy(update={"spellings": "same"})).table
    apart = open_recording(array_folder.write().model_copy(update={"spellings": "apart"})).table
    assert same["group"].nunique() == 6 and apart["group"].nunique() == 7


def test_a_table_of_pictures_with_a_row_too_long(array_folder):
    array_folder.lines[3] += ",7"
    assert messages(array_folder.write())[0].startswith("images.csv: line 5 has 4 fields, the header 3.")


@pytest.fixture
def table(tmp_path):
    """table(change): twelve people of two groups with three scanpaths each, changed by change(rows); and its data section."""

    def made(change=lambda rows: rows, **settings):
        rng, rows = np.random.default_rng(0), []
        for who in range(12):
            for picture in range(3):
                for _ in range(4):
                    x, y = rng.uniform(0, 100, 2).round(2)
                    rows.append([f"p{who}", f"{picture}.jpg", x, y, rng.integers(80, 400), ("ASD", "TD")[who % 2]])
        lines = ["who,picture,x,y,ms,group", *(",".join(map(str, row)) for row in change(rows))]
        (tmp_path / "f.csv").write_text("\n".join(lines) + "\n")
        fixed = {"source": "fixation-table", "path": tmp_path / "f.csv", "columns": COLUMNS, "size": (100, 100)}
        return FixationTableData.model_validate({**fixed, "target": {"column": "group"}, **settings})

    return made


def regrouped(rows, **groups):
    return [[*row[:5], groups.get(row[0], row[5])] for row in rows]


def test_classes_that_are_words_for_nothing_are_counted_and_may_be_dropped(table):
    def change(rows):
        return regrouped(rows, p0="NA", p1="n/a", p3="NaN")

    assert messages(table(change)) == [
        "column 'group' names nothing for 9 of 36 scanpaths ('NA' 3, 'n/a' 3, 'NaN' 3), first p0/0.jpg; participant p0: all 3, "
        "p1: all 3, p3: all 3."
    ]
    dropping = table(change, missing="drop")
    recording = open_recording(dropping)
    assert recording.spec.classes == ("ASD", "TD") and len(recording.table) == 27
    assert source_of(dropping).remarks(dropping) == [
        "9 of 36 scanpaths have no 'group': left out ('NA' 3, 'n/a' 3, 'NaN' 3; participant p0: all 3, p1: all 3, p3: all 3)."
    ]


def test_classes_in_two_spellings_are_asked_about(table):
    def change(rows):
        return regrouped(rows, p0="asd", p1=" td")

    assert [one.split(": one, or")[0] for one in messages(table(change))] == [
        "f.csv: group 'ASD' (60 rows) and 'asd' (12 rows)",
        "f.csv: group 'TD' (60 rows) and 'td' (12 rows)",
    ]
    assert open_recording(table(change, spellings="same")).spec.classes == ("ASD", "TD")
    assert set(open_recording(table(change, spellings="apart")).spec.classes) == {"ASD", "TD", "asd", "td"}


def test_short_scanpaths_are_counted_by_person_and_class(table):
    data = table(lambda rows: [row for k, row in enumerate(rows) if not (row[0] == "p3" and k % 4 > 1)])
    assert source_of(data).remarks(data) == [
        "3 of 36 scanpaths have fewer than 3 fixations: left out (participant p3: all 3; group TD: 3 of 18)."
    ]


def test_a_person_of_an_unknown_class_may_still_be_predicted(table):
    with pytest.raises(InputError, match="names nothing"):
        open_recording(table(lambda rows: regrouped(rows, p0="NA")))
