"""Two recordings in one Tobii export are never merged, whatever columns were left out."""

import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.errors import InputError

HEADER = (
    "Recording timestamp [ms]\t{names}Presented Stimulus name\tEye movement type\tGaze event duration [ms]\t"
    "Eye movement type index\tFixation point X [MCS px]\tFixation point Y [MCS px]"
)
SETTINGS = FixationFormat(size=(800, 600), participants="optional")


def export(names, people, start=0):
    """Two samples of each of three fixations for each of `people`; names: their columns, cells: people's."""
    lines = [HEADER.format(names="".join(f"{one}\t" for one in names))]
    for k, cells in enumerate(people):
        for index in (1, 2, 3):
            for sample in (0, 1):
                at, ms = start * k + 100 * index + 10 * sample, 50 + 10 * index + k
                told = "".join(f"{one}\t" for one in cells)
                lines.append(f"{at}\t{told}sea\tFixation\t{ms}\t{index}\t{10 * index + k}\t5")
    return "\n".join(lines) + "\n"


def refusal(path, settings=SETTINGS):
    with pytest.raises(InputError) as caught:
        read_fixations(path, settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("names", "people", "whom"),
    [
        ([], [(), ()], ""),
        (["Participant name"], [("ann",), ("ann",)], " of ann"),
        (["Recording name"], [("rec1",), ("rec1",)], " of rec1"),
    ],
)
def test_time_that_starts_anew_is_another_recording(write, names, people, whom):
    message = refusal(write(export(names, people), "t.tsv"))
    assert f"'Recording timestamp [ms]'{whom} starts anew in row 7: 2 recordings as one. Export" in message
    assert "columns: {participant: ..., trial: ...}" in message


@pytest.mark.parametrize("start", [0, 10_000])
def test_an_index_of_two_fixations_is_another_recording_even_if_time_goes_on(write, start):
    both = export(["Participant name", "Recording name"], [("ann", "r"), ("ann", "r")], start)
    assert "3 of 3 fixation indices belong to several fixations, first ann/r/1: several recordings" in refusal(
        write(both, "t.tsv")
    )
    assert "'Eye movement type index' starts anew in row 7" in refusal(write(export([], [(), ()], 10_000), "t.tsv"))


def test_the_remedies_work(write):
    names = ["Participant name", "Recording name"]
    whole = read_fixations(write(export(names, [("ann", "r1"), ("bob", "r1")]), "t.tsv"), SETTINGS)
    assert whole.rows["scanpath"].unique().tolist() == ["ann/sea/r1", "bob/sea/r1"]
    assert whole.rows["x_px"].tolist() == [10, 20, 30, 11, 21, 31]
    columns = FixationColumns(participant="Code", trial="Take")
    own = write(export(["Code", "Take"], [("ann", "1"), ("ann", "2")]), "t.tsv")
    named = read_fixations(own, SETTINGS.model_copy(update={"columns": columns}))
    assert named.rows["scanpath"].unique().tolist() == ["ann/sea/1", "ann/sea/2"] and len(named.rows) == 6


def test_samples_without_an_index_are_not_taken_for_one_fixation(write):
    text = export([], [()]).replace("\t60\t1\t", "\t60\t\t")
    assert "2 of 6 samples of fixations have no 'Eye movement type index'" in refusal(write(text, "t.tsv"))


def test_one_recording_needs_no_names(write):
    assert len(read_fixations(write(export([], [()]), "t.tsv"), SETTINGS).rows) == 3
