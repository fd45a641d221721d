"""Exports of Pupil Core's surfaces and of Gazepoint, with a row per frame or sample, are recognised: one row per fixation."""

import numpy as np
import pytest

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.errors import InputError

SETTINGS = FixationFormat(size=(1000, 500), participants="optional")


def surface(off=()):
    """Five fixations of 2, 3, 2, 3, 2 frames; `off`: (fixation, frame) that do not lie on the surface."""
    lines = [
        "world_timestamp,world_index,fixation_id,start_timestamp,duration,dispersion,norm_pos_x,norm_pos_y,on_surf"
    ]
    for k in range(5):
        for frame in range(2 + k % 2):
            on = (k, frame) not in off
            lines.append(
                f"{10 + k + frame / 30},{frame},{k + 1},{10 + k},{200 + k}.5,1.0,{0.1 * k + 0.01 * frame},0.25,{on}"
            )
    return "\n".join(lines) + "\n"


def test_a_surface_export_is_read_by_fixation(write):
    read = read_fixations(write(surface(), "fixations_on_surface_Screen.csv"), SETTINGS)
    np.testing.assert_allclose(read.rows["x_px"], [0, 100, 200, 300, 400])
    assert read.rows["y_px"].tolist() == [375] * 5
    assert read.rows["duration_ms"].tolist() == [200.5, 201.5, 202.5, 203.5, 204.5]
    assert read.rows["onset_ms"].tolist() == [10_000, 11_000, 12_000, 13_000, 14_000]
    assert "fixations_on_surface_Screen.csv: 12 rows, one per frame, are 5 fixations." in read.notes


def test_a_fixation_off_the_surface_is_left_out_and_one_that_moves_onto_it_is_kept(write):
    read = read_fixations(write(surface({(0, 0), (2, 0), (2, 1)}), "s.csv"), SETTINGS)
    np.testing.assert_allclose(read.rows["x_px"], [10, 100, 300, 400])
    assert "s.csv: 1 of 5 fixations off the surface: left out." in read.notes


def samples(media=("sea", "hill"), invalid=()):
    """Of each picture four fixations of four samples; durations grow by 16 ms."""
    lines = ["MEDIA_ID,MEDIA_NAME,CNT,FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV,USER"]
    for m, name in enumerate(media):
        for k in range(4):
            for n in range(4):
                ok = int((m, k, n) not in invalid)
                lines.append(f"{m},{name},0,{0.1 * (k + 1)},0.5,{3 * m + 0.3 * k},{0.016 * (n + 1)},{k + 1},{ok},")
    return "\n".join(lines) + "\n"


def test_gaze_samples_are_read_by_fixation_with_their_whole_duration(write):
    read = read_fixations(write(samples(), "all_gaze.csv"), SETTINGS)
    assert read.rows["scanpath"].tolist() == ["unknown/hill"] * 4 + ["unknown/sea"] * 4
    np.testing.assert_allclose(read.rows["x_px"], [100, 200, 300, 400] * 2)
    np.testing.assert_allclose(read.rows["duration_ms"], [64.0] * 8)
    assert "all_gaze.csv: 32 rows are 8 fixations." in read.notes


def test_samples_that_are_not_valid_are_counted_by_picture(write):
    read = read_fixations(write(samples(invalid={(0, 1, 3), (1, 0, 0)}), "g.csv"), SETTINGS)
    np.testing.assert_allclose(read.rows["duration_ms"], [64, 64, 64, 64, 64, 48, 64, 64])
    assert "g.csv: 2 of 32 samples are not valid: left out (MEDIA_NAME sea: 1 of 16, hill: 1 of 16)." in read.notes


def test_two_people_in_one_export_are_not_merged(write):
    path = write(samples(("sea", "sea")), "g.csv")
    with pytest.raises(InputError, match="1 scanpath has two fixations of the same number"):
        read_fixations(path, SETTINGS)
