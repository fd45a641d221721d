"""Recordings of Pupil Core and Neon in their published layouts, generated: eyes whose pupil moves with the gaze. Frames are
joined to the gaze of their time; what is of no use is counted, and what cannot be joined is told."""

import json
import shutil
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from xgaze.data.checks.soundness import check
from xgaze.data.eye_videos.joined_frames import nearest
from xgaze.data.eye_videos.recorded import inside
from xgaze.data.manifests import video_frames
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.errors import InputError
from xgaze.recipe import load_data
from xgaze.recipe.sources import SOURCES

SIDE, PEOPLE = 32, 5
SECONDS, FRAMES_PER_S, GAZE_PER_S = 1.0, 60, 100
SCENE = {"width": 800, "height": 600}
START_S, START_NS = 1000.0, 1_700_000_000_000_000_000
CORE_COLUMNS = ["gaze_timestamp", "world_index", "confidence", "norm_pos_x", "norm_pos_y", "base_data"]


def gaze_px(t, person):
    """(x, y) of the scene, px, at times (n,) in s: slow and smooth."""
    return np.stack([400 + 300 * np.sin(2 * t + person), 300 + 220 * np.cos(3 * t + person)], axis=-1)


def pupil_at(px, eye):
    """Where the pupil's middle is in the picture of an eye, (x, y) in px; the right eye's camera is upside down."""
    x, y = px[..., 0] / 800, px[..., 1] / 600
    place = np.stack([8 + 16 * x, 8 + 16 * y], axis=-1)
    return SIDE - 1 - place if eye == "right" else place


def eye_pictures(t, person, eye):
    """uint8 (n, side, side): a dark pupil."""
    yy, xx = np.mgrid[:SIDE, :SIDE]
    x, y = pupil_at(gaze_px(t, person), eye).T[:, :, None, None]
    return (220 - 200 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 18)).astype(np.uint8)


def middle(picture):
    """(x, y) of the dark pupil in (1, side, side)."""
    dark = (215.0 - picture[0]).clip(0)
    yy, xx = np.mgrid[:SIDE, :SIDE]
    return np.array([(dark * xx).sum(), (dark * yy).sum()]) / dark.sum()


def film(path, pictures):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=FRAMES_PER_S)
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:], "yuvj420p"
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def frame_times(eye):
    """s from the start; the cameras of Core run by themselves."""
    return np.arange(0, SECONDS, 1 / FRAMES_PER_S) + (0.004 if eye == "left" else 0.0)


def write_core(folder, person, rng):
    export = folder / "exports/000"
    export.mkdir(parents=True)
    (folder / "info.player.json").write_text(json.dumps({"meta_version": "2.0", "start_time_synced_s": START_S}))
    for eye, name in {"right": "eye0", "left": "eye1"}.items():
        film(folder / f"{name}.mp4", eye_pictures(frame_times(eye), person, eye))
        np.save(folder / f"{name}_timestamps.npy", START_S + frame_times(eye))
    t = np.arange(0, SECONDS, 1 / GAZE_PER_S)
    px = gaze_px(t, person)
    table = pd.DataFrame({"gaze_timestamp": START_S + t, "world_index": 0, "confidence": 0.95, "base_data": "x"})
    table = table.assign(norm_pos_x=px[:, 0] / 800, norm_pos_y=1 - px[:, 1] / 600)[CORE_COLUMNS]
    table.loc[5:8, "confidence"] = 0.3
    table.loc[20, "norm_pos_x"] = 1.7
    table.sample(frac=1, random_state=int(rng.integers(99))).to_csv(export / "gaze_positions.csv", index=False)
    blink = {"id": [1], "start_timestamp": START_S + 0.495, "duration": 0.03, "end_timestamp": START_S + 0.525}
    pd.DataFrame(blink).to_csv(export / "blinks.csv", index=False)


def write_neon(folder, person, table=True):
    folder.mkdir(parents=True)
    t = frame_times("right")
    (folder / "info.json").write_text(json.dumps({"wearer_name": f"wearer {person // 2}", "start_time": START_NS}))
    both = [eye_pictures(t, person, eye) for eye in ("left", "right")]
    film(folder / "Neon Sensor Module v1 ps1.mp4", np.concatenate(both, axis=2))
    (START_NS + np.rint(t * 1e9).astype("<i8")).tofile(folder / "Neon Sensor Module v1 ps1.time")
    at, px, worn = t[::2], gaze_px(t[::2], person), np.ones(len(t[::2]), bool)
    worn[3:5] = False
    stamps = START_NS + np.rint(at * 1e9).astype("<i8")
    if not table:
        px.astype("<f4").tofile(folder / "gaze ps1.raw")
        stamps.tofile(folder / "gaze ps1.time")
        (worn.astype("u1") * 255).tofile(folder / "worn ps1.raw")
        return
    blink = np.where(np.arange(len(at)) == 7, "1", "")
    columns = {"section id": "s", "recording id": "r", "timestamp [ns]": stamps}
    columns |= {"gaze x [px]": px[:, 0], "gaze y [px]": px[:, 1], "worn": worn.astype(float)}
    pd.DataFrame({**columns, "fixation id": "", "blink id": blink}).to_csv(folder / "gaze.csv", index=False)


def section(root, device, **keys):
    told = {"source": "pupil-recordings", "path": root, "device": device, "height": SIDE, "width": SIDE, **keys}
    return SOURCES["pupil-recordings"].section(**{"scene": SCENE, **told})


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """Both devices' recordings, for tests to copy."""
    root = tmp_path_factory.mktemp("filmed")
    for person in range(PEOPLE):
        write_core(root / f"core/p{person}/000", person, np.random.default_rng(person))
        write_neon(root / f"neon/p{person}", person)
    return root


def copied(filmed, device, tmp_path, monkeypatch):
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(filmed / device, tmp_path / "rec"))


@pytest.fixture
def core(filmed, tmp_path, monkeypatch):
    return copied(filmed, "core", tmp_path, monkeypatch)


@pytest.fixture
def neon(filmed, tmp_path, monkeypatch):
    return copied(filmed, "neon", tmp_path, monkeypatch)


def assert_pupils_follow(recording):
    """Every picture shows the pupil where the gaze of its row has it, as well as half a frame's time allows."""
    for row in range(0, len(recording.table), 7):
        sample = recording[row]
        for eye, picture in sample.inputs.items():
            assert picture.shape == (1, SIDE, SIDE)
            np.testing.assert_allclose(middle(picture), pupil_at(sample.target, eye), atol=0.6)


def test_frames_of_both_eyes_are_those_nearest_to_the_gaze(core):
    recording = open_recording(section(core, "core"))
    assert recording.spec.scene == (800, 600) and [one.name for one in recording.spec.inputs] == ["right", "left"]
    assert recording.table["group"].nunique() == PEOPLE and set(recording.table["session"]) == {"000"}
    assert_pupils_follow(recording)
    first = recording.table[recording.table["group"] == "p0"]
    row = int(first["id"].iat[3].rpartition("/")[2])
    np.testing.assert_allclose(recording[3].target, gaze_px(np.array(row / GAZE_PER_S), 0), rtol=1e-5)
    assert (recording.conditions(np.arange(3))["confidence"] == 0.95).all()


def test_what_is_of_no_use_is_left_out_and_counted(core):
    recording = open_recording(section(core, "core"))
    told = {note.partition(" gaze samples ")[2]: int(note.split()[0]) for note in recording.notes}
    assert told["of a confidence below 0.8 are left out"] == 4 * PEOPLE
    assert told["in blinks are left out"] == 3 * PEOPLE and told["outside the scene are left out"] == PEOPLE
    assert len(recording.table) + sum(told.values()) == 100 * PEOPLE
    every = open_recording(section(core, "core", confidence=0.0, every=10))
    assert len(every.table) < len(recording.table) / 8


def test_the_tolerance_is_a_limit(core):
    near = open_recording(section(core, "core", tolerance_ms=6))
    far = open_recording(section(core, "core"))
    assert any("without a frame within 6 ms" in note for note in near.notes) and len(near.table) < len(far.table)
    assert not any("without a frame" in note for note in far.notes)


def test_one_eye_is_enough_where_one_is_asked_for(core):
    (core / "p2/000/eye1.mp4").unlink()
    with pytest.raises(
        InputError, match=r"p2/000: holds no video of the left eye \(eye1\.mp4\); leave it out of `eyes`"
    ):
        open_recording(section(core, "core"))
    recording = open_recording(section(core, "core", eyes=["right"]))
    assert list(recording[0].inputs) == ["right"]


def test_a_video_in_parts_is_one(core):
    folder = core / "p1/000"
    t = frame_times("right")
    for name, own in {"eye0": t[:25], "eye0_001": t[25:]}.items():
        film(folder / f"{name}.mp4", eye_pictures(own, 1, "right"))
        np.save(folder / f"{name}_timestamps.npy", START_S + own)
    assert_pupils_follow(open_recording(section(core, "core")))
    np.save(folder / "eye0_001_timestamps.npy", START_S + t[25:] - 0.3)
    with pytest.raises(InputError, match=r"eye0_001\.mp4: begins before eye0\.mp4 ends"):
        open_recording(section(core, "core"))


def test_eyes_side_by_side_are_told_apart_and_decoded_once(neon, tmp_path, monkeypatch):
    recording = open_recording(section(neon, "neon"))
    assert_pupils_follow(recording)
    told = {note.partition(" gaze samples ")[2]: int(note.split()[0]) for note in recording.notes}
    assert told == {"while it was not worn are left out": 2 * PEOPLE, "in blinks are left out": PEOPLE}
    assert len(list((tmp_path / "cache").glob("video-*.npy"))) == PEOPLE  # one for both eyes
    before = recording[4].inputs["left"]
    monkeypatch.setattr(video_frames, "_pictures", None)  # would fail
    np.testing.assert_array_equal(open_recording(section(neon, "neon"))[4].inputs["left"], before)


def test_gaze_of_the_device_serves_where_there_is_no_table(neon, tmp_path):
    for person in range(PEOPLE):
        write_neon(tmp_path / f"raw/p{person}", person, table=False)
    recording = open_recording(section(tmp_path / "raw", "neon"))
    assert_pupils_follow(recording)
    assert recording.notes == (f"{2 * PEOPLE} gaze samples while it was not worn are left out",)
    (tmp_path / "raw/p3/gaze ps1.time").write_bytes(bytes(20))
    with pytest.raises(InputError, match=r"gaze ps1\.time: 20 bytes are no list of 8-byte numbers"):
        open_recording(section(tmp_path / "raw", "neon"))


def test_recordings_of_one_wearer_are_one_persons(neon):
    for person in range(PEOPLE, 9):
        write_neon(neon / f"p{person}", person)
    table = open_recording(section(neon, "neon", participant="wearer")).table
    assert sorted(set(table["group"])) == [f"wearer {k}" for k in range(5)]
    assert set(table["session"]) == {f"p{k}" for k in range(9)} and table["id"].is_unique
    (neon / "p1/info.json").write_text("{")
    with pytest.raises(InputError, match=r"info\.json: names no wearer"):
        open_recording(section(neon, "neon", participant="wearer"))


def test_new_recordings_of_one_person_are_tested(core, tmp_path):
    data = section(core, "core")
    spec = open_recording(data).spec
    write_core(tmp_path / "new/anna/000", 3, np.random.default_rng(0))
    found = open_for_prediction(tmp_path / "new", spec, data)
    assert set(found.table["split"]) == {"test"} and set(found.table["group"]) == {"anna"}


def fewer_frames(folder):
    film(folder / "eye0.mp4", eye_pictures(frame_times("right")[:50], 0, "right"))


def falling_times(folder):
    stamps = START_S + frame_times("left")
    stamps[30:] -= 900
    np.save(folder / "eye1_timestamps.npy", stamps)


def another_clock(folder):
    np.save(folder / "eye0_timestamps.npy", 5000 + frame_times("right"))


FAULTS = {
    "fewer frames": (fewer_frames, r"p2/000/eye0\.mp4: has 50 frames for the 60 time stamps of eye0_timestamps\.npy"),
    "falling": (
        falling_times,
        r"eye1_timestamps\.npy: falls back 1 time, first after frame 29, from 1000\.487 to 100\.504 s",
    ),
    "another clock": (
        another_clock,
        r"p2/000: none of the 100 gaze samples is within 10 ms of a frame of the right eye",
    ),
    "no stamps": (lambda folder: (folder / "eye0_timestamps.npy").unlink(), r"eye0_timestamps\.npy: no such file"),
    "no table": (lambda folder: (folder / "exports/000/gaze_positions.csv").unlink(), r"export it in Pupil Player"),
    "damaged": (lambda folder: (folder / "eye0.mp4").write_bytes(b"x" * 99), r"eye0\.mp4: not readable as a video"),
    "objects": (lambda folder: (folder / "eye0_timestamps.npy").write_bytes(b"x"), r"not readable as time stamps"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_joined_is_told(core, name):
    damage, told = FAULTS[name]
    damage(core / "p2/000")
    with pytest.raises(InputError, match=told):
        open_recording(section(core, "core"))
    assert check(section(core, "core"))[0].kind in (
        "time stamps",
        "label table",
        "undecodable image",
    )


def test_all_faults_are_told_at_once(core):
    fewer_frames(core / "p0/000")
    falling_times(core / "p1/000")
    (core / "p3/000/eye0.mp4").unlink()
    (core / "p3/000/exports/000/gaze_positions.csv").unlink()
    assert sorted(fault.kind for fault in check(section(core, "core"))) == [
        "label table",
        "missing view",
        "time stamps",
        "time stamps",
    ]


def test_a_sound_recording_has_no_fault(core):
    assert check(section(core, "core", every=9)) == []


def test_a_folder_of_another_device_is_told(core):
    with pytest.raises(
        InputError, match=r"no folder below it holds Neon Sensor Module v1 ps1\.mp4. Is it the right `device`"
    ):
        open_recording(section(core, "neon"))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"device": "core"}, "say scene, its size"),
        ({"device": "core", "participant": "wearer", "scene": SCENE}, "only Neon names wearers"),
        ({"device": "neon", "eyes": ["left", "left"]}, "each once"),
    ],
)
def test_a_definition_that_does_not_fit_is_refused(tmp_path, keys, told):
    (tmp_path / "x.yaml").write_text(json.dumps({"source": "pupil-recordings", "path": "rec", **keys}))
    with pytest.raises(InputError, match=told):
        load_data(tmp_path / "x.yaml")


def test_the_nearest_time_is_found_the_earlier_of_two():
    found, far = nearest(np.array([0, 10, 20, 20, 40]), np.array([-5, 5, 6, 19, 31, 99]))
    assert found.tolist() == [0, 0, 1, 2, 4, 4] and far.tolist() == [5, 5, 4, 1, 9, 59]
    assert nearest(np.array([7]), np.array([0, 9]))[0].tolist() == [0, 0]


def test_times_inside_spans():
    spans = np.array([5, 1]), np.array([6, 9])
    assert inside(np.array([0, 1, 7, 9, 10]), *spans).tolist() == [False, True, True, True, False]
    assert not inside(np.array([1, 2]), np.array([], int), np.array([], int)).any()
