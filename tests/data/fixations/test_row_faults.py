"""Each fault is provoked by damaging a good table in exactly that way; all are told at once."""

import pytest

from xgaze.data.fault_kinds import KINDS
from xgaze.data.fixations.loading import check_fixations, read_fixations
from xgaze.errors import InputError


@pytest.fixture
def damaged(table, settings):
    """damaged(old, new): the faults of the table with one text replaced, and its path."""

    def faults(old, new, **changed):
        table.write_text(table.read_text().replace(old, new))
        return check_fixations(table, settings.model_copy(update=changed))

    return faults


def test_a_good_table_has_no_fault(table, settings):
    assert check_fixations(table, settings) == []


def test_scanpaths_of_fewer_than_three_fixations_are_left_out_and_counted(table, settings):
    read = read_fixations(table, settings)
    assert "NB/b.jpg" not in set(read.rows["scanpath"])
    assert read.notes == ("1 of 4 scanpaths have fewer than 3 fixations: left out (participant NB: 1 of 2).",)


def test_the_minimum_cannot_be_lowered(settings):
    with pytest.raises(ValueError, match="greater than or equal to 3"):
        settings.model_validate({"min_fixations": 2})


def test_nothing_but_short_scanpaths_is_refused(damaged, table, settings):
    (fault,) = damaged("", "", min_fixations=4)
    assert fault.kind == "too few fixations"
    assert fault.message == (
        "no scanpath can be used. 4 of 4 scanpaths have fewer than 4 fixations: left out (participant 1: all 2, NB: all 2)."
    )
    with pytest.raises(InputError, match="no scanpath can be used"):
        read_fixations(table, settings.model_copy(update={"min_fixations": 4}))


def test_points_outside_the_stimulus_are_counted_by_participant(damaged):
    faults = damaged("800,600,300", "800.5,600,300")
    assert [fault.message for fault in faults] == [
        "participant 1: 1 of 6 fixations lie outside the stimulus 800x600 px."
    ]
    assert faults[0].kind == "fixation outside the stimulus"


@pytest.mark.parametrize("duration", ["0", "-5"])
def test_durations_of_zero_or_less(damaged, duration):
    (fault,) = damaged("5,5,120", f"5,5,{duration}")
    assert fault.kind == "duration not above zero"
    assert fault.message == "participant NB: 1 of 4 fixations last zero ms or less."


@pytest.mark.parametrize("cells", ["nan,40,200", "30.5,,200", "30.5,40,", "inf,40,200"])
def test_missing_values_are_one_fault_only(damaged, cells):
    (fault,) = damaged("30.5,40,200", cells)
    assert (fault.kind, fault.message) == (
        "missing fixation",
        "participant 1: 1 of 6 fixations lack a coordinate or a duration.",
    )


def test_duplicated_rows(damaged):
    (fault,) = damaged("1,a.jpg,1,30.5,40,200,calm", "1,a.jpg,0,10,20,100,calm")
    assert fault.kind == "duplicated fixations"
    assert fault.message == "participant 1: 1 of 6 fixations repeat another row exactly."


def test_two_viewings_that_look_like_one(damaged):
    (fault,) = damaged("1,b.jpg", "1,a.jpg")
    assert fault.message == "1 scanpath has two fixations of the same number, first 1/a.jpg, number 2."


def test_a_table_that_does_not_say_who_looked(table, settings):
    columns = settings.columns.model_copy(update={"participant": None, "order": None})
    (fault,) = check_fixations(table, settings.model_copy(update={"columns": columns}))
    assert fault.kind == "no participants"
    assert fault.message == (
        "cannot show that splits are by person: set groups, or split.by: sample; the report will say so"
    )
    read = read_fixations(table, settings.model_copy(update={"columns": columns, "participants": "optional"}))
    assert read.rows["scanpath"].unique().tolist() == ["unknown/a.jpg", "unknown/b.jpg"]
    assert read.notes == ("10 of 10 fixations have no participant: cannot show that splits are by person.",)


def test_rows_without_participant(damaged):
    faults = damaged("NB,", ",")
    assert [fault.message for fault in faults] == ["4 of 10 fixations have no participant."]


def test_all_faults_are_told_at_once(table, settings):
    text = table.read_text().replace("10,20,100", "-1,20,100").replace("5,5,120", "5,5,0").replace("6,6,130", ",6,130")
    table.write_text(text)
    with pytest.raises(InputError) as raised:
        read_fixations(table, settings)
    message = str(raised.value)
    assert message.startswith(f"{table}: 3 faults:\n")
    for words in ("lie outside", "last zero ms or less", "lack a coordinate", "outside: drop", "durations: drop"):
        assert words in message
    kinds = [fault.kind for fault in check_fixations(table, settings)]
    assert kinds == sorted(kinds, key=KINDS.index)


def test_what_is_dropped_is_counted_in_words(table, settings):
    table.write_text(table.read_text().replace("10,20,100", "-1,20,100").replace("5,5,120", "5,5,0"))
    dropping = settings.model_copy(update={"outside": "drop", "durations": "drop"})
    read = read_fixations(table, dropping)
    assert read.rows["scanpath"].tolist() == ["1/b.jpg"] * 3
    assert read.notes == (
        "1 of 10 fixations lie outside the stimulus 800x600 px: left out (participant 1: 1 of 6).",
        "1 of 10 fixations last zero ms or less: left out (participant NB: 1 of 4).",
        "3 of 4 scanpaths have fewer than 3 fixations: left out (participant 1: 1 of 2, NB: all 2).",
    )


def test_dropped_duplicates_leave_one(table, settings):
    table.write_text(table.read_text() + "1,a.jpg,2,800,600,300,calm\n")
    read = read_fixations(table, settings.model_copy(update={"duplicates": "drop"}))
    assert (read.rows["scanpath"] == "1/a.jpg").sum() == 3
    assert read.rows["order"].tolist() == [0, 1, 2] * 3


def test_a_table_of_headers_only(table, settings):
    table.write_text(table.read_text().splitlines()[0] + "\n")
    assert [fault.kind for fault in check_fixations(table, settings)] == ["too few fixations"]


def test_an_unreadable_table_is_a_fault_of_the_definition(tmp_path, settings):
    path = tmp_path / "empty.csv"
    path.touch()
    assert [fault.kind for fault in check_fixations(path, settings)] == ["definition"]
