"""Long measurements: chunks on disk, read and not measured again."""

import io

import numpy as np
import pytest

from xgaze.explanation.test_set.chunks import measured_table


class Measure:
    """Figures of a row: twice the row, and a third one for even rows only. Counts, and stops at a given row."""

    def __init__(self, stop=None):
        self.measured, self.stop = [], stop

    def __call__(self, row):
        if row == self.stop:
            raise KeyboardInterrupt
        self.measured.append(row)
        return {"twice/teacher": 2.0 * row} | ({"even": 1.0} if row % 2 == 0 else {})


def test_one_line_per_row_in_order_with_gaps_for_what_a_sample_lacks(tmp_path):
    table = measured_table(tmp_path / "key", [5, 2, 9], Measure(), chunk=2)
    assert table.index.tolist() == [5, 2, 9] and table["twice/teacher"].tolist() == [10, 4, 18]
    assert np.isnan(table["even"]).tolist() == [True, False, True]


def test_a_killed_run_goes_on_after_its_last_finished_chunk(tmp_path):
    rows = list(range(20, 30))
    with pytest.raises(KeyboardInterrupt):
        measured_table(tmp_path / "key", rows, Measure(stop=25), chunk=4)
    assert [p.name for p in (tmp_path / "key").iterdir()] == ["chunk-00000.npz"]
    second, told = Measure(), []
    table = measured_table(tmp_path / "key", rows, second, lambda done, total: told.append((done, total)), chunk=4)
    assert second.measured == rows[4:]
    assert table["twice/teacher"].tolist() == [2 * row for row in rows]
    assert told[0] == (4, 10) and told[-1] == (10, 10)
    third = Measure()
    assert measured_table(tmp_path / "key", rows, third, chunk=4).equals(table) and third.measured == []


def test_more_samples_go_on_from_fewer(tmp_path):
    measured_table(tmp_path / "key", range(8), Measure(), chunk=4)
    more = Measure()
    assert len(measured_table(tmp_path / "key", range(11), more, chunk=4)) == 11 and more.measured == [8, 9, 10]


def test_other_rows_a_damaged_chunk_and_another_key_are_measured_again(tmp_path):
    measured_table(tmp_path / "key", range(4), Measure(), chunk=4)
    other = Measure()
    measured_table(tmp_path / "key", range(4, 8), other, chunk=4)
    assert other.measured == [4, 5, 6, 7]
    (tmp_path / "key" / "chunk-00000.npz").write_bytes(b"PK\x03\x04 half a file")
    repaired = Measure()
    assert measured_table(tmp_path / "key", range(4), repaired, chunk=4)["twice/teacher"].tolist() == [0, 2, 4, 6]
    fresh = Measure()
    measured_table(tmp_path / "new", range(4), fresh, chunk=4)
    assert fresh.measured == [0, 1, 2, 3] and [p.name for p in tmp_path.iterdir()] == ["new"]


def archive(content):
    """A whole archive of other arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    return buffer.getvalue()


ROWS = {"rows": np.arange(4), "names": np.array(["a"])}
DAMAGES = {
    "emptied": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "a byte": lambda whole: whole[:99] + bytes([whole[99] ^ 255]) + whole[100:],
    "nothing in it": lambda whole: archive({}),
    "fewer rows": lambda whole: archive({"figures": np.zeros((3, 1)), **ROWS}),
    "words": lambda whole: archive({"figures": np.full((4, 1), "x"), **ROWS}),
    "objects": lambda whole: archive({"figures": np.array([[{}]] * 4), **ROWS}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_chunk_that_was_damaged_is_measured_again(tmp_path, damage):
    whole = measured_table(tmp_path / "key", range(4), Measure())
    file, repaired = tmp_path / "key" / "chunk-00000.npz", Measure()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    again = measured_table(tmp_path / "key", range(4), repaired)
    assert repaired.measured == [0, 1, 2, 3] and again.equals(whole)


def test_chunks_are_no_pickles(tmp_path):
    measured_table(tmp_path / "key", range(3), Measure())
    with np.load(tmp_path / "key" / "chunk-00000.npz", allow_pickle=False) as stored:
        assert {name: stored[name].dtype.kind for name in stored.files} == {"figures": "f", "rows": "i", "names": "U"}
