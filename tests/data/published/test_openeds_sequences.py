"""OpenEDS 2020, generated in both layouts: every picture has the vector of its line."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.checks.soundness import checked
from xgaze.data.open import open_recording
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
KIT = ("face", "looked", "saved", "spot", "section")
face, looked, saved, spot, section = (DRAWN[name] for name in KIT)
PEOPLE, FRAMES = 6, 4


@pytest.fixture(params=["own split", "one folder"])
def openeds(tmp_path, request):
    rng, of = np.random.default_rng(8), {}
    for k in range(PEOPLE):
        own = ("train", "validation", "test")[k // 2] if request.param == "own split" else ""
        lines = []
        for frame, vector in enumerate(looked(rng, FRAMES)):
            saved(tmp_path / own / "sequences" / f"{k:04d}" / f"{frame:03d}.png", face(vector)[..., 0])
            lines.append(",".join(map(str, [frame, *vector])))
            of[f"{own}/{k:04d}/{frame:03d}".strip("/")] = vector
        lines.append(f"{FRAMES},0,0,-1")  # what comes after the pictures
        (tmp_path / own / "labels").mkdir(exist_ok=True)
        (tmp_path / own / "labels" / f"{k:04d}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path, of


def test_every_picture_has_the_vector_of_its_line(openeds):
    root, of = openeds
    recording = open_recording(section("openeds", root, height=64, width=64))
    assert len(recording.table) == PEOPLE * FRAMES and set(recording.table["split"]) == {"train", "validation", "test"}
    for row, name in enumerate(recording.table["id"]):
        np.testing.assert_allclose(recording[row].target, of[name], atol=1e-6)
        np.testing.assert_allclose(spot(recording[row].inputs["eye"]), of[name][:2], atol=0.02)
    assert recording.spec.groups == "sequences" and checked(section("openeds", root)).faults == ()


def test_an_index_stands_once_and_is_whole(openeds):
    file = next(openeds[0].rglob("labels/0003.txt"))
    for lines in ("0,0,0,-1\n0,0,0,-1\n", "0.7,0,0,-1\n"):
        file.write_text(lines)
        with pytest.raises(InputError, match=r"no whole number, or stood there before"):
            open_recording(section("openeds", openeds[0]))


@pytest.mark.parametrize("line", ["0,1,2", "0,1,x,3", "0,0,0,0", "nan,1,2,3"])
def test_a_line_without_a_vector_is_told(openeds, line):
    file = next(openeds[0].rglob("labels/0003.txt"))
    file.write_text(line + "\n")
    with pytest.raises(InputError, match=r"0003\.txt: line 1 is '"):
        open_recording(section("openeds", openeds[0]))


def test_faults_of_several_sequences_are_told_together(openeds):
    files = sorted(openeds[0].rglob("labels/*.txt"))
    files[0].write_text("0,1,2\n1,0,0,0\n")
    files[3].unlink()
    files[5].write_text("0,0,0,-1\n")
    with pytest.raises(InputError, match="4 faults") as told:
        open_recording(section("openeds", openeds[0], height=64, width=64))
    for one in (f"{files[0]}: line 1", f"{files[0]}: line 2", f"{files[3]}: no such file", f"{files[5]}: has no line"):
        assert one in str(told.value)
    assert len(checked(section("openeds", openeds[0])).faults) == 4


def test_a_picture_without_a_line_is_told(openeds):
    file = next(openeds[0].rglob("labels/0003.txt"))
    file.write_text("0,0,0,-1\n")
    with pytest.raises(InputError, match=r"has no line for 001\.png \(3 such pictures\)"):
        open_recording(section("openeds", openeds[0]))


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("openeds", tmp_path))
