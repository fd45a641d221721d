"""Reading what was once written: whole and of the right types, or one message with the file and the remedy."""

import numpy as np
import pytest

from xgaze.errors import InputError
from xgaze.stored import Stored, read_array, read_arrays, read_json, read_mapping, read_table, require, understood


class Told(Stored):
    name: str
    parts: list[float]
    count: int | None = None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not readable as JSON"),
        ('{"name": "a", "par', "not readable as JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"name": NaN}', "NaN is no number"),
        ('{"a": ' + "9" * 5000 + "}", "not readable as JSON"),
        ("null", "Input should be an object"),
        ("[]", "Input should be an object"),
        ("{}", r"key 'name': missing; key 'parts': missing\. Do it again"),
        ('{"name": 5, "parts": [1]}', "key 'name': Input should be a valid string"),
        ('{"name": "a", "parts": [1, "2"]}', r"key 'parts\.1': Input should be a valid number"),
        ('{"name": "a", "parts": [1], "count": true}', "key 'count'"),
        ('{"name": "a", "parts": [1e999]}', r"key 'parts\.0'"),
    ],
)
def test_damaged_mappings_are_named(tmp_path, text, message):
    path = tmp_path / "told.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"told\.json: .*{message}"):
        read_mapping(path, Told, "Do it again.")


def test_what_is_whole_comes_back_as_it_is_with_all_its_keys(tmp_path):
    path = tmp_path / "told.json"
    path.write_text('{"name": "a", "parts": [1, 2.5], "later": {"x": null}}')
    assert read_mapping(path, Told, "") == {"name": "a", "parts": [1, 2.5], "later": {"x": None}}
    require({"name": "a", "parts": (1.0, 2.0)}, Told, path)  # tuples of memory are lists in the file


def test_what_is_not_there_or_is_a_folder_is_said(tmp_path):
    for read in (read_json, lambda path, remedy: read_table(path, [], remedy), read_array, read_arrays):
        with pytest.raises(InputError, match=r"nowhere: no such file\. Do it again"):
            read(tmp_path / "nowhere", "Do it again.")
        with pytest.raises(InputError, match="Do it again"):
            read(tmp_path, "Do it again.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as a table"),
        (b"\xff\xfe\x00", "not readable as a table"),
        (b"a,b\n1,2\n1,2,3,4\n", "not readable as a table"),
        (b"a\n1\n", "column 'b' is missing"),
        (b"a,b\n1,x\n", "column 'b' holds what is no number"),
        (b"a,b\n1,inf\n", "column 'b' holds what is no number"),
    ],
)
def test_damaged_tables_are_named(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"table\.csv: .*{message}.* Do it again"):
        read_table(path, ["a", "b"], "Do it again.")


def test_people_named_by_numbers_or_na_stay_as_they_are(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,participant,a\n1,007,1.5\n2,NA,\n")
    table = read_table(path, ["a"], "")
    assert table["participant"].tolist() == ["007", "NA"] and np.isnan(table["a"].iloc[1])


def test_arrays_of_objects_and_cut_ones_are_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, a=np.arange(1000), b=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"arrays\.npz: damaged"):
        read_arrays(path, "")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"arrays\.npz: damaged"):
        read_arrays(path, "")
    np.save(tmp_path / "one.npy", np.arange(3))
    assert read_array(tmp_path / "one.npy", "").tolist() == [0, 1, 2]
    (tmp_path / "one.npy").write_bytes((tmp_path / "one.npy").read_bytes()[:-1])
    with pytest.raises(InputError, match=r"one\.npy: damaged"):
        read_array(tmp_path / "one.npy", "")


def test_what_makes_no_sense_while_told_is_a_fault_of_the_files(tmp_path):
    with (
        pytest.raises(InputError, match=r"damaged, edited or of another version \(KeyError: 'x'\)\. Do it again"),
        understood(tmp_path, "Do it again."),
    ):
        {}["x"]
    for passed in (InputError("own"), OSError("disk")):
        with pytest.raises(type(passed), match=str(passed)), understood(tmp_path, ""):
            raise passed
