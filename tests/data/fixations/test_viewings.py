"""Ids of scanpaths, and people, stimuli and trials that cells name, misspell or leave out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgaze.data.fixations.fixation_format import FixationColumns
from xgaze.data.fixations.loading import check_fixations, read_fixations
from xgaze.data.fixations.viewings import scanpath_ids
from xgaze.errors import InputError

NAMES = st.text("a/%25F", max_size=4)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), unique=True))
def test_no_two_viewings_share_an_id(viewings):
    rows = pd.DataFrame(viewings, columns=["participant", "stimulus", "trial"], dtype=object)
    assert scanpath_ids(rows).nunique() == len(viewings)
    assert scanpath_ids(rows[["participant", "stimulus"]].drop_duplicates()).is_unique


def test_usual_names_are_left_as_they_are():
    rows = pd.DataFrame({"participant": ["a", "a/b", "50%"], "stimulus": ["b/c", "c", "x.jpg"]})
    assert scanpath_ids(rows).tolist() == ["a/b%2Fc", "a%2Fb/c", "50%/x.jpg"]


def test_persons_and_pictures_with_a_stroke_are_not_merged(table, settings):
    text = table.read_text().replace("1,a.jpg", "1,b/c").replace("NB,a.jpg", "1/b,c")
    table.write_text(text)
    rows = read_fixations(table, settings).rows
    assert rows["scanpath"].unique().tolist() == ["1%2Fb/c", "1/b%2Fc", "1/b.jpg"]
    assert rows.groupby("scanpath").size().tolist() == [3, 3, 3]


@pytest.mark.parametrize("word", ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "None", "-"])
@pytest.mark.parametrize("column", ["participant", "stimulus"])
def test_words_that_name_nobody_are_missing_counted_and_dropped_if_asked(table, settings, word, column):
    old, new = ("NB,a.jpg", f"{word},a.jpg") if column == "participant" else ("NB,a.jpg", f"NB,{word}")
    table.write_text(table.read_text().replace(old, new))
    (fault,) = check_fixations(table, settings)
    whose = "" if column == "participant" else "participant NB: "
    share = "3 of 10" if column == "participant" else "3 of 4"
    assert fault.message == f"{whose}{share} fixations have no {column}."
    read = read_fixations(table, settings.model_copy(update={"missing": "drop"}))
    assert set(read.rows["participant"]) == {"1"} and len(read.rows) == 6
    assert read.notes[0].startswith(f"3 of 10 fixations have no {column}: left out (participant ")


def test_people_of_a_parquet_table_may_be_null(settings, tmp_path):
    stored = pd.DataFrame({"subject": ["ann"] * 3 + [None, "NaN", np.nan], "image": "a", "nr": [0, 1, 2] * 2})
    stored.assign(x=range(6), y=range(6), ms=range(1, 7)).to_parquet(tmp_path / "f.parquet")
    (fault,) = check_fixations(tmp_path / "f.parquet", settings)
    assert fault.message == "3 of 6 fixations have no participant."


def test_a_trial_that_is_missing_is_not_a_viewing_of_its_own(table, settings):
    columns = settings.columns.model_copy(update={"trial": "mood"})
    table.write_text(table.read_text().replace("110,tense", "110,NA"))
    (fault,) = check_fixations(table, settings.model_copy(update={"columns": columns}))
    assert fault.message == "participant NB: 1 of 4 fixations have no trial."


@pytest.mark.parametrize("column", ["nr", "ms"])
def test_a_fixation_without_its_number_or_onset_is_not_sorted_last(table, settings, column):
    columns = FixationColumns(**settings.columns.model_dump() | {"order": None, "start": "ms"})
    own = settings if column == "nr" else settings.model_copy(update={"columns": columns, "missing": "refuse"})
    old, new = ("1,a.jpg,0,10", "1,a.jpg,NA,10") if column == "nr" else ("20,100,calm", "20,,calm")
    table.write_text(table.read_text().replace(old, new))
    messages = [fault.message for fault in check_fixations(table, own)]
    words = "have no number in their scanpath (order)" if column == "nr" else "have no onset (start)"
    assert f"participant 1: 1 of 6 fixations {words}." in messages
    kept = read_fixations(table, own.model_copy(update={"missing": "drop"}))
    assert "1/a.jpg" not in set(kept.rows["scanpath"])  # two fixations are left


def test_spellings_of_one_person_are_asked_about_and_the_answer_counts(table, settings):
    table.write_text(table.read_text().replace("1,b.jpg", "01,B.JPG"))
    faults = check_fixations(table, settings)
    assert [fault.message for fault in faults] == [
        "participants '01' (3 fixations) and '1' (3 fixations): one, or several? Set spellings: same, or spellings: apart.",
        "stimuli 'B.JPG' (3 fixations) and 'b.jpg' (1 fixations): one, or several? Set spellings: same, or spellings: apart.",
    ]
    with pytest.raises(InputError, match="names alike"):
        read_fixations(table, settings)
    apart = read_fixations(table, settings.model_copy(update={"spellings": "apart"}))
    assert set(apart.rows["participant"]) == {"01", "1", "NB"}
    same = read_fixations(table, settings.model_copy(update={"spellings": "same"}))
    assert set(same.rows["participant"]) == {"01", "NB"} and same.notes[0] == "participants: '1' taken for '01'."
    assert "01/B.JPG" in set(same.rows["scanpath"]) and same.notes[1] == "stimuli: 'b.jpg' taken for 'B.JPG'."


def test_files_that_nearly_fit_the_layout_and_people_without_any_are_said(write, tmp_path, settings):
    columns = FixationColumns(x="x", y="y", duration="d")
    for name in ("ann/fix.csv", "bob/fix.csv", "ann/FIX.CSV.gz", "ann/other.csv", "eve/gaze.csv"):
        write("x,y,d\n1,1,1\n2,2,2\n3,3,3\n", name)
    own = settings.model_copy(update={"columns": columns, "layout": "{participant}/fix.csv"})
    notes = read_fixations(tmp_path, own).notes
    assert "1 files beside fit the layout but for case or ending: left out (ann/FIX.CSV.gz)." in notes
    assert "1 folders hold no file of the layout (eve)." in notes


def test_a_folder_that_is_a_word_for_nothing_is_nobody(write, tmp_path, settings):
    for name in ("ann", "NaN"):
        write("x,y,d\n1,1,1\n2,2,2\n3,3,3\n", f"{name}.csv")
    own = settings.model_copy(
        update={"columns": FixationColumns(x="x", y="y", duration="d"), "layout": "{participant}.csv"}
    )
    assert [fault.message for fault in check_fixations(tmp_path, own)] == ["3 of 6 fixations have no participant."]


def test_a_link_to_nowhere_that_fits_the_layout_is_no_missing_person(write, tmp_path, settings):
    write("x,y,d\n1,1,1\n2,2,2\n3,3,3\n", "ann.csv")
    (tmp_path / "bob.csv").symlink_to(tmp_path / "nowhere.csv")
    own = settings.model_copy(
        update={"columns": FixationColumns(x="x", y="y", duration="d"), "layout": "{participant}.csv"}
    )
    with pytest.raises(InputError, match=r"1 of 2 names that fit the layout are no files.*: bob\.csv"):
        read_fixations(tmp_path, own)
