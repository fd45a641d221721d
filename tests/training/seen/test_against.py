"""Pictures that were changed since a model was trained: each change is planted in the rendered recording, and found."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import rows_of
from xgaze.data.open import open_recording
from xgaze.data.sources.arrays import ArrayRecording
from xgaze.data.sources.rendered import RenderedData
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.training.seen.against import SAMPLES, best_change, faults_against, held_against
from xgaze.training.seen.changed_pictures import CHANGES, numbers_of, together
from xgaze.training.seen.seen_pictures import EMBEDDING, read_seen, what_was_seen, write_seen
from xgaze.training.seen.spread import spread_of

PLANTED = {
    "mirrored": lambda x: x[..., ::-1],
    "upside down": lambda x: x[..., ::-1, :],
    "turned": lambda x: x[..., ::-1, ::-1],
    "clockwise": lambda x: np.rot90(x, -1, axes=(2, 3)),
    "anticlockwise": lambda x: np.rot90(x, 1, axes=(2, 3)),
    "transposed": lambda x: x.swapaxes(2, 3),
    "transversed": lambda x: x[..., ::-1, ::-1].swapaxes(2, 3),
    "inverted": lambda x: 255 - x,
    "channels": lambda x: x[:, ::-1],
    "unscaled": lambda x: x.astype(np.float32) / 255,
}


class Towers(FeatureHead):
    """A small network that was not trained: its embedding sees what its pictures show all the same."""

    def __init__(self, inputs, channels):
        super().__init__()
        torch.manual_seed(0)
        self.towers = nn.ModuleList(nn.Conv2d(channels, 6, 5, 4) for _ in range(inputs))
        self.head = Float32Sequential(nn.Linear(inputs * 6 * 15 * 15, 2))

    def features(self, *inputs):
        return torch.cat([tower(x).relu().flatten(1) for tower, x in zip(self.towers, inputs, strict=True)], dim=1)


@pytest.fixture(scope="module")
def rendered():
    """Square pictures of two cameras in colour: 36 people of 4 frames, tinted as skin is."""
    people = {"train_participants": 24, "validation_participants": 6, "test_participants": 8}
    recording = open_recording(RenderedData(source="rendered", height=64, width=64, frames_per_participant=4, **people))
    names = [one.name for one in recording.spec.inputs][:2]
    tint = np.array([1.0, 0.8, 0.6])[:, None, None]
    frames = [recording[row].inputs for row in range(len(recording.table))]
    inputs = {name: np.stack([(one[name] * tint).astype(np.uint8) for one in frames]) for name in names}
    table = recording.table
    return inputs, table[recording.spec.targets].to_numpy(np.float64), table["group"], table["split"]


def recording_of(rendered, **changed):
    inputs, targets, people, splits = rendered
    return ArrayRecording({**inputs, **changed}, targets, people, splits=splits, scene=(800, 600))


@pytest.fixture(scope="module")
def trained(rendered):
    """A model, and what it was trained on."""
    model = Towers(2, 3).eval()
    return model, what_was_seen(model, recording_of(rendered))


def found(trained, recording, spec=None):
    faults, told = faults_against(held_against(*trained, recording.with_spec(spec) if spec else recording))
    return [fault.message for fault in faults], told


def new_people(rendered, change=lambda x: x, only=()):
    """The test people, in all three splits, their pictures changed."""
    inputs, targets, people, splits = rendered
    rows = np.flatnonzero(splits == "test")
    own = np.repeat(["train", "validation", "test"], [16, 8, 8])
    changed = {
        name: np.ascontiguousarray(change(x[rows]) if name in (only or inputs) else x[rows])
        for name, x in inputs.items()
    }
    return ArrayRecording(changed, targets[rows], people.to_numpy()[rows], splits=own, scene=(800, 600))


def test_pictures_as_in_training_are_told_nothing_of(rendered, trained):
    assert found(trained, new_people(rendered)) == ([], [])
    assert found(trained, recording_of(rendered)) == ([], [])


@pytest.mark.parametrize("name", PLANTED)
def test_each_change_is_found_and_told_with_its_remedy(name, rendered, trained):
    recording = new_people(rendered, PLANTED[name])
    (message,), told = found(trained, recording, recording_of(rendered).spec)
    change = CHANGES[name]
    assert message.startswith(f"eye0, eye1: the pictures look {change.done}. With that undone, ")
    assert message.endswith(f"nearer for 8 of 8 participants, 32 samples looked at. {change.remedy}.") and told == []


@pytest.mark.parametrize("name", PLANTED)
def test_undoing_gives_back_what_was(name, rendered):
    before = rendered[0]["eye0"][:4]
    undone = CHANGES[name].undo(np.ascontiguousarray(PLANTED[name](before)), numbers_of(rendered[0]["eye0"]))
    assert np.abs(undone.astype(np.float64) - before).max() <= (15 if name == "inverted" else 1e-3)


def test_one_camera_that_hangs_upside_down_is_named(rendered, trained):
    (message,), _ = found(trained, new_people(rendered, PLANTED["turned"], only=("eye1",)))
    assert message.startswith("eye1: the pictures look turned by 180 degrees.")
    both = new_people(rendered, PLANTED["turned"], only=("eye1",))
    both.inputs["eye0"] = 255 - both.inputs["eye0"]
    assert [one.split(".")[0] for one in found(trained, both)[0]] == [
        "eye0: the pictures look inverted (black for white)",
        "eye1: the pictures look turned by 180 degrees",
    ]


def test_numbers_that_are_not_normalised_like_the_trainings(rendered):
    inputs, targets, people, splits = rendered
    normalised = {name: (x.astype(np.float32) - 90) / 40 for name, x in inputs.items()}
    recording = ArrayRecording(normalised, targets, people, splits=splits, scene=(800, 600))
    model = Towers(2, 3).eval()
    trained = model, what_was_seen(model, recording)
    (message,), _ = found(trained, new_people(rendered), recording.spec)
    assert message.startswith("eye0, eye1: the pictures look not normalised like those.")


LIGHTS = {
    "darker": lambda x: x * 0.5,
    "brighter": lambda x: x * 1.3,
    "flat": lambda x: x * 0.4 + 100,
    "gamma": lambda x: 255 * (x / 255) ** 0.5,
    "noisy": lambda x: x + np.random.default_rng(0).normal(0, 15, x.shape),
    "shifted": lambda x: np.roll(x, 6, axis=3),
    "blurred": lambda x: (x + np.roll(x, 2, axis=2) + np.roll(x, 2, axis=3) + np.roll(x, -2, axis=3)) / 4,
}


@pytest.mark.parametrize("light", LIGHTS)
def test_another_light_or_camera_is_no_change(light, rendered, trained):
    other = new_people(rendered, lambda x: LIGHTS[light](x.astype(np.float64)).clip(0, 255).astype(np.uint8))
    assert found(trained, other)[0] == []


def test_pictures_that_are_not_equalised_as_those_of_the_training_were(rendered):
    def equalised(x):
        ranks = x.reshape(len(x), -1).astype(np.float64) + np.random.default_rng(0).uniform(0, 1, (len(x), x[0].size))
        return (ranks.argsort(axis=1).argsort(axis=1) * 255 / x[0].size).astype(np.uint8).reshape(x.shape)

    inputs, targets, people, splits = rendered
    grey = {name: (x[:, :1] * 0.4 + 60).astype(np.uint8) for name, x in inputs.items()}
    even = {name: equalised(x) for name, x in grey.items()}
    as_trained = ArrayRecording(even, targets, people, splits=splits, scene=(800, 600))
    model = Towers(2, 1).eval()
    seen = model, what_was_seen(model, as_trained)
    (message,), _ = found(seen, new_people((grey, targets, people, splits)), as_trained.spec)
    assert message.startswith("eye0, eye1: the pictures look not equalised, unlike those.")
    assert found(seen, new_people((grey, targets, people, splits), equalised), as_trained.spec) == ([], [])


def test_other_pictures_that_nothing_explains_are_told_with_their_numbers(rendered, trained):
    noise = np.random.default_rng(0)
    strange = new_people(rendered, lambda x: noise.integers(0, 256, x.shape).astype(np.uint8))
    faults, told = found(trained, strange)
    assert faults == [] and [one.split(":")[0] for one in told] == ["eye0", "eye1"]
    assert "no turn, mirror or scale explains it. Mean 127, deviation 73.9; in training" in told[0].replace(
        "128", "127"
    )


def test_a_model_whose_embedding_is_unknown_is_held_against_by_pictures_alone(rendered, trained):
    model, seen = trained
    alone = model, {name: one for name, one in seen.items() if name != EMBEDDING}
    assert found(alone, new_people(rendered)) == ([], [])
    (message,), _ = found(alone, new_people(rendered, PLANTED["mirrored"]))
    assert "mirrored left to right" in message


def test_a_change_that_shows_in_the_embedding_alone(rendered, trained, monkeypatch):
    # Squares so large that a mirror does not show in them.
    from xgaze.training.seen import against, seen_pictures

    def one_square(pictures):
        return pictures.astype(np.float32).mean(axis=(2, 3))

    monkeypatch.setattr(against, "squares", one_square)
    monkeypatch.setattr(seen_pictures, "squares", one_square)
    model = trained[0]
    blind = model, what_was_seen(model, recording_of(rendered))
    assert found(blind, new_people(rendered)) == ([], [])
    (message,), _ = found(blind, new_people(rendered, PLANTED["upside down"]))
    assert "upside down" in message and "their embedding would be" in message


def test_what_was_seen_is_stored_small_and_read_again(rendered, trained, tmp_path):
    _, seen = trained
    file, specs = tmp_path / "seen.safetensors", recording_of(rendered).spec.inputs
    write_seen(file, seen)
    again = read_seen(file, specs)
    assert list(again) == ["0", "1", EMBEDDING] and file.stat().st_size < 400_000
    inputs = np.random.default_rng(0).normal(100, 50, (5, 768)).astype(np.float32)
    np.testing.assert_allclose(again["0"].spread.distances(inputs), seen["0"].spread.distances(inputs), rtol=1e-6)
    assert again["0"].numbers.high == seen["0"].numbers.high and len(again[EMBEDDING].usual) == 6
    with pytest.raises(InputError, match=r"seen\.safetensors: damaged, or of another model"):
        read_seen(file, specs[:1] * 3)
    one = seen["0"]
    write_seen(file, {**seen, "0": type(one)(one.spread, one.usual * np.nan, one.numbers)})
    with pytest.raises(InputError, match="'0' has other shapes, or numbers that are none"):
        read_seen(file, specs)


def test_distances_are_one_on_average_where_points_lie():
    rng = np.random.default_rng(0)
    scales = np.geomspace(10, 1, 40)
    points = (rng.normal(size=(4000, 40)) * scales).astype(np.float32)
    spread = spread_of(points[:2000])
    assert spread.distances(points[2000:]).mean() == pytest.approx(1, abs=0.03)
    assert spread.distances(points[2000:] + 3 * scales.astype(np.float32)).mean() == pytest.approx(10, rel=0.15)
    assert spread.directions @ spread.directions.T == pytest.approx(np.eye(16), abs=1e-5)
    few = spread_of(points[:30])
    assert len(few.variances) == 7 and np.isfinite(few.distances(points)).all()
    flat = spread_of(np.ones((8, 4), np.float32))
    assert np.isfinite(flat.distances(np.ones((1, 4), np.float32))).all()


def test_numbers_of_blocks_are_those_of_the_whole():
    pictures = np.random.default_rng(0).integers(0, 256, (10, 1, 4, 4)).astype(np.uint8)
    whole, parts = numbers_of(pictures), together([(7, numbers_of(pictures[:7])), (3, numbers_of(pictures[7:]))])
    assert (parts.low, parts.high) == (whole.low, whole.high)
    assert (parts.mean, parts.deviation) == pytest.approx((whole.mean, whole.deviation))


def test_a_change_has_to_be_clear_and_good_for_most_people():
    before = np.full(10, 2.0)

    certain = {name for name, one in CHANGES.items() if one.certain}
    assert certain == {"unscaled", "scaled"}

    def may_be(change):
        return not change.certain

    for after, told in (
        ([1.5] * 10, True),
        ([1.7] * 10, False),
        ([1.0] * 8 + [3.0] * 2, False),
        ([1.0] * 9 + [3.0], True),
    ):
        one = best_change(
            before, lambda change, after=after: np.array(after) if change is CHANGES["turned"] else before, may_be
        )
        assert (one is not None) is told


def test_of_many_samples_some_are_read(rendered, trained):
    assert len(rows_of(recording_of(rendered), "train")) == 96
    held = held_against(*trained, recording_of(rendered))
    assert len(held.people) == 152 <= SAMPLES and set(held.people) == set(rendered[2])
