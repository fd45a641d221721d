"""Pictures that are nearly the same, planted in the rendered recording; and people whose frames are merely alike."""

import io

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks import perceptual_hash
from xgaze.data.checks.copy_faults import copies_told, copy_faults
from xgaze.data.checks.nearest_elsewhere import along_leading, closest_approach, nearest_elsewhere
from xgaze.data.checks.opened import check_opened
from xgaze.data.checks.perceptual_hash import comparable, hash_of
from xgaze.data.checks.pixel_faults import Looked, kept_hashes
from xgaze.data.checks.soundness import check
from xgaze.data.open import open_recording
from xgaze.data.sources.arrays import ArrayRecording
from xgaze.data.sources.rendered import RenderedData

ACROSS, NAMES = "nearly identical images across splits", "one person under two names"


@pytest.fixture(scope="module")
def rendered():
    """Inputs, targets, people and splits of 30 rendered people of 4 frames."""
    people = {"train_participants": 16, "validation_participants": 6, "test_participants": 8}
    data = RenderedData(source="rendered", height=64, width=80, frames_per_participant=4, **people)
    recording = open_recording(data)
    names = [one.name for one in recording.spec.inputs]
    frames = [recording[row].inputs for row in range(len(recording.table))]
    table = recording.table
    targets = table[recording.spec.targets].to_numpy(np.float64)
    return {name: np.stack([one[name] for one in frames]) for name in names}, targets, table["group"], table["split"]


def kinds(rendered, change=lambda inputs, people: None):
    """Faults of a copy of the recording that was changed in place: kind -> messages."""
    inputs, targets, people, splits = rendered
    own, names = {name: one.copy() for name, one in inputs.items()}, people.to_numpy().copy()
    change(own, names)
    recording = ArrayRecording(own, targets, names, splits=splits, scene=(800, 600))
    found = {}
    for fault in check_opened(lambda: recording).faults:
        found.setdefault(fault.kind, []).append(fault.message)
    return found


def compressed(pixels):
    """Grey (height, width) at half the size, as JPEG, at 80 % of the brightness."""
    height, width = pixels.shape
    file = io.BytesIO()
    Image.fromarray((pixels * 0.8).astype(np.uint8)).resize((width // 2, height // 2)).save(file, "JPEG", quality=80)
    return np.asarray(Image.open(file).resize((width, height)))


def row_of(rendered, split, place=0):
    return np.flatnonzero(rendered[3] == split)[place]


def test_people_who_are_merely_alike_are_no_copies(rendered):
    assert kinds(rendered) == {}


def test_copies_in_another_size_and_brightness_are_found_and_counted_by_people(rendered):
    train, test = row_of(rendered, "train"), row_of(rendered, "test")
    people = rendered[2].to_numpy()

    def leak(inputs, _):
        for one in inputs.values():
            for k in range(3):
                one[test + k, 0] = compressed(one[train + k, 0])

    (message,) = kinds(rendered, leak).pop(ACROSS)
    a, b = people[train], people[test]
    assert message == (
        f"{a}/{train} (train) and {b}/{test} (test) are nearly the same; "
        f"3 of the 4 samples of {b} nearly show what those of {a} do."
    )


def test_one_camera_alone_is_no_copy(rendered):
    def leak(inputs, _):
        one = next(iter(inputs.values()))
        one[row_of(rendered, "test"), 0] = compressed(one[row_of(rendered, "train"), 0])

    assert kinds(rendered, leak) == {}


def test_one_person_under_two_names_in_one_split(rendered):
    first = row_of(rendered, "test", 4)

    def rename(inputs, names):
        noise = np.random.default_rng(0)
        for one in inputs.values():
            near = one[first] + noise.normal(0, 2, one[first].shape)
            one[first + 1] = near.clip(0, 255).astype(np.uint8)
        names[first + 1 : first + 4] = "somebody else"

    found = kinds(rendered, rename)
    assert list(found) == [NAMES] and found[NAMES][0].endswith(
        f"1 of the 3 samples of somebody else nearly show what those of {rendered[2].iloc[first]} do."
    )


def test_frames_that_show_nothing_are_copies_of_nothing(rendered):
    def close(inputs, _):
        noise = np.random.default_rng(0)
        for one in inputs.values():
            one[::4] = noise.integers(118, 122, one[::4].shape)

    assert kinds(rendered, close) == {}


def test_lost_frames_all_black_are_no_identical_images(rendered):
    def lose(inputs, _):
        for one in inputs.values():
            one[::4] = 0

    assert kinds(rendered, lose) == {}


def test_pictures_of_fractions_are_compared_as_well(rendered):
    inputs, targets, people, splits = rendered
    train, test = row_of(rendered, "train"), row_of(rendered, "test")
    normalised = {name: (one.astype(np.float32) - 90) / 40 for name, one in inputs.items()}

    def found():
        recording = ArrayRecording(normalised, targets, people.to_numpy(), splits=splits, scene=(800, 600))
        return [fault.kind for fault in check_opened(lambda: recording).faults]

    assert found() == []
    for one in normalised.values():
        one[test] = one[train]
        one[test + 5] = one[train + 9] * 0.7 + 0.1
    assert found() == ["identical images across splits", ACROSS]


def test_a_manifest_tells_the_rows(manifest):
    data = manifest()
    for view in ("left", "right"):
        picture = Image.open(data.path.parent / f"eyes/tr0_0_{view}.png")
        picture.point(lambda grey: grey * 0.9).save(data.path.parent / f"eyes/te0_0_{view}.png")
    (fault,) = check(data)
    assert (fault.kind, fault.message) == (
        ACROSS,
        "row 1 (train) and row 51 (test) are nearly the same; 1 of the 5 samples of te0 nearly show what those of tr0 do.",
    )


def looked(hashes, owners, splits):
    return [
        Looked(f"{k}", split, f"{k}", (), owner=owner, hash=one)
        for k, (one, owner, split) in enumerate(zip(hashes, owners, splits, strict=True))
    ]


def test_photographs_of_one_split_may_be_alike_and_no_count_is_told_of_single_ones():
    noise = np.random.default_rng(0).integers(0, 256, (6, 16, 16), np.uint8)
    noise[3] = noise[2] = noise[0]
    seen = looked([hash_of([one]) for one in noise], "abcdef", ["train", "train", "train", "test", "test", "test"])
    assert [fault.message for fault in copy_faults(seen, "stimuli")] == [
        "0 (train) and 3 (test) are nearly the same.",
        "2 (train) and 3 (test) are nearly the same.",
    ]
    assert [fault.kind for fault in copy_faults(seen)] == [ACROSS, ACROSS, NAMES]


def test_of_more_pictures_than_are_kept_some_are_hashed_and_told(monkeypatch):
    monkeypatch.setattr(perceptual_hash, "MOST_PICTURES", 8)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 16), np.uint8)
    seen = kept_hashes(looked([hash_of([one]) for one in noise], "abcdefabcdef", ["train"] * 12), 12, 1)
    assert [bool(one.hash) for one in seen] == [True, False] * 6
    assert copies_told(seen) == ["Nearly identical pictures were looked for among 6 of 12 samples, evenly spaced."]
    assert copies_told(seen[:1]) == [] == copies_told([])


def test_hashes_do_not_see_brightness_contrast_and_size():
    noise = np.random.default_rng(0).integers(0, 200, (16, 16), np.uint8)
    large = np.kron(noise, np.ones((4, 4), np.uint8))
    hashes = np.frombuffer(hash_of([noise]) + hash_of([large]) + hash_of([noise // 2 + 50]), np.uint8).reshape(3, -1)
    one, other, faint = comparable(hashes)
    assert np.linalg.norm(one) == pytest.approx(1) and (one == other).all()
    assert np.linalg.norm(one - faint) < 0.01
    colour = hash_of([np.stack([noise, noise, noise])])
    assert colour == hash_of([noise]) and not comparable(np.full((1, 512), 9, np.uint8)).any()


def test_the_nearest_of_others_is_what_all_distances_say():
    rng = np.random.default_rng(0)
    points, owners = rng.normal(size=(300, 24)).astype(np.float32), rng.integers(0, 11, 300)
    points[200:240] = points[:40] + rng.normal(0, 0.05, (40, 24))
    which = np.flatnonzero(rng.random(300) < 0.8)
    shadows = along_leading(lambda rows: points[rows], 300)
    assert shadows.shape == (300, 16)
    found = nearest_elsewhere(lambda rows: points[rows], shadows, which, owners[which], 0.4)
    apart = np.linalg.norm(points[which, None] - points[None, which], axis=2)
    apart[owners[which, None] == owners[None, which]] = np.inf
    wanted = np.where(apart.min(axis=1) <= 0.4, which[apart.argmin(axis=1)], -1)
    assert (found == wanted).all() and 30 < (found >= 0).sum() < 80
    assert (nearest_elsewhere(lambda rows: points[rows], shadows, which, np.zeros(len(which)), 9.0) == -1).all()


def test_the_closest_approach_is_a_median_over_pairs_of_owners():
    points, owners = np.array([[0.0], [5.0], [1.0], [9.0]], np.float32), np.array([0, 0, 1, 1])
    assert closest_approach(lambda rows: points[rows], owners) == pytest.approx(1)
    assert closest_approach(lambda rows: points[rows], np.zeros(4)) == 0
