"""Any table with a mapping: units, origin, order, names, and the files it may come in."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.scanpaths import scanpaths_of
from xgaze.data.fixations.table import FixationTable
from xgaze.errors import InputError


def one_person(write, header, rows, size=(800, 600), **columns):
    """The fixations of participant 1 on one stimulus."""
    path = write("\n".join([f"who,{header}", *(f"1,{row}" for row in rows)]) + "\n")
    mapping = FixationColumns(participant="who", **columns)
    return read_fixations(path, FixationFormat(columns=mapping, size=size)).rows


def test_rows_are_sorted_by_scanpath_and_number(table, settings):
    read = read_fixations(table, settings)
    assert read.rows["scanpath"].tolist() == ["1/a.jpg"] * 3 + ["1/b.jpg"] * 3 + ["NB/a.jpg"] * 3
    assert read.rows["order"].tolist() == [0, 1, 2] * 3
    assert read.rows["x_px"].tolist() == [10, 30.5, 800, 1, 3, 7, 0, 5, 6]
    assert read.rows["duration_ms"].tolist() == [100, 200, 300, 10, 20, 30, 110, 120, 130]
    assert read.size == (800, 600)


def test_people_are_text_and_labels_keep_their_names(table, settings):
    rows = read_fixations(table, settings).rows
    assert set(rows["participant"]) == {"1", "NB"} and set(rows["mood"]) == {"calm", "tense"}
    assert list(rows.columns) == [
        *("scanpath", "participant", "stimulus", "order", "x_px", "y_px", "duration_ms"),
        "mood",
    ]


def test_only_the_labels_asked_for_are_kept(table, settings):
    assert "mood" not in read_fixations(table, settings.model_copy(update={"labels": []})).rows
    with pytest.raises(InputError, match=r"column 'mod' is missing; did you mean 'mood'\?"):
        read_fixations(table, settings.model_copy(update={"labels": ["mod"]}))


def test_scanpaths_hold_points_and_durations(table, settings):
    first, second, third = scanpaths_of(read_fixations(table, settings))
    assert (first.id, first.participant, first.stimulus) == ("1/a.jpg", "1", "a.jpg")
    np.testing.assert_array_equal(second.xy_px, [[1, 2], [3, 4], [7, 8]])
    np.testing.assert_array_equal(third.duration_ms, [110, 120, 130])
    assert first.xy_px.dtype == first.duration_ms.dtype == np.float64


def test_no_rows_are_no_scanpaths():
    empty = pd.DataFrame(columns=["scanpath", "participant", "stimulus", "order", "x_px", "y_px", "duration_ms"])
    assert scanpaths_of(FixationTable(empty, (8, 6), {})) == []
    with pytest.raises(InputError, match="missing: duration_ms"):
        FixationTable(empty.drop(columns="duration_ms"), (8, 6), {})


@pytest.mark.parametrize("unit, factor", [("s", 1000), ("ms", 1), ("us", 0.001), ("ns", 0.000001)])
def test_durations_become_ms(write, unit, factor):
    columns = {"x": "x", "y": "y", "duration": "d", "duration_unit": unit}
    rows = one_person(write, "x,y,d", ["1,1,2", "2,2,4", "3,3,8"], **columns)
    np.testing.assert_allclose(rows["duration_ms"], np.array([2, 4, 8]) * factor, rtol=1e-15)


def test_start_and_end_stand_for_a_duration_and_an_order(write):
    columns = {"x": "x", "y": "y", "start": "from", "end": "to", "timestamp_unit": "s"}
    rows = one_person(write, "x,y,from,to", ["3,3,2.5,2.75", "1,1,0.5,0.625", "2,2,1.5,2"], **columns)
    assert rows["x_px"].tolist() == [1, 2, 3]
    assert rows["duration_ms"].tolist() == [125, 500, 250]
    assert rows["onset_ms"].tolist() == [500, 1500, 2500]


def test_fractions_from_the_bottom_left_become_px_from_the_top_left(write):
    columns = {"x": "x", "y": "y", "duration": "d", "coordinates": "fraction", "origin": "bottom-left"}
    rows = one_person(write, "x,y,d", ["0,0,1", "0.25,0.75,1", "1,1,1"], **columns)
    assert rows["x_px"].tolist() == [0, 200, 800]
    assert rows["y_px"].tolist() == [600, 150, 0]


def test_degrees_are_counted_from_the_middle(write):
    columns = {"x": "x", "y": "y", "duration": "d", "coordinates": "degrees"}
    rows = ["0,0,1", "-5,2,1", "10,-7.5,1"]
    down = one_person(write, "x,y,d", rows, **columns, pixels_per_degree=40)
    assert down["x_px"].tolist() == [400, 200, 800] and down["y_px"].tolist() == [300, 380, 0]
    up = one_person(write, "x,y,d", rows, **columns, pixels_per_degree=40, origin="bottom-left")
    assert up["y_px"].tolist() == [300, 220, 600]
    with pytest.raises(InputError, match="pixels_per_degree"):
        one_person(write, "x,y,d", rows, **columns)


def test_the_units_of_the_source_are_kept(table, settings):
    units = read_fixations(table, settings).source_units
    assert units == {"x": "px", "y": "px", "origin": "top-left", "duration": "ms"}


def test_trials_tell_viewings_apart(write):
    rows = one_person(
        write, "x,y,d,block", [f"{k},{k},9,{block}" for block in (1, 2) for k in range(3)], x="x", y="y", duration="d",
        trial="block", stimulus="block",
    )  # fmt: skip
    assert rows["scanpath"].unique().tolist() == ["1/1/1", "1/2/2"]


@pytest.mark.parametrize("encoding, separator", [("utf-8-sig", ";"), ("utf-16", "\t")])
def test_spreadsheet_exports_with_decimal_commas(write, encoding, separator):
    rows = ["who|x|y|d", "1|1,5|2|3,25", "1|2,5|2|3", "1|3,5|2|3"]
    path = write("\n".join(rows).replace("|", separator), encoding=encoding)
    columns = FixationColumns(participant="who", x="x", y="y", duration="d")
    read = read_fixations(path, FixationFormat(columns=columns, size=(10, 10)))
    assert read.rows["x_px"].tolist() == [1.5, 2.5, 3.5] and read.rows["duration_ms"].tolist() == [3.25, 3, 3]


def test_gzipped_and_parquet_tables_read_as_the_plain_one(table, settings, tmp_path):
    plain = read_fixations(table, settings).rows
    zipped = tmp_path / "fixations.csv.gz"
    zipped.write_bytes(gzip.compress(table.read_bytes()))
    pd.testing.assert_frame_equal(read_fixations(zipped, settings).rows, plain)
    parquet = tmp_path / "fixations.parquet"
    pd.read_csv(table, keep_default_na=False).to_parquet(parquet)
    assert read_fixations(parquet, settings).rows.drop(columns="mood").equals(plain.drop(columns="mood"))


def test_parquet_without_its_library_says_what_to_install(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "fixations.parquet").touch()
    with pytest.raises(InputError, match="parquet files need pyarrow"):
        read_fixations(tmp_path / "fixations.parquet", settings)


def test_whole_numbers_stored_as_decimals_are_names_without_a_point(settings, tmp_path):
    stored = pd.DataFrame(
        {"subject": [1.0, 1.0, 1.0], "image": [7.0, 7.0, 7.0], "nr": range(3), "x": 1.0, "y": 2.0, "ms": 3}
    )
    stored.to_parquet(tmp_path / "fixations.parquet")
    assert set(read_fixations(tmp_path / "fixations.parquet", settings).rows["scanpath"]) == {"1/7"}


def test_a_layout_tells_participant_and_stimulus(write, tmp_path):
    for person in ("1", "11"):
        for picture in ("a", "b"):
            write("x,y,d\n1,1,1\n2,2,2\n3,3,3\n", f"{person}/{picture}.csv")
    columns = FixationColumns(x="x", y="y", duration="d")
    settings = FixationFormat(columns=columns, size=(10, 10), layout="{participant}/{stimulus}.csv")
    rows = read_fixations(tmp_path, settings).rows
    assert rows["scanpath"].unique().tolist() == ["1/a", "1/b", "11/a", "11/b"]
    alone = read_fixations(tmp_path / "11" / "b.csv", settings).rows
    assert alone["scanpath"].unique().tolist() == ["11/b"]


def test_folders_need_a_layout_that_fits(tmp_path, settings):
    with pytest.raises(InputError, match="is a folder; say with `layout`"):
        read_fixations(tmp_path, settings)
    with pytest.raises(InputError, match=r"no file fits the layout \{participant\}\.csv"):
        read_fixations(tmp_path, settings.model_copy(update={"layout": "{participant}.csv"}))
    with pytest.raises(InputError, match="no such file"):
        read_fixations(tmp_path / "nothing.csv", settings)


def test_a_layout_starts_in_the_folder(tmp_path):
    settings = FixationFormat(columns={"x": "x", "y": "y", "duration": "d"}, size=(10, 10), layout="/{participant}.csv")
    with pytest.raises(InputError, match=r"layout /\{participant\}\.csv is no place in it; leave the first / out"):
        read_fixations(tmp_path, settings)


def test_layouts_name_known_parts_once():
    for wrong in ("{person}.csv", "{trial}/{trial}.csv"):
        with pytest.raises(ValueError, match=r"may name \{participant\}, \{stimulus\} and \{trial\}, each once"):
            FixationFormat(layout=wrong)


def test_text_among_the_numbers_is_quoted(write, settings, table):
    path = write(table.read_text().replace("30.5", "left"))
    with pytest.raises(InputError, match=r"column 'x': 'left' in row 2 is not a number; 1 such cells"):
        read_fixations(path, settings)


def test_a_mapping_to_an_absent_column_names_the_nearest(table, settings):
    columns = settings.columns.model_copy(update={"participant": "subjct"})
    with pytest.raises(InputError, match="column 'subjct' is missing; did you mean 'subject'"):
        read_fixations(table, settings.model_copy(update={"columns": columns}))


def test_a_table_that_does_not_say_its_size(table, settings):
    with pytest.raises(InputError, match=r"set size: \[width, height\] in px"):
        read_fixations(table, settings.model_copy(update={"size": None}))


def test_columns_with_names_of_our_own_do_not_collide(write):
    rows = one_person(write, "x,y,d,order", ["1,1,1,p", "2,2,2,q", "3,3,3,r"], x="x", y="y", duration="d")
    assert rows["source_order"].tolist() == ["p", "q", "r"] and rows["order"].tolist() == [0, 1, 2]
