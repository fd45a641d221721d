"""Places in photographs: where they are drawn, what is cut around them, and the authors' own lists."""

import errno
import os
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.crops.crop_list_files import eight_bit
from xgaze.data.crops.crop_sections import CropListsData, FixationCropsData, SampledPlaces
from xgaze.data.crops.crops import crops_of
from xgaze.data.crops.places import drawn_places
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.photographs.agreement_labels import viewer_map
from xgaze.data.photographs.attention import BlankMap
from xgaze.errors import InputError

COLUMNS = {"participant": "who", "stimulus": "image", "x": "x", "y": "y", "duration": "ms"}


@pytest.fixture
def folder(tmp_path, viewings):
    """Ten photographs of 80x60 px; four viewers look at one place of each."""

    def looks(rng, k):
        spot = rng.uniform((15, 15), (65, 45))
        return [(viewer, *rng.normal(spot, 2).clip(0, 59)) for viewer in range(4) for _ in range(3)]

    viewings(10, looks)
    return tmp_path


def section(folder, **changes):
    format_ = {"format": "table", "columns": COLUMNS, "size": [80, 60]}
    told = {"source": "fixation-crops", "path": folder, "fixations": format_, "sigma_px": 4}
    return FixationCropsData.model_validate({**told, **changes})


def test_ten_places_are_looked_at_and_twenty_are_not(folder):
    recording = open_recording(section(folder))
    counts = recording.table.groupby(["group", "label"]).size().unstack()
    assert counts[0].eq(20).all() and counts[1].eq(10).all() and len(counts) == 10
    table = pd.read_csv(folder / "fixations.csv")
    for name, rows in recording.table.groupby("group"):
        points = table[table["image"] == name][["x", "y"]].to_numpy()
        looking = viewer_map(points, np.ones(len(points)), (80, 60), 4, 400)
        shares = looking[(rows["y"] * 300).astype(int), (rows["x"] * 400).astype(int)] / looking.max()
        assert (shares[rows["label"] == 1] > 0.9).all() and (shares[rows["label"] == 0] < 0.1).all()


def test_a_sample_is_the_crops_around_its_place(folder):
    recording = open_recording(section(folder))
    for row in (0, 29, 30, 155, 0):
        line, sample = recording.table.iloc[row], recording[row]
        pixels = np.asarray(Image.open(folder / "stimuli" / line["group"]))
        expected = crops_of(np.moveaxis(pixels, -1, 0), [[line["x"], line["y"]]])
        assert sample.inputs.keys() == expected.keys() == {"crop_400", "crop_250", "crop_150"}
        assert all(np.array_equal(sample.inputs[name], expected[name][0]) for name in expected)
        assert sample.id == line["id"] and sample.target == line["label"]
        assert sample.groups["stimulus"] == line["group"]
    assert recording.crops.held.cut == {0, 1, 5}  # cut once, when first asked for
    assert {one.dtype for one in recording[0].inputs.values()} == {np.dtype(np.uint8)}


def test_crops_lie_on_the_disk_and_leave_nothing_there(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    recording = open_recording(section(folder))
    tracemalloc.start()
    shown = [recording[row].inputs["crop_400"] for row in range(len(recording.table))]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 0.25 * len(shown) * 3 * 3 * 42 * 42
    assert not list((tmp_path / "cache").iterdir())
    again = pickle.loads(pickle.dumps(recording))
    assert len(pickle.dumps(recording.crops)) < 20_000 and np.array_equal(again[7].inputs["crop_400"], shown[7])


def test_a_disk_without_room_for_crops_is_said(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"cache: 0\.0 GB for crops .* \(No space left on device\)\. Free some space"):
        open_recording(section(folder))[0]


def test_no_picture_is_in_two_splits_and_pictures_are_the_unit(folder):
    recording = open_recording(section(folder))
    assert recording.table.groupby("group")["split"].nunique().eq(1).all()
    assert set(recording.table["split"]) == {"train", "validation", "test"} and recording.spec.groups == "stimuli"
    assert recording.spec.classes == ("not looked at", "looked at")
    moved = recording.resplit({"0.png": "test"})
    assert moved.table.groupby("split").size().to_dict() == {"": 270, "test": 30}


def test_places_depend_on_seed_and_picture_alone(folder):
    whole, few = open_recording(section(folder)), open_recording(section(folder, most_pictures=5))
    assert few.table["group"].nunique() == 5 and few.notes[-1].startswith("5 of 10 pictures")
    merged = few.table.merge(whole.table, on="id")
    assert len(merged) == 150 and np.array_equal(merged[["x_x", "y_x"]], merged[["x_y", "y_y"]])
    other = open_recording(section(folder, seed=1))
    assert not np.array_equal(whole.table[["x", "y"]], other.table[["x", "y"]])


def test_few_places_are_all_taken_and_none_is_refused():
    looking = np.zeros((10, 10))
    looking[4, 6], looking[5, 5] = 1, 0.5
    points, labels = drawn_places(looking, SampledPlaces(), 0, "p")
    assert labels.tolist() == [1] + [0] * 20
    assert np.allclose(points[0], (0.65, 0.45)) and len(np.unique(points, axis=0)) == 21
    with pytest.raises(BlankMap, match="p: no place is not looked at"):
        drawn_places(np.ones((5, 5)), SampledPlaces(), 0, "p")


def test_faults_are_found_and_named(folder):
    assert check(section(folder)) == []
    with pytest.raises(InputError, match="see `xgaze saliency`"):
        open_for_prediction(folder, open_recording(section(folder)).spec, section(folder))
    splits = dict(open_recording(section(folder)).table[["split", "group"]].itertuples(index=False))
    seen, unseen = (folder / "stimuli" / splits[split] for split in ("train", "test"))
    before = seen.read_bytes()
    seen.write_bytes(unseen.read_bytes())
    assert [fault.kind for fault in check(section(folder))] == ["identical images across splits"]
    seen.write_bytes(before)
    (folder / "stimuli" / "3.png").unlink()
    with pytest.raises(InputError, match=r"3\.png: no such photograph"):
        open_recording(section(folder))
    table = pd.read_csv(folder / "fixations.csv")
    table.loc[0, "x"] = 500
    table.to_csv(folder / "fixations.csv", index=False)
    assert [fault.kind for fault in check(section(folder))] == ["fixation outside the stimulus"]


@pytest.fixture
def lists(tmp_path):
    """Two training photographs of three crops each, one photograph each to validate and to test."""
    generator = torch.Generator().manual_seed(0)

    def crop(k):
        return torch.randint(0, 256, (3, 3, 42, 42), generator=generator, dtype=torch.uint8)

    train = [{"X": crop(k), "y": k % 2, "file": f"t{k // 3}.jpeg"} for k in range(6)]
    torch.save(train, tmp_path / "train_data.pth.tar")
    (tmp_path / "ALLFIXATIONMAPS").mkdir()
    for name in ("val", "test"):
        photograph = torch.rand(3, 60, 80, generator=generator)
        coordinates = torch.zeros(2500, 2)
        torch.save(
            [{"X": photograph, "y": -1, "file": f"{name}.jpeg", "spatial_coords": coordinates}],
            tmp_path / f"{name}_data.pth.tar",
        )
        bell = viewer_map([[30, 20]], [1], (80, 60), 8, 80)
        Image.fromarray(np.round(255 * bell).astype(np.uint8)).save(tmp_path / "ALLFIXATIONMAPS" / f"{name}_fixMap.jpg")
    return tmp_path


def test_lists_are_taken_as_stored_and_cut_where_they_are_not_labelled(lists):
    recording = open_recording(CropListsData(source="crop-lists", path=lists))
    assert recording.table.groupby("split").size().to_dict() == {"train": 6, "validation": 30, "test": 30}
    assert recording.table["id"].is_unique and recording.table["label"][:6].tolist() == [0, 1] * 3
    train = torch.load(lists / "train_data.pth.tar", weights_only=True)
    for row in (0, 5):
        for scale, name in enumerate(("crop_400", "crop_250", "crop_150")):
            assert np.array_equal(recording[row].inputs[name], train[row]["X"][scale].numpy())
    photograph = torch.load(lists / "val_data.pth.tar", weights_only=True)[0]["X"]
    line = recording.table.iloc[7]
    expected = crops_of(eight_bit(photograph, ""), [[line["x"], line["y"]]])
    assert all(np.array_equal(recording[7].inputs[name], expected[name][0]) for name in expected)
    faults = check(CropListsData(source="crop-lists", path=lists))
    assert [fault.kind for fault in faults] == ["too few"] * 2 and "1 of 4 stimuli" in faults[0].message


class Trap:
    def __reduce__(self):
        return (print, ("code of the file has run",))


def test_lists_that_would_run_code_are_refused(lists, capsys):
    (lists / "train_data.pth.tar").write_bytes(pickle.dumps([Trap()]))
    with pytest.raises(InputError, match="runs no code"):
        open_recording(CropListsData(source="crop-lists", path=lists))
    torch.save([{"X": Trap(), "file": "a"}], lists / "train_data.pth.tar")
    with pytest.raises(InputError, match="runs no code"):
        open_recording(CropListsData(source="crop-lists", path=lists))
    assert "has run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"X": torch.zeros(3, 3, 42, 42), "file": "a.jpg", "y": -1}, "y = -1"),
        ({"X": torch.zeros(3, 42, 42), "file": "a.jpg", "y": 1}, "are 3x42x42; expected 3x3x42x42"),
        ({"X": torch.full((3, 3, 42, 42), -2.0), "file": "a.jpg", "y": 1}, "values from -2 to -2"),
        ({"file": "a.jpg", "y": 1}, "entry 0 lacks 'X'"),
    ],
)
def test_lists_of_anything_else_are_refused(lists, entry, message):
    torch.save([entry], lists / "train_data.pth.tar")
    with pytest.raises(InputError, match=message):
        open_recording(CropListsData(source="crop-lists", path=lists))


def test_photographs_of_lists_need_their_maps(lists):
    (lists / "ALLFIXATIONMAPS" / "test_fixMap.jpg").unlink()
    with pytest.raises(InputError, match=r"test_fixMap\.jpg: no such map"):
        open_recording(CropListsData(source="crop-lists", path=lists))
