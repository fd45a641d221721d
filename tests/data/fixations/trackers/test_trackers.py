"""Exports of trackers, as their software writes them, are recognised and read without a mapping."""

import numpy as np
import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.trackers.detect import format_of, readers
from xgaze.errors import InputError

PUPIL = (
    "id,start_timestamp,duration,start_frame_index,end_frame_index,norm_pos_x,norm_pos_y,dispersion,confidence,method\n"
)
NEON = (
    "section id,recording id,fixation id,start timestamp [ns],end timestamp [ns],duration [ms],fixation x [px],fixation y [px],"
    "azimuth [deg],elevation [deg]\n"
)


def pupil_core():
    rows = [f"{k + 1},{100 + k / 2},{200 + k}.5,{k},{k + 1},{k / 10},{k / 10},1.2,0.99,2d gaze" for k in range(10)]
    return PUPIL + "\n".join(rows) + "\n"


def neon():
    start = 1_700_000_000_000_000_000
    rows = [
        f"s,r{k // 5},{k % 5},{start + k * 10**9},{start + k * 10**9 + 10**8},100,{100 * k},{50 * k},0,0"
        for k in range(10)
    ]
    return NEON + "\n".join(rows) + "\n"


def test_pupil_core(write, tmp_path):
    write(pupil_core(), "anna/exports/000/fixations.csv")
    settings = FixationFormat(size=(1000, 500), layout="{participant}/exports/000/fixations.csv")
    read = read_fixations(tmp_path, settings)
    np.testing.assert_allclose(read.rows["x_px"], np.arange(10) * 100)
    np.testing.assert_allclose(read.rows["y_px"], 500 - np.arange(10) * 50)
    np.testing.assert_allclose(read.rows["duration_ms"], np.arange(10) + 200.5)
    np.testing.assert_allclose(read.rows["onset_ms"], 100_000 + np.arange(10) * 500)
    assert set(read.rows["scanpath"]) == {"anna/scene"} and set(read.rows["confidence"]) == {"0.99"}
    assert read.source_units == {
        "x": "fraction",
        "y": "fraction",
        "origin": "bottom-left",
        "duration": "ms",
        "timestamp": "s",
    }
    assert read.notes == ("no stimulus is named: all fixations of a participant are one scanpath on 'scene'.",)


def test_a_trackers_columns_and_what_the_user_adds_to_them(write):
    head, *rows = pupil_core().splitlines()
    path = write("\n".join([f"who,{head}", *(f"{k // 5},{row}" for k, row in enumerate(rows))]))
    read = read_fixations(path, FixationFormat(size=(1000, 500), columns=FixationColumns(participant="who")))
    assert read.rows["scanpath"].tolist() == ["0/scene"] * 5 + ["1/scene"] * 5
    assert read.source_units["origin"] == "bottom-left"


def test_neon_keeps_recordings_apart(write, tmp_path):
    write(neon(), "anna.csv")
    read = read_fixations(tmp_path, FixationFormat(layout="{participant}.csv"))
    assert read.size == (1600, 1200)
    assert read.rows["scanpath"].tolist() == ["anna/scene/r0"] * 5 + ["anna/scene/r1"] * 5
    assert read.rows["x_px"].tolist() == [100 * k for k in range(10)]
    np.testing.assert_allclose(np.diff(read.rows["onset_ms"]), 1000, atol=1e-3)
    assert read.source_units["timestamp"] == "ns"


EYELINK = """** CONVERTED FROM anna.edf using edfapi
** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED
** VERSION: EYELINK II 1
MSG\t1000 DISPLAY_COORDS 0 0 1023 767
EVENTS\tGAZE\tRIGHT\tRATE\t1000.00\tTRACKING\tCR
EFIX R   1001\t1100\t100\t  1.0\t  1.0\t   900
MSG\t2000 TRIALID 7
MSG\t2001 !V TRIAL_VAR image sea.jpg
EFIX R   2010\t2109\t100\t  10.5\t  20.0\t   900
EFIX R   2200\t2399\t200\t  30.0\t  40.0\t   900
ESACC R  2400\t2500\t100\t1\t1\t2\t2\t3\t4
EFIX R   2500\t2799\t300\t  50.0\t  60.0\t   900
MSG\t2900 TRIAL_RESULT 0
EFIX R   2950\t2990\t40\t  1.0\t  1.0\t   900
MSG\t3000 -5 TRIALID 8
EFIX R   3010\t3109\t11\t  70.0\t  80.0\t   900
EFIX R   3200\t3399\t12\t  1023\t  768\t   900
EFIX R   3400\t3499\t13\t  90.0\t  99.0\t   900
MSG\t3600 !V TRIAL_VAR image hill.jpg
MSG\t3601 TRIAL_RESULT 0
"""


def test_eyelink_fixations_belong_to_their_trials(write):
    path = write(EYELINK, "anna.asc")
    read = read_fixations(path, FixationFormat(layout="{participant}.asc", stimulus_message="!V TRIAL_VAR image"))
    assert read.size == (1024, 768)
    assert read.rows["scanpath"].tolist() == ["anna/hill.jpg/2"] * 3 + ["anna/sea.jpg/1"] * 3
    assert read.rows["x_px"].tolist() == [70, 1023, 90, 10.5, 30, 50]
    assert read.rows["duration_ms"].tolist() == [11, 12, 13, 100, 200, 300]
    assert read.rows["onset_ms"].tolist() == [3010, 3200, 3400, 2010, 2200, 2500]
    assert read.notes == ("anna.asc: 2 fixations outside trials, or of trials without stimulus, left out.",)


def test_eyelink_trials_are_their_own_stimuli_unless_told(write):
    read = read_fixations(write(EYELINK, "anna.asc"), FixationFormat(layout="{participant}.asc"))
    assert set(read.rows["stimulus"]) == {"7", "8"}


def test_eyelink_of_both_eyes_needs_a_choice(write):
    path = write(EYELINK.replace("EFIX R   30", "EFIX L   30"), "anna.asc")
    with pytest.raises(InputError, match=r"both eyes \(L 1, R 7\); set eye: left or right"):
        read_fixations(path, FixationFormat(layout="{participant}.asc"))
    read = read_fixations(path, FixationFormat(layout="{participant}.asc", eye="right"))
    assert read.rows["duration_ms"].tolist() == [100, 200, 300]


def test_eyelink_without_trials_or_not_in_px_is_refused(write):
    settings = FixationFormat(layout="{participant}.asc")
    with pytest.raises(InputError, match="no trial has a message 'IMAGE'"):
        read_fixations(write(EYELINK, "a.asc"), settings.model_copy(update={"stimulus_message": "IMAGE"}))
    with pytest.raises(InputError, match="in HREF units, not px"):
        read_fixations(write(EYELINK.replace("EVENTS\tGAZE", "EVENTS\tHREF"), "a.asc"), settings)


# Pictures of 500x375 px in the box (480, 270, 960, 540) of the display; the second line has a single triple.
DISPLAY = """1,500,375,960,540,480,270,500,300,120,510,310,130,520,320,140
2,500,375,960,540,480,270,600,400,150
3,500,375,960,540,480,270,1,1,160,2,2,170,3,3,180,1920,1080,190
"""
RUN = """1,500,375,10,20,100,30,40,200,500,375,300
2,300,400,1,2,300,3,4,110,300,400,120
1,500,375,5,5,130,6,6,140,7,7,150
3,300,400,8,8,10
"""


def test_cub_gha_on_the_display_keeps_the_last_fixation(write):
    path = write(DISPLAY, "Fixation.txt")
    read = read_fixations(path, FixationFormat(participants="optional"))
    assert read.size == (1920, 1080)
    assert read.rows["scanpath"].tolist() == ["unknown/1"] * 3 + ["unknown/3"] * 4
    assert read.rows["duration_ms"].tolist() == [120, 130, 140, 160, 170, 180, 190]
    assert read.rows[["x_px", "y_px"]].iloc[-1].tolist() == [1920, 1080]
    assert set(read.rows["box_x_px"]) == {480} and set(read.rows["image_height_px"]) == {375}


def test_cub_gha_runs_count_repeated_pictures_and_carried_fixations(write, tmp_path):
    write(RUN, "Fixation_run1.txt")
    write(RUN.splitlines()[1] + "\n", "Fixation_run2.txt")
    read = read_fixations(tmp_path, FixationFormat(participants="optional", layout="Fixation_run{trial}.txt"))
    assert read.size == (500, 400)
    assert read.rows["scanpath"].unique().tolist() == ["unknown/1/1.1", "unknown/1/1.2", "unknown/2/1.1", "unknown/2/2"]
    assert read.rows["duration_ms"].tolist()[:6] == [100, 200, 300, 130, 140, 150]
    assert "Fixation_run1.txt: 1 rows repeat a picture; each is a trial of its own." in read.notes
    carried = "Fixation_run1.txt: in 1 of 4 rows (33%) the first duration equals the last of the row before"
    assert read.notes[0].startswith(carried)


def test_cub_gha_points_are_compared_with_their_own_picture(write):
    path = write(RUN.replace("300,400,120", "301,400,120"), "Fixation_run1.txt")
    with pytest.raises(InputError, match="1 of 10 fixations lie outside their stimuli"):
        read_fixations(path, FixationFormat(participants="optional"))


def test_cub_gha_lines_that_are_no_triples_are_named(write):
    path = write(RUN + "4,500,375,1,2\n", "Fixation_run1.txt")
    with pytest.raises(InputError, match=r"line 5 is not an id, 2 sizes and triples of x, y, ms \(5 values\)"):
        read_fixations(path, FixationFormat(participants="optional"))


def test_every_format_of_the_settings_has_a_reader():
    formats = set(FixationFormat.model_json_schema()["properties"]["format"]["enum"])
    assert set(readers()) == formats - {"auto"}


def test_an_unknown_tracker_is_asked_for_its_columns(write):
    path = write("time,gx,gy,len\n1,2,3,4\n")
    with pytest.raises(InputError) as raised:
        read_fixations(path, FixationFormat())
    assert "no export of a known tracker (pupil-core, pupil-surface, neon, gazepoint, tobii, eyelink, cub-gha)" in str(
        raised.value
    )
    assert "columns: {participant: ..., stimulus: ..., x: ..., y: ..., duration: ...}" in str(raised.value)
    assert str(raised.value).endswith("Columns found: time, gx, gy, len.")


def test_headers_that_fit_two_trackers_are_asked_about(write):
    both = write(PUPIL.strip() + "," + NEON + "\n", "both.csv")
    with pytest.raises(InputError, match="fits pupil-core and neon"):
        format_of(both, FixationFormat())


@pytest.mark.parametrize("name", ["Fixation.txt", "Fixation_run1.txt"])
def test_a_file_name_alone_shows_no_tracker(write, name):
    with pytest.raises(InputError, match="no export of a known tracker"):
        format_of(write("id,a,b,c\n", name), FixationFormat())


def test_half_a_mapping_is_asked_for_the_rest(write):
    path = write("gx,gy,len\n1,2,3\n")
    with pytest.raises(InputError, match=r"lacks duration \(or start and end\).*Columns found: gx, gy, len"):
        read_fixations(path, FixationFormat(columns=FixationColumns(x="gx", y="gy")))
    with pytest.raises(InputError, match="lacks x, y"):
        read_fixations(path, FixationFormat(format="table", columns=FixationColumns(duration="len")))


def test_a_full_mapping_goes_before_detection(write):
    columns = FixationColumns(x="norm_pos_x", y="norm_pos_y", duration="duration")
    assert format_of(write(pupil_core()), FixationFormat(columns=columns)) == "table"
