"""A manifest whose pictures are frames of videos: the very frames, decoded once; what is wrong is told with file and row."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from xgaze.data.checks.soundness import checked
from xgaze.data.manifests import video_frames
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.errors import InputError
from xgaze.recipe.sources import SOURCES

HEIGHT, WIDTH, FRAMES = 32, 48, 12
PEOPLE = 6


def film(path, frames, codec="ffv1", pixels="gray"):
    """frames: uint8 (n, height, width) or (n, height, width, 3)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], pixels
        for picture in frames:
            form = "gray" if picture.ndim == 2 else "rgb24"
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format=form)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def frames_of(rng, person, camera):
    """Each frame has its own brightness, so that no two can be confused."""
    base = rng.integers(0, 40, (FRAMES, HEIGHT, WIDTH))
    return np.clip(base + 10 * np.arange(FRAMES)[:, None, None] + 7 * person + 3 * camera, 0, 255).astype(np.uint8)


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """(section, table, films by file): two cameras; every second frame is labelled, backwards."""
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    rng, films, rows = np.random.default_rng(0), {}, []
    for person in range(PEOPLE):
        for camera, name in enumerate(("left", "right")):
            file = f"p{person}_{name}.mkv"
            films[file] = frames_of(rng, person, camera)
            film(tmp_path / file, films[file])
        for frame in range(FRAMES - 1, 0, -2):
            x, y = rng.uniform(0, 100, 2)
            rows.append([f"p{person}_left.mkv", f"p{person}_right.mkv", frame, x, y, f"p{person}"])
    table = pd.DataFrame(rows, columns=["left", "right", "frame", "x", "y", "participant"])
    table.to_csv(tmp_path / "frames.csv", index=False)
    return section(tmp_path), table, films


def section(root, **changes):
    eye = {"frame": "frame", "height": HEIGHT, "width": WIDTH, **changes}
    told = {
        "source": "manifest",
        "path": root / "frames.csv",
        "inputs": {name: {"video": name, **eye} for name in ("left", "right")},
        "target": {"kind": "gaze", "columns": ["x", "y"], "unit": "px"},
        "split": {"by": "participant", "validation": 0.2, "test": 0.2},
    }
    return SOURCES["manifest"].section.model_validate(told)


def test_every_row_shows_its_frame_of_both_videos(recording):
    data, table, films = recording
    found = open_recording(data)
    assert len(found.table) == len(table) and found.spec.inputs[0].shape == (1, HEIGHT, WIDTH)
    for row in range(len(table)):
        for camera in ("left", "right"):
            expected = films[table[camera][row]][table["frame"][row]]
            np.testing.assert_array_equal(found[row].inputs[camera][0], expected)
    assert checked(data).faults == ()


def test_a_video_is_decoded_once(recording, monkeypatch, tmp_path):
    data, _, _ = recording
    before = [one.inputs["left"] for one in map(open_recording(data).__getitem__, range(5))]
    assert len(list((tmp_path / "cache").glob("video-*.npy"))) == 2 * PEOPLE
    monkeypatch.setattr(video_frames, "_pictures", None)  # would fail
    again = open_recording(data)
    np.testing.assert_array_equal([again[row].inputs["left"] for row in range(5)], before)


def test_a_video_that_was_changed_is_decoded_again(recording, tmp_path):
    data, table, films = recording
    open_recording(data)
    film(tmp_path / "p0_left.mkv", films["p0_left.mkv"][::-1].copy())
    expected = films["p0_left.mkv"][::-1][table["frame"][0]]
    np.testing.assert_array_equal(open_recording(data)[0].inputs["left"][0], expected)


def test_damaged_pixels_are_decoded_again(recording, tmp_path):
    data, table, films = recording
    open_recording(data)
    for kept in (tmp_path / "cache").glob("video-*.npy"):
        kept.write_bytes(kept.read_bytes()[:200])
    np.testing.assert_array_equal(open_recording(data)[0].inputs["left"][0], films["p0_left.mkv"][table["frame"][0]])


def test_colour_keeps_its_order_and_other_sizes_need_leave(recording, tmp_path):
    red = np.zeros((FRAMES, 16, 16, 3), np.uint8)
    red[..., 0], red[..., 2] = 200, 40
    for person in range(PEOPLE):
        for name in ("left", "right"):
            film(tmp_path / f"p{person}_{name}.mkv", red, "ffv1", "bgr0")
    with pytest.raises(InputError, match=r"its frames are 16x16 px, expected 48x32 px"):
        open_recording(section(tmp_path, channels=3))
    for colour, first in (("rgb", 200), ("bgr", 40)):
        pixels = open_recording(section(tmp_path, channels=3, resize=True, colour=colour))[0].inputs["left"]
        assert pixels.shape == (3, HEIGHT, WIDTH) and (abs(pixels[0].astype(int) - first) < 3).all()


@pytest.mark.parametrize(("suffix", "codec", "pixels"), [("mp4", "mpeg4", "yuv420p"), ("avi", "mjpeg", "yuvj420p")])
def test_common_containers_are_read_frame_by_frame(recording, tmp_path, suffix, codec, pixels):
    """Lossy, and in mp4 with frames that hold differences only."""
    data, table, films = recording
    for person in range(PEOPLE):
        for name in ("left", "right"):
            file = f"p{person}_{name}"
            flat = np.repeat(films[f"{file}.mkv"].mean(axis=(1, 2), keepdims=True).astype(np.uint8), HEIGHT, 1)
            film(tmp_path / f"{file}.{suffix}", np.repeat(flat, WIDTH, 2), codec, pixels)
    other = table.assign(**{name: table[name].str.replace("mkv", suffix) for name in ("left", "right")})
    other.to_csv(tmp_path / "frames.csv", index=False)
    found = open_recording(data)
    shown = [found[row].inputs["right"].mean() for row in range(len(table))]
    expected = [films[table["right"][row]][table["frame"][row]].mean() for row in range(len(table))]
    assert np.abs(np.array(shown) - expected).max() < 5  # frames are 10 apart


def changed(root, table, **cells):
    """The table with other cells in its third row."""
    other = table.astype(object)
    for column, value in cells.items():
        other.loc[2, column] = value
    other.to_csv(root / "frames.csv", index=False)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"frame": 99}, r"p0_left\.mkv: has 12 frames, but 1 of its rows name later ones \(frame 99, counted from 0\)"),
        ({"frame": 12}, r"has 12 frames, but 1 of its rows name later ones \(frame 12"),
        ({"frame": -1}, r"row 3: left: column 'frame' is '-1', not the number of a frame"),
        ({"frame": 2.5}, r"row 3: left: column 'frame' is '2\.5', not the number of a frame"),
        ({"frame": ""}, r"row 3: left: column 'frame' is '.*', not the number of a frame"),
        ({"left": "nowhere.mkv"}, r"row 3: left: no such file \(nowhere\.mkv\)"),
        ({"left": ""}, r"row 3: left: column 'left' is empty"),
        ({"left": "frames.csv"}, r"frames\.csv: not readable as a video"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_row(recording, tmp_path, cells, told):
    data, table, _ = recording
    changed(tmp_path, table, **cells)
    with pytest.raises(InputError, match=told):
        open_recording(data)
    assert checked(data).faults


def test_a_check_tells_all_videos_that_cannot_be_read(recording, tmp_path):
    data, table, _ = recording
    for name in ("p1_left.mkv", "p4_right.mkv"):
        (tmp_path / name).write_bytes(b"")
    changed(tmp_path, table, frame=99)
    told = [one.message for one in checked(data).faults]
    assert len(told) == 4 and sum("has 12 frames" in one for one in told) == 2  # the row's left and right one
    assert any("p1_left.mkv: not readable" in one for one in told) and any("p4_right.mkv: not" in one for one in told)


def textured(root, table, seed=5):
    """Films of people who look nothing like each other, and the first two people's in train and test."""
    rng, films = np.random.default_rng(seed), {}
    for person in range(PEOPLE):
        for name in ("left", "right"):
            coarse = rng.integers(40, 200, (FRAMES, 8, 12))
            films[person, name] = np.kron(coarse, np.ones((4, 4))).astype(np.uint8)
    words = {f"p{k}": word for k, word in enumerate(["train", "test", "train", "test", "validation", "validation"])}
    table.assign(split=table["participant"].map(words)).to_csv(root / "frames.csv", index=False)
    return films


def divided(root):
    return section(root).model_copy(update={"split": "split"})


def test_near_copies_among_frames_of_videos_are_found_across_splits(recording, tmp_path):
    _, table, _ = recording
    films = textured(tmp_path, table)
    noise = np.random.default_rng(0)
    for name in ("left", "right"):  # darker and noisier, in three of the six labelled frames
        copied = 0.8 * films[0, name][[7, 9, 11]] + noise.normal(0, 2, (3, HEIGHT, WIDTH))
        films[1, name][[7, 9, 11]] = copied.clip(0, 255).astype(np.uint8)
    for (person, name), frames in films.items():
        film(tmp_path / f"p{person}_{name}.mkv", frames)
    (fault,) = checked(divided(tmp_path)).faults
    assert (fault.kind, fault.message) == (
        "nearly identical images across splits",
        "row 1 (train) and row 7 (test) are nearly the same; 3 of the 6 samples of p1 nearly show what those of p0 do.",
    )
    film(tmp_path / "p1_right.mkv", films[2, "left"])  # one camera alone is no copy
    assert checked(divided(tmp_path)).faults == ()


def test_equal_frames_of_videos_are_found_across_splits(recording, tmp_path):
    _, table, _ = recording
    films = textured(tmp_path, table)
    for name in ("left", "right"):
        films[1, name][11] = films[0, name][9]
    for (person, name), frames in films.items():
        film(tmp_path / f"p{person}_{name}.mkv", frames)
    (fault,) = checked(divided(tmp_path)).faults
    assert fault.kind == "identical images across splits" and fault.message.startswith("row 2 (train) and row 7 (test)")


@pytest.mark.parametrize("kept", [0, 300, 2000])
def test_a_truncated_video_is_told(recording, tmp_path, kept):
    data, *_ = recording
    file = tmp_path / "p3_right.mkv"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"p3_right\.mkv: (not readable as a video|has \d+ frames)"):
        open_recording(data)


def test_a_model_predicts_on_videos_without_labels(recording, tmp_path):
    data, table, films = recording
    spec = open_recording(data).spec
    table[["left", "right", "frame"]].to_csv(tmp_path / "new.csv", index=False)
    found = open_for_prediction(tmp_path / "new.csv", spec, data)
    np.testing.assert_array_equal(found[3].inputs["left"][0], films[table["left"][3]][table["frame"][3]])


@pytest.mark.parametrize(
    "keys",
    [
        {"video": "left", "height": 8, "width": 8},
        {"frame": "frame", "picture": "left", "height": 8, "width": 8},
        {"video": "left", "frame": "frame", "picture": "left", "height": 8, "width": 8},
        {"video": "left", "frame": "frame"},
    ],
)
def test_an_input_is_one_thing(keys):
    with pytest.raises(ValueError, match=r"go together|give either|needs its height"):
        type(section(Path("x")).inputs["left"]).model_validate(keys)


def test_without_pyav_it_says_what_to_install(recording, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"pip install 'xgaze\[video\]'"):
        open_recording(recording[0])
