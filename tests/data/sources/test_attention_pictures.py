"""Photographs with attention maps, in small trees of exactly the published layouts."""

import shutil

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.contract import collate
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.photographs.photograph_sections import AttentionPicturesData
from xgaze.errors import InputError

SIZE = (40, 30)  # width, height


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=100)


def photograph(rng):
    return rng.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def spot(x, y, peak=200):
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.round(peak * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 40)).astype(np.uint8)


@pytest.fixture
def cub(tmp_path):
    """Two classes of eight pictures, the first five of each for training."""
    rng, root = np.random.default_rng(0), tmp_path / "cub"
    images, labels, splits = [], [], []
    for key in range(1, 17):
        label = (key - 1) // 8 + 1
        name = f"{label:03d}.Bird_{label}/{key}.jpg"
        save(root / "images" / name, photograph(rng))
        save(root / "CUB_GHA" / f"{key}.jpg", spot(10, 10))
        images.append(f"{key} {name}")
        labels.append(f"{key} {label}")
        splits.append(f"{key} {int((key - 1) % 8 < 5)}")
    for file, lines in zip(("images", "image_class_labels", "train_test_split"), (images, labels, splits), strict=True):
        (root / f"{file}.txt").write_text("\n".join(lines) + "\n")
    return AttentionPicturesData(source="attention-pictures", path=root, layout="cub", side=16, resize=18)


@pytest.fixture
def chests(tmp_path):
    """Twelve patients of two radiographs each."""
    rng, root = np.random.default_rng(0), tmp_path / "cxr"
    lines = ["patient_id,path,dicom_id,Normal,CHF,pneumonia"]
    for k in range(24):
        patient = k // 2
        save(root / f"files/p{patient}/s{k}/d{k}.jpg", photograph(rng)[..., 0])
        save(root / f"d{k}" / "heatmap.png", spot(20, 15))
        told = ",".join(str(int(patient % 3 == label)) for label in range(3))
        lines.append(f"{patient},files/p{patient}/s{k}/d{k}.dcm,d{k},{told}")
    (root / "master_sheet.csv").write_text("\n".join(lines) + "\n")
    return AttentionPicturesData(source="attention-pictures", path=root, layout="cxr-eye", side=16)


@pytest.fixture
def listed(tmp_path):
    """A table of twelve pictures of six groups."""
    rng, root = np.random.default_rng(0), tmp_path / "listed"
    lines = ["picture,map,label,group"]
    for k in range(12):
        save(root / f"p/{k}.png", photograph(rng))
        save(root / f"m/{k}.png", spot(5 + k, 10))
        lines.append(f"p/{k}.png,m/{k}.png,{('cat', 'dog')[k // 2 % 2]},g{k // 2}")
    (root / "pictures.csv").write_text("\n".join(lines) + "\n")
    return AttentionPicturesData(source="attention-pictures", path=root / "pictures.csv", side=16)


def refusal(data):
    with pytest.raises(InputError) as error:
        open_recording(data)
    return str(error.value)


def test_cub_labels_start_at_one_and_test_pictures_are_those_of_the_file(cub):
    recording = open_recording(cub)
    table = recording.table.set_index("id")
    assert recording.spec.classes == ("001.Bird_1", "002.Bird_2") and recording.spec.groups == "pictures"
    assert table["label"].tolist() == [0] * 8 + [1] * 8
    assert set(table.index[table["split"] == "test"]) == {"6", "7", "8", "14", "15", "16"}


def test_validation_is_cut_from_training_and_never_from_test(cub):
    for seed in range(5):
        table = open_recording(cub.model_copy(update={"seed": seed})).table.set_index("id")
        assert (table["split"] == "test").sum() == 6
        held = table[table["split"] == "validation"]
        assert held["label"].tolist() == [0, 1]  # 0.15 of five, of each class
        assert not set(held.index) & {"6", "7", "8", "14", "15", "16"}


def test_photographs_and_maps_are_resized_and_cut_alike(cub):
    # A map that is the photograph itself, in grey, stays so.
    rng = np.random.default_rng(3)
    smooth = np.asarray(Image.fromarray(rng.integers(0, 256, (5, 7), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC))
    smooth = np.round((smooth - smooth.min()) / np.ptp(smooth.astype(float)) * 255).astype(np.uint8)
    for folder, name in (("images/001.Bird_1", "1"), ("CUB_GHA", "1")):
        save(cub.path / folder / f"{name}.jpg", smooth)
    sample = open_recording(cub)[0]
    assert sample.inputs["image"].shape == (3, 16, 16) and sample.aux["attention"].shape == (1, 16, 16)
    assert np.abs(sample.inputs["image"][:1].astype(int) - sample.aux["attention"]).max() <= 12  # JPEG, and stretching


def test_the_middle_of_the_resized_photograph_is_seen(cub):
    recording = open_recording(cub)
    whole = recording.whole(0)
    assert whole.inputs["image"].shape == (3, 18, 24)
    np.testing.assert_array_equal(recording[0].inputs["image"], whole.inputs["image"][:, 1:17, 4:20])
    np.testing.assert_array_equal(recording[0].aux["attention"], whole.aux["attention"][:, 1:17, 4:20])


def test_a_model_that_reads_maps_gets_them_as_an_input_in_0_to_1(cub):
    recording = open_recording(cub.model_copy(update={"attention": "input"}))
    batch = collate([recording[0], recording[1]], recording.spec)
    assert [x.shape for x in batch.inputs] == [(2, 3, 16, 16), (2, 1, 16, 16)]
    assert float(batch.inputs[1].min()) >= 0 and 0.5 < float(batch.inputs[1].max()) <= 1
    assert "attention" not in open_recording(cub.model_copy(update={"attention": "none"}))[0].aux


def test_chests_are_kept_together_by_patient_and_told_by_the_column_that_is_one(chests):
    recording = open_recording(chests)
    assert recording.spec.classes == ("Normal", "CHF", "pneumonia") and recording.spec.groups == "patients"
    assert recording.table["label"].tolist() == [k // 2 % 3 for k in range(24)]
    assert (recording.table.groupby("group")["split"].nunique() == 1).all()
    assert recording.table["group"].nunique() == 12


def test_a_chest_map_is_one_where_it_is_above_three_tenths(chests):
    whole = open_recording(chests.model_copy(update={"side": 30})).whole(0)
    stored = np.asarray(Image.open(chests.path / "d0" / "heatmap.png")).astype(float)
    expected = (stored - stored.min()) / np.ptp(stored) > 0.3
    np.testing.assert_array_equal(whole.aux["attention"][0], 255 * expected)


def test_a_row_without_exactly_one_finding_is_refused(chests):
    sheet = chests.path / "master_sheet.csv"
    sheet.write_text(sheet.read_text().replace("d0,1,0,0", "d0,1,1,0").replace("d3,0,1,0", "d3,0,0,0"))
    text = refusal(chests)
    assert "row 2: 2 of Normal, CHF, pneumonia are 1" in text and "row 5: 0 of Normal" in text


def test_a_table_keeps_groups_apart(listed):
    recording = open_recording(listed)
    assert recording.spec.classes == ("cat", "dog") and recording.spec.unit == "AUC"
    assert (recording.table.groupby("group")["split"].nunique() == 1).all()
    assert set(recording.table["split"]) == {"train", "validation", "test"}


def test_a_table_may_tell_its_splits(listed):
    lines = listed.path.read_text().splitlines()
    told = ["train"] * 8 + ["test"] * 4
    listed.path.write_text(
        "\n".join([lines[0] + ",split", *(f"{a},{b}" for a, b in zip(lines[1:], told, strict=True))])
    )
    told_by = listed.columns.model_copy(update={"split": "split"})
    splits = open_recording(listed.model_copy(update={"columns": told_by})).table["split"].tolist()
    assert splits[8:] == ["test"] * 4 and set(splits[:8]) == {"train", "validation"}


def test_a_table_without_its_group_column_is_refused_and_never_split_by_picture(listed):
    listed.path.write_text(listed.path.read_text().replace("label,group", "label,patient"))
    assert "column 'group' is missing" in refusal(listed)
    alone = listed.columns.model_copy(update={"group": None})
    recording = open_recording(listed.model_copy(update={"columns": alone}))
    assert recording.spec.groups == "pictures" and recording.table["group"].is_unique


def test_absent_files_are_named_all_at_once(cub):
    (cub.path / "images/001.Bird_1/2.jpg").unlink()
    shutil.rmtree(cub.path / "CUB_GHA")
    text = refusal(cub)
    assert "001.Bird_1/2.jpg: no such photograph" in text and "8 faults" not in text
    assert text.count("no such attention map") == 8  # of training, none of test or validation
    assert refusal(cub.model_copy(update={"attention": "input"})).count("no such attention map") == 16
    assert "attention map" not in refusal(cub.model_copy(update={"attention": "none"}))


def test_labels_from_zero_and_strange_ids_are_refused(cub):
    labels = cub.path / "image_class_labels.txt"
    labels.write_text(labels.read_text().replace("1 1\n", "1 0\n", 1).replace("16 2", "99 2"))
    text = refusal(cub)
    assert "2 ids are not the ids of images.txt" in text and "id 1 has class '0'; classes are counted from 1" in text


@pytest.mark.parametrize("value", [0, 77])
def test_a_blank_map_is_refused_by_name_and_never_becomes_nan(listed, value):
    save(listed.path.parent / "m/3.png", np.full((30, 40), value, np.uint8))
    training = open_recording(listed).resplit(dict.fromkeys([f"g{k}" for k in range(6)], "train"))
    with pytest.raises(InputError, match=r"3\.png: a blank attention map"):
        training[3]
    (fault,) = check(listed)
    assert fault.kind == "blank map" and "3.png" in fault.message
    assert check(listed.model_copy(update={"attention": "none"})) == []


def test_a_test_picture_needs_no_map_where_the_model_reads_none(listed):
    save(listed.path.parent / "m/3.png", np.zeros((30, 40), np.uint8))
    testing = open_recording(listed).resplit(dict.fromkeys([f"g{k}" for k in range(6)], "test"))
    assert "attention" in testing[2].aux and "attention" not in testing[3].aux
    both = open_recording(listed.model_copy(update={"attention": "input"}))
    with pytest.raises(InputError, match="blank attention map"):
        both.resplit(dict.fromkeys([f"g{k}" for k in range(6)], "test"))[3]


def test_sound_trees_have_no_fault(cub, chests, listed):
    assert check(cub) == check(chests) == check(listed) == []


def test_other_pictures_are_predicted_from_a_folder(listed):
    spec = open_recording(listed).spec
    recording = open_for_prediction(listed.path.parent / "p", spec, listed)
    assert len(recording.table) == 12 and set(recording.table["label"]) == {-1}
    assert recording[0].inputs["image"].shape == (3, 16, 16)


def test_a_model_that_reads_maps_finds_them_beside_the_pictures_it_predicts_on(listed, tmp_path):
    both = listed.model_copy(update={"attention": "input"})
    spec, folder = open_recording(both).spec, tmp_path / "new"
    rng = np.random.default_rng(0)
    for name in ("a", "deep/b"):
        save(folder / f"{name}.jpg", rng.integers(0, 256, (30, 40, 3), np.uint8))
        save(folder / f"maps/{name}.png", np.tile(np.arange(40, dtype=np.uint8), (30, 1)))
    recording = open_for_prediction(folder, spec, both)
    assert list(recording.table["id"]) == ["a.jpg", "deep/b.jpg"]
    assert {one: recording[1].inputs[one].shape for one in ("image", "attention")} == {
        "image": (3, 16, 16),
        "attention": (1, 16, 16),
    }
    assert (np.diff(recording[0].inputs["attention"][0].astype(int)) > 0).all()
    (folder / "maps/a.png").unlink()
    with pytest.raises(
        InputError, match=r"reads attention maps too, and 1 of 2 pictures have none, e\.g\. a\.jpg: put it at"
    ):
        open_for_prediction(folder, spec, both)


def test_a_square_larger_than_the_photograph_is_refused():
    with pytest.raises(ValueError, match="resize must not be less than side"):
        AttentionPicturesData(source="attention-pictures", path="x", side=64, resize=32)
