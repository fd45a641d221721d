"""ETH-XGaze, MPIIFaceGaze (normalised) and FAZE's files, generated in their layouts: known faces come out right, and what is
damaged is told with its file."""

import json
import pickle
import runpy
from pathlib import Path

import h5py
import numpy as np
import pytest

from xgaze.data.checks.soundness import checked
from xgaze.data.contract import collate
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.models.registry import build

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
KIT = ("angles", "assert_looks_as_labelled", "face", "looked", "section")
angles, assert_looks_as_labelled, face, looked, section = (DRAWN[name] for name in KIT)
PEOPLE, FRAMES = 6, 4


@pytest.fixture
def eth(tmp_path):
    """(folder, vectors of gaze by person, angles of heads by person)."""
    rng, gaze, head = np.random.default_rng(0), {}, {}
    (tmp_path / "train").mkdir()
    for name in (f"subject{k:04d}" for k in range(PEOPLE)):
        gaze[name], head[name] = looked(rng, FRAMES), rng.normal(0, 0.2, (FRAMES, 2))
        with h5py.File(tmp_path / "train" / f"{name}.h5", "w") as file:
            patches = np.stack([face(one)[..., ::-1] for one in gaze[name]])
            file.create_dataset("face_patch", data=patches, chunks=(1, *patches.shape[1:]), compression="lzf")
            file["face_gaze"], file["face_head_pose"] = angles(gaze[name]), head[name]
            file["cam_index"] = np.arange(FRAMES)[:, None]
    names = [f"subject{k:04d}.h5" for k in range(PEOPLE)]
    (tmp_path / "train_test_split.json").write_text(json.dumps({"train": names, "test": ["subject0099.h5"]}))
    return tmp_path, gaze, head


@pytest.fixture
def faces(tmp_path):
    """MPIIFaceGaze as MATLAB v7.3 has it: axes reversed, blue first."""
    rng, gaze = np.random.default_rng(1), {}
    for name in (f"p{k:02d}" for k in range(PEOPLE)):
        gaze[name] = looked(rng, FRAMES)
        with h5py.File(tmp_path / f"{name}.mat", "w") as file:
            file["Data/data"] = np.stack([face(one)[..., ::-1].transpose(2, 0, 1) for one in gaze[name]])
            file["Data/label"] = np.concatenate([angles(gaze[name]), rng.normal(0, 0.2, (FRAMES, 14))], axis=1)
    return tmp_path, gaze


@pytest.fixture
def strips(tmp_path):
    """FAZE's MPIIGaze.h5: strips of 64 x 256 with a face in the middle, red first."""
    rng, gaze = np.random.default_rng(2), {}
    with h5py.File(tmp_path / "MPIIGaze.h5", "w") as file:
        for name in (f"p{k:02d}" for k in range(PEOPLE)):
            gaze[name] = looked(rng, FRAMES)
            strip = np.zeros((FRAMES, 64, 256, 3), np.uint8)
            strip[:, :, 96:160] = [face(one) for one in gaze[name]]
            file[f"{name}/pixels"] = strip
            file[f"{name}/labels"] = np.concatenate([angles(gaze[name]), np.zeros((FRAMES, 2))], axis=1)
    return tmp_path, gaze


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_every_patch_of_eth_xgaze_looks_as_its_label_says(eth, colour):
    root, gaze, head = eth
    recording = open_recording(section("eth-xgaze", root, side=48, colour=colour))
    assert len(recording.table) == PEOPLE * FRAMES
    for row, name in enumerate(recording.table["id"]):
        person, _, place = name.partition("/")
        sample = recording[row]
        assert_looks_as_labelled(sample, "face", gaze[person][int(place)], colour)
        np.testing.assert_allclose(sample.inputs["head"], head[person][int(place)], rtol=1e-6)
        assert sample.groups["group"] == person and sample.inputs["face"].shape == (3, 48, 48)
    known = recording.conditions(np.arange(FRAMES))
    assert list(known["camera"]) == ["0", "1", "2", "3"]
    np.testing.assert_allclose(known["head pitch, degrees"], np.degrees(head["subject0000"][:, 0]))


def test_every_face_of_mpiifacegaze_looks_as_its_label_says(faces):
    root, gaze = faces
    recording = open_recording(section("mpiifacegaze", root, side=64))
    for row, name in enumerate(recording.table["id"]):
        person, _, place = name.partition("/")
        assert_looks_as_labelled(recording[row], "face", gaze[person][int(place)])


def test_every_strip_looks_as_its_label_says(strips):
    root, gaze = strips
    recording = open_recording(section("faze", root / "MPIIGaze.h5"))
    for row, name in enumerate(recording.table["id"]):
        person, _, place = name.partition("/")
        sample = recording[row]
        sample.inputs["eyes"] = sample.inputs["eyes"][:, :, 96:160]
        assert_looks_as_labelled(sample, "eyes", gaze[person][int(place)])
    assert open_recording(section("faze", root)).table.equals(recording.table)


SOURCES = {"eth-xgaze": ("eth", "face"), "mpiifacegaze": ("faces", "face"), "faze": ("strips", "eyes")}


@pytest.mark.parametrize("source", SOURCES)
def test_a_definition_says_what_the_network_reads(source, request):
    fixture, picture = SOURCES[source]
    root = request.getfixturevalue(fixture)[0]
    every = open_recording(section(source, root))
    assert [one.name for one in every.spec.inputs] == [picture, "head"]
    for asked in ([picture], ["head", picture], ["head"]):
        recording = open_recording(section(source, root, inputs=asked))
        assert [one.name for one in recording.spec.inputs] == asked
        assert recording.spec.inputs == tuple(one for name in asked for one in every.spec.inputs if one.name == name)
        sample, whole = recording[5], every[5]
        assert list(sample.inputs) == asked and recording.table.equals(every.table)
        for name in asked:
            np.testing.assert_array_equal(sample.inputs[name], whole.inputs[name])


@pytest.mark.parametrize(
    ("name", "args", "inputs"),
    [
        ("resnet", {"depth": 18, "channels": 4, "dropout": 0}, ["face"]),
        ("l2cs", {"depth": 18, "channels": 4, "bins": 28, "bin_degrees": 3, "lowest_degrees": -42}, ["face"]),
        ("resnet-preact", {"channels": 4}, ["face", "head"]),
    ],
)
def test_networks_read_faces_with_the_head_pose_or_without(eth, name, args, inputs):
    recording = open_recording(section("eth-xgaze", eth[0], side=32, inputs=inputs))
    batch = collate([recording[row] for row in range(3)], recording.spec)
    assert build(name, args, recording.spec).eval()(*batch.inputs).shape == (3, 2)
    if name == "resnet":  # a face alone is all that it reads
        with pytest.raises(InputError, match="head"):
            build(name, args, open_recording(section("eth-xgaze", eth[0], side=32)).spec)


def test_what_is_asked_for_is_stored_only_where_it_is_something_else(eth):
    assert "inputs" not in section("eth-xgaze", eth[0]).model_dump()
    assert section("eth-xgaze", eth[0], inputs=["face"]).model_dump()["inputs"] == ["face"]


@pytest.mark.parametrize("source", SOURCES)
def test_faces_are_normalised_by_channel_where_the_definition_says_so(source, request):
    fixture, picture = SOURCES[source]
    root, numbers = request.getfixturevalue(fixture)[0], {"mean": [10, 20, 30], "std": [1, 2, 4]}
    data = section(source, root, colour="bgr", inputs=[picture], **numbers)
    recording = open_recording(data)
    stored = recording[5].inputs[picture].astype(float)
    expected = (stored - np.array([10, 20, 30])[:, None, None]) / np.array([1, 2, 4])[:, None, None]
    np.testing.assert_allclose(collate([recording[5]], recording.spec).inputs[0][0], expected, rtol=1e-5)
    assert not {"mean", "std"} & set(section(source, root).model_dump())  # its hash is what it was
    with pytest.raises(ValueError, match="mean: 2 numbers; give one, or one per channel"):
        section(source, root, mean=[1, 2])


@pytest.mark.parametrize(
    ("inputs", "told"), [(["face", "face"], "name each input once"), ([], "at least 1"), (["nose"], "'face' or 'head'")]
)
def test_inputs_that_are_none_are_told(eth, inputs, told):
    with pytest.raises(ValueError, match=told):
        section("eth-xgaze", eth[0], inputs=inputs)


def test_people_of_two_files_are_not_the_same(strips):
    root, _ = strips
    (root / "GazeCapture.h5").write_bytes((root / "MPIIGaze.h5").read_bytes())
    table = open_recording(section("faze", root)).table
    assert table["group"].nunique() == 2 * PEOPLE and table["id"].is_unique


def test_one_of_every_so_many(eth, strips):
    assert len(open_recording(section("eth-xgaze", eth[0], every=3)).table) == PEOPLE * 2
    assert len(open_recording(section("faze", strips[0], every=2)).table) == PEOPLE * 2


def test_no_handle_travels_to_another_process(eth):
    recording = open_recording(section("eth-xgaze", eth[0], side=32))
    before = recording[3].inputs["face"]
    assert recording.handles
    again = pickle.loads(pickle.dumps(recording))
    assert not again.handles
    np.testing.assert_array_equal(again[3].inputs["face"], before)


@pytest.mark.parametrize("source", ["eth-xgaze", "mpiifacegaze", "faze"])
def test_all_are_sound(source, request, faults_of_people):
    fixture = {"eth-xgaze": "eth", "mpiifacegaze": "faces", "faze": "strips"}[source]
    assert faults_of_people(section(source, request.getfixturevalue(fixture)[0])) == []


def test_a_truncated_chunk_is_told_with_its_row(eth, faults_of_people):
    file = eth[0] / "train/subject0002.h5"
    with h5py.File(file) as stored:
        chunk = stored["face_patch"].id.get_chunk_info(2)
    content = bytearray(file.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    file.write_bytes(bytes(content))
    found = faults_of_people(section("eth-xgaze", eth[0]))
    assert [(one.kind, "subject0002.h5: row 2 of 'face_patch'" in one.message) for one in found] == [
        ("unreadable sample", True)
    ]


@pytest.mark.parametrize("kept", [0, 100, -500])
def test_a_truncated_file_is_one_clear_error(eth, kept):
    file = eth[0] / "train/subject0001.h5"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"subject0001\.h5: not readable as HDF5"):
        open_recording(section("eth-xgaze", eth[0]))


def changed(file, name, data):
    with h5py.File(file, "r+") as stored:
        del stored[name]
        if data is not None:
            stored[name] = data


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("face_gaze", None, r"subject0003\.h5: holds no 'face_gaze'"),
        ("face_patch", None, r"holds no 'face_patch'"),
        ("face_gaze", np.zeros((FRAMES - 1, 2)), r"differ in rows: 4 of 'face_patch', 3 of 'face_gaze'"),
        ("face_head_pose", np.zeros(FRAMES), r"'face_head_pose' is 4 float64, not rows of 2 numbers"),
        ("face_patch", np.zeros((FRAMES, 8, 8), np.uint8), r"'face_patch' is 4x8x8 uint8, not pictures in colour"),
        ("face_gaze", np.full((FRAMES, 2), np.nan), r"row 0 of 'face_gaze' is no direction \(4 such rows\)"),
        ("face_head_pose", np.full((FRAMES, 2), np.inf), r"row 0 of 'face_head_pose' is no direction"),
        ("face_patch", np.zeros((FRAMES, 3, 8, 8), np.uint8), r"is 4x3x8x8 uint8, not pictures in colour"),
        ("face_patch", np.full((FRAMES, 8, 8, 3), b"x"), r"not pictures in colour"),
        ("face_patch", np.full((FRAMES, 8, 8, 3), 0.7), r"holds numbers from 0\.7 to 0\.7, not from 0 to 255"),
        ("cam_index", np.zeros((2, 1)), r"differ in rows: 4 of 'face_patch', 2 of 'cam_index'"),
    ],
)
def test_what_a_file_lacks_is_told(eth, name, data, told):
    changed(eth[0] / "train/subject0003.h5", name, data)
    with pytest.raises(InputError, match=told):
        open_recording(section("eth-xgaze", eth[0]))


def test_a_group_in_place_of_a_data_set_is_told(eth):
    file = eth[0] / "train/subject0003.h5"
    with h5py.File(file, "r+") as stored:
        del stored["face_gaze"]
        stored.create_group("face_gaze")
    with pytest.raises(InputError, match=r"holds no 'face_gaze'"):
        open_recording(section("eth-xgaze", eth[0]))


def test_cameras_that_one_file_does_not_tell_are_not_known(eth):
    changed(eth[0] / "train/subject0003.h5", "cam_index", None)
    recording = open_recording(section("eth-xgaze", eth[0]))
    known = recording.conditions(np.arange(len(recording.table)))["camera"]
    assert len(known) == PEOPLE * FRAMES and (known == "").sum() == FRAMES


@pytest.mark.parametrize("listing", ["{", "[]", '{"test": []}', '{"train": 3}', "[" * 100_000])
def test_a_list_that_is_none_is_told(eth, listing):
    (eth[0] / "train_test_split.json").write_text(listing)
    with pytest.raises(InputError, match=r"train_test_split\.json: not the list"):
        open_recording(section("eth-xgaze", eth[0]))


def told_of(data):
    """What opening tells, and what checking finds."""
    with pytest.raises(InputError) as told:
        open_recording(data)
    return str(told.value), [one.message for one in checked(data).faults]


def test_people_that_are_missing_and_damaged_are_told_together(eth):
    for k in (0, 4):
        (eth[0] / f"train/subject{k:04d}.h5").unlink()
    (eth[0] / "train/subject0001.h5").write_bytes(b"not HDF5")
    changed(eth[0] / "train/subject0003.h5", "face_gaze", np.full((FRAMES, 2), np.nan))
    told, found = told_of(section("eth-xgaze", eth[0]))
    assert "4 faults" in told and all(one in told for one in found)
    for name, why in ((0, "no such file"), (4, "no such file"), (1, "not readable as HDF5"), (3, "no direction")):
        assert any(f"subject{name:04d}.h5: " in one and why in one for one in found)


def test_faces_that_are_damaged_are_told_together(faces):
    changed(faces[0] / "p01.mat", "Data/label", np.zeros((FRAMES, 3)))
    changed(faces[0] / "p04.mat", "Data/data", None)
    told, found = told_of(section("mpiifacegaze", faces[0]))
    assert "2 faults" in told and ["p01.mat" in found[0], "p04.mat: holds no 'Data/data'" in found[1]] == [True, True]


def test_people_that_are_damaged_in_one_file_are_told_together(strips):
    (strips[0] / "Other.h5").write_bytes(b"not HDF5")
    changed(strips[0] / "MPIIGaze.h5", "p01/labels", np.full((FRAMES, 4), np.nan))
    changed(strips[0] / "MPIIGaze.h5", "p03/pixels", None)
    told, found = told_of(section("faze", strips[0]))
    assert "3 faults" in told and len(found) == 3
    for one, why in zip(found, ("row 0 of 'p01/labels'", "'p03/pixels'", "Other.h5: not readable"), strict=True):
        assert why in one


@pytest.mark.parametrize("source", ["eth-xgaze", "mpiifacegaze", "faze"])
def test_an_empty_folder_says_what_to_give(source, tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section(source, tmp_path))


def test_without_h5py_it_says_what_to_install(eth, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"pip install 'xgaze\[hdf5\]'"):
        open_recording(section("eth-xgaze", eth[0]))
