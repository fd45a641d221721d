"""`xgaze heatmaps` from every kind of fixation file to maps on disk."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from xgaze.cli.commands.heatmaps import heatmaps
from xgaze.cli.main import xgaze
from xgaze.errors import InputError


@pytest.fixture
def display_file(tmp_path):
    """id, original size, size on the display, corner of the box, then x, y, ms; the last fixation is the longest."""
    path = tmp_path / "Fixation.txt"
    path.write_text(
        "7,100,80,200,160,300,100,310,110,100,350,150,150,480,240,900\n8,50,50,100,100,0,0,10,10,120,90,90,700\n"
    )
    return path


@pytest.fixture
def run_files(tmp_path):
    """Picture 10 comes before 9: its first duration is the last of what was seen before, in the file's order."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "Fixation_run1.txt").write_text("10,200,150,20,20,250,60,60,333\n9,120,90,30,30,333,80,50,210\n")
    (folder / "Fixation_run2.txt").write_text("9,120,90,90,70,210,15,70,260\n10,200,150,150,99,261,20,120,333\n")
    return folder


def run(*arguments):
    done = CliRunner().invoke(heatmaps, [str(one) for one in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_a_command():
    assert "heatmaps" in CliRunner().invoke(xgaze, ["--help"]).output


def test_a_display_file_gives_one_map_per_picture_at_its_own_size(display_file, tmp_path):
    out = tmp_path / "maps"
    figures = json.loads(run(display_file, "--out", out, "--sigma-px", 12, "--json"))
    assert (figures["pictures"], figures["maps"], figures["blank"]) == (2, 2, [])
    drawn = np.asarray(Image.open(out / "7.png"))
    assert drawn.shape == (80, 100) and (drawn.min(), drawn.max()) == (0, 255)
    # The longest is the last: at (480 - 300, 240 - 100) of 200x160, on the picture's own 100x80.
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert abs(row - 70) <= 1 and abs(column - 90) <= 1
    table = pd.read_csv(out / "heatmaps.csv")
    assert table["fixations"].tolist() == [3, 2] and table["file"].tolist() == ["7.png", "8.png"]


def test_five_run_files_are_one_map_per_picture_and_carried_over_fixations_are_counted(run_files, tmp_path):
    options = ("--layout", "Fixation_run{participant}.txt", "--sigma-px", 8)
    kept = json.loads(run(run_files, "--out", tmp_path / "kept", *options, "--json"))
    assert (kept["viewings"], kept["maps"], kept["carried_over"]) == (4, 2, 1)
    assert pd.read_csv(tmp_path / "kept/heatmaps.csv")["fixations"].tolist() == [4, 4]
    dropped = json.loads(run(run_files, "--out", tmp_path / "dropped", *options, "--carry-over", "drop", "--json"))
    assert dropped["carried_over"] == 1
    table = pd.read_csv(tmp_path / "dropped/heatmaps.csv", dtype={"stimulus": str}).set_index("stimulus")
    assert table["fixations"].to_dict() == {"10": 4, "9": 3} and table["carried_over_dropped"].to_dict() == {
        "10": 0,
        "9": 1,
    }
    assert (
        np.asarray(Image.open(tmp_path / "dropped/9.png"))[30, 30]
        == 0
        != np.asarray(Image.open(tmp_path / "kept/9.png"))[30, 30]
    )
    assert "begin with a fixation carried over: left out." in run(
        run_files, "--out", tmp_path / "words", *options, "--carry-over", "drop"
    )


def write_table(tmp_path):
    path = tmp_path / "fixations.csv"
    path.write_text(
        "who,picture,fx,fy,ms\nann,1.jpg,0.2,0.4,200\nann,1.jpg,0.7,0.5,420\nbob,1.jpg,0.3,0.4,380\nbob,2.jpg,0.9,0.9,100\n"
    )
    return path


TABLE = [
    *("--size", "100", "80", "--sigma-deg", "0.5", "--px-per-degree", "10", "--column", "coordinates=fraction"),
    *(f"--column={one}" for one in ("participant=who", "stimulus=picture", "x=fx", "y=fy", "duration=ms")),
]


def test_any_table_is_read_through_a_mapping_with_a_width_in_degrees(tmp_path):
    run(write_table(tmp_path), "--out", tmp_path / "maps", *TABLE, "--format", "npz")
    with np.load(tmp_path / "maps/heatmaps.npz") as stored:
        assert sorted(stored.files) == ["1", "2"]
        assert stored["1"][40, 70] == 255
        assert stored["1"][40, 75] == pytest.approx(255 * np.exp(-0.5), abs=2)  # 5 px = half a degree beside it


def test_a_definition_is_read_as_well(tmp_path):
    write_table(tmp_path)
    definition = tmp_path / "looking.yaml"
    definition.write_text(
        "source: fixation-table\npath: fixations.csv\nformat: table\nsize: [100, 80]\ntarget: {column: participant}\n"
        "split: {by: stimulus}\n"
        "columns: {participant: who, stimulus: picture, x: fx, y: fy, duration: ms, coordinates: fraction}\n"
    )
    assert "Drew 2 maps of 2 pictures from 3 viewings." in run(definition, "--out", tmp_path / "maps")


def test_one_map_per_long_fixation(tmp_path):
    arguments = (write_table(tmp_path), *TABLE, "--one-per-fixation", "--blank", "skip")
    output = run(*arguments, "--out", tmp_path / "maps")
    assert sorted(one.name for one in (tmp_path / "maps").glob("*.png")) == ["1_1.png", "1_2.png"]
    assert "1 pictures have no map, it would be blank: 2.jpg." in output
    run(*arguments, "--out", tmp_path / "longer", "--shortest-ms", 400)
    assert sorted(one.name for one in (tmp_path / "longer").glob("*.png")) == ["1_1.png"]


def failing(*arguments):
    with pytest.raises(InputError) as caught:
        run(*arguments)
    return str(caught.value)


def test_blank_maps_are_refused_and_nothing_is_left_behind(tmp_path):
    out = tmp_path / "maps"
    message = failing(write_table(tmp_path), "--out", out, *TABLE, "--one-per-fixation")
    assert "1 of 2 pictures would have a blank map" in message and "'2.jpg'" in message and "--blank skip" in message
    assert sorted(one.name for one in tmp_path.iterdir()) == ["fixations.csv"]
    assert "2 of 2" in failing(write_table(tmp_path), "--out", out, *TABLE, "--shortest-ms", 9999, "--blank", "skip")


def test_pictures_whose_maps_would_overwrite_each_other_are_refused(tmp_path):
    path = write_table(tmp_path)
    path.write_text(path.read_text().replace("2.jpg", "1.png"))
    assert "several stimuli would be written as '1'" in failing(path, "--out", tmp_path / "maps", *TABLE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sigma-px", "5", "--sigma-deg", "1"], "not both"),
        (["--sigma-deg", "1"], "go together"),
        (["--sigma-px", "0"], "above 0 px"),
        (["--column", "z=fz"], "--column z=...: known are participant"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_words(options, message, tmp_path):
    assert message in failing(write_table(tmp_path), "--out", tmp_path / "maps", *options)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "mine.txt").write_text("x")
    assert "not empty" in failing(write_table(tmp_path), "--out", tmp_path / "maps", *TABLE)
