"""Maps of all pictures of a fixation table: placed on the picture, at its size, and written whole."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xgaze.data.fixations.table import FixationTable
from xgaze.data.photographs.attention import BlankMap, Spread, attention_map, grey
from xgaze.data.photographs.heatmap_files import map_name, map_writer
from xgaze.data.photographs.heatmaps import Drawing, maps_of, pictures_of
from xgaze.errors import InputError

SPREAD = Spread(12, 60)


def table(viewings, size=(200, 150), **further):
    """viewings: (scanpath, stimulus, [(x, y, ms), ...])."""
    rows = [
        (scanpath, scanpath.split("/")[0], stimulus, order, float(x), float(y), float(ms))
        for scanpath, stimulus, fixations in viewings
        for order, (x, y, ms) in enumerate(fixations)
    ]
    columns = ["scanpath", "participant", "stimulus", "order", "x_px", "y_px", "duration_ms"]
    return FixationTable(pd.DataFrame(rows, columns=columns).assign(**further), size, {})


def test_all_viewings_of_a_picture_are_drawn_on_one_map():
    found = list(
        pictures_of(
            table(
                [
                    ("a/1", "1", [(20, 30, 200), (50, 60, 300)]),
                    ("b/1", "1", [(150, 99, 400)]),
                    ("b/2", "2", [(9, 9, 90)]),
                ]
            )
        )
    )
    assert [(one.stimulus, one.viewings, len(one.durations_ms), one.size) for one in found] == [
        ("1", 2, 3, (200, 150)),
        ("2", 1, 1, (200, 150)),
    ]
    (drawn,) = maps_of(found[0], Drawing(SPREAD))
    expected = attention_map([[20, 30], [50, 60], [150, 99]], [200, 300, 400], (200, 150), SPREAD)
    assert np.array_equal(drawn, grey(expected)) and drawn.shape == (150, 200)


def test_only_the_first_fixation_of_the_scanpaths_named_is_left_out():
    fixations = [(20, 30, 200), (50, 60, 300)]
    (found,) = pictures_of(table([("a/1", "1", fixations), ("b/1", "1", fixations)]), {"b/1"})
    assert found.durations_ms.tolist() == [200, 300, 300] and found.carried_over == 1


def test_a_picture_shown_in_a_box_of_the_display_is_cut_out_at_its_own_size():
    box = {"box_x_px": 60, "box_y_px": 20, "box_width_px": 100, "box_height_px": 80}
    seen = table([("a/1", "1", [(110, 60, 300)])], (300, 200), **box, image_width_px=50, image_height_px=40)
    (found,) = pictures_of(seen)
    assert (found.drawn, found.size, found.points_px.tolist()) == ((100, 80), (50, 40), [[50, 40]])
    (drawn,) = maps_of(found, Drawing(SPREAD))
    assert drawn.shape == (40, 50) and (drawn.min(), drawn.max()) == (0, 255)
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert abs(row - 20) <= 1 and abs(column - 25) <= 1


def test_pictures_keep_sizes_of_their_own():
    seen = table(
        [("a/1", "1", [(10, 10, 300)]), ("a/2", "2", [(10, 10, 300)])],
        stimulus_width_px=[120, 80],
        stimulus_height_px=[60, 90],
    )
    assert [maps_of(one, Drawing(SPREAD))[0].shape for one in pictures_of(seen)] == [(60, 120), (90, 80)]


def test_one_map_per_fixation_after_leaving_out_short_ones_and_merging():
    fixations = [(20, 30, 100), (60, 60, 400), (64, 60, 600), (150, 99, 500), (100, 20, 349)]
    (found,) = pictures_of(table([("a/1", "1", fixations)]))
    peaks = [
        np.unravel_index(one.argmax(), one.shape) for one in maps_of(found, Drawing.of_single_fixations(SPREAD, most=2))
    ]
    assert peaks == [(60, 62), (99, 150)]
    assert len(maps_of(found, Drawing.of_single_fixations(SPREAD, shortest_ms=349))) == 4
    assert len(maps_of(found, Drawing.of_single_fixations(SPREAD, shortest_ms=0))) == 5


def test_the_shortest_duration_is_heard_on_joint_maps_too():
    (found,) = pictures_of(table([("a/1", "1", [(20, 30, 100), (150, 99, 500)])]))
    (drawn,) = maps_of(found, Drawing(SPREAD, shortest_ms=300))
    assert drawn[30, 20] == 0 and drawn[99, 150] == 255


@pytest.mark.parametrize("drawing", [Drawing(SPREAD, shortest_ms=500), Drawing.of_single_fixations(SPREAD)])
def test_a_picture_without_a_fixation_that_counts_is_refused_by_name(drawing):
    (found,) = pictures_of(table([("a/bird", "bird", [(20, 30, 100)])]))
    with pytest.raises(BlankMap, match="bird: a blank"):
        maps_of(found, drawing)


@pytest.mark.parametrize("kind", ["png", "npz", "jpg"])
def test_maps_come_back_from_their_files(kind, tmp_path):
    values = grey(attention_map([[60, 30]], [200], (100, 80), SPREAD))
    with map_writer(tmp_path, kind) as write:
        named = [write("1", values), write("birds/2", values)]
    if kind == "npz":
        with np.load(tmp_path / "heatmaps.npz", allow_pickle=False) as stored:
            assert sorted(stored.files) == ["1", "birds/2"] and np.array_equal(stored["birds/2"], values)
        assert named == ["heatmaps.npz:1", "heatmaps.npz:birds/2"]
    else:
        back = np.asarray(Image.open(tmp_path / f"birds/2.{kind}"))
        assert named == [f"1.{kind}", f"birds/2.{kind}"] and back.dtype == np.uint8 and back.shape == (80, 100)
        assert np.abs(back.astype(int) - values).max() <= (0 if kind == "png" else 3)


def test_names_of_pictures_lose_their_suffix_and_stay_in_the_folder():
    assert [map_name(one) for one in ("1001.jpg", "birds/7.PNG", "text 1.5")] == ["1001", "birds/7", "text 1.5"]
    for bad in ("../x.png", "/etc/x", "a\\b", ""):
        with pytest.raises(InputError, match="cannot be the name of a file"):
            map_name(bad)
