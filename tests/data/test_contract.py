"""What sources yield and models read: normalised per axis, stored as JSON, targets of one shape."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch

from xgaze.data.contract import InputSpec, Sample, Spec, collate, normalise, targets_of
from xgaze.errors import InputError

PICTURE = InputSpec("image", (1, 4, 5), 40.0, 60.0)
SEQUENCE = InputSpec("sequence", (6, 3), (0.5, 0.25, 240.0), (0.2, 0.1, 80.0), "float32")
SPEC = Spec((PICTURE, SEQUENCE), "value", unit="ms")


def sample(value=250.0, **changes):
    inputs = {"image": np.full((1, 4, 5), 100, np.uint8), "sequence": np.full((6, 3), 1.0, np.float32)}
    return Sample("s", {"group": "p"}, {**inputs, **changes}, np.array([value], np.float32))


def test_a_spec_survives_json():
    for spec in (SPEC, replace(SPEC, kind="class", classes=("a", "b")), Spec((PICTURE,), "gaze", scene=(800, 600))):
        assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_spec_stored_before_sequences_were_known_is_read():
    stored = {"inputs": [{"name": "eye0", "shape": [1, 4, 5], "mean": 40.0, "std": 60.0}], "kind": "gaze"}
    assert Spec.from_json(stored).inputs == (InputSpec("eye0", (1, 4, 5), 40.0, 60.0),)


def test_pictures_are_normalised_by_one_number_and_sequences_by_feature():
    assert normalise(np.full((2, 1, 4, 5), 100, np.uint8), PICTURE).unique().tolist() == [1.0]
    values = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
    expected = (values - np.array(SEQUENCE.mean, np.float32)) / np.array(SEQUENCE.std, np.float32)
    found = normalise(values, SEQUENCE)
    assert found.dtype == torch.float32 and np.array_equal(found.numpy(), expected)


COLOUR = InputSpec("face", (3, 4, 5), (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def test_pictures_in_colour_are_normalised_by_channel():
    values = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5)).astype(np.uint8)
    found = normalise(values, COLOUR).numpy()
    for channel, (mean, std) in enumerate(zip(COLOUR.mean, COLOUR.std, strict=True)):
        np.testing.assert_allclose(found[:, channel], (values[:, channel] - mean) / std, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(normalise(values[0], COLOUR).numpy(), found[0])
    spec = Spec((COLOUR,), "gaze", scene=(800, 600))
    assert Spec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_missing_picture_in_colour_is_zero_to_the_network():
    one = replace(COLOUR, mean=(123.0, 116.0, 104.0), may_be_missing=True)
    assert one.absent.dtype == np.uint8 and one.absent[:, 0, 0].tolist() == [123, 116, 104]
    assert not normalise(one.absent, one).any()


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (
            replace(COLOUR, mean=(1.0, 2.0)),
            r"2 numbers as mean of 'face', which is 3x4x5: give one, or one per channel \(3\)",
        ),
        (replace(PICTURE, std=(1.0, 2.0, 3.0)), r"3 numbers as std of 'image'.*per channel \(1\)"),
        (replace(SEQUENCE, mean=(1.0,) * 6), r"6 numbers as mean of 'sequence'.*per number \(3\)"),
    ],
)
def test_as_many_means_as_channels(one, told):
    with pytest.raises(InputError, match=told):
        Spec.from_json(Spec((one,), "value").to_json())


def test_normalising_leaves_the_stored_array_as_it_is():
    values = np.ones((6, 3), np.float32)
    normalise(values, SEQUENCE)
    assert (values == 1).all()


def test_padding_stored_as_the_mean_is_exactly_zero():
    padding = np.tile(np.asarray(SEQUENCE.mean, np.float32), (6, 1))
    assert normalise(padding, SEQUENCE).abs().max() == 0


def test_a_batch_of_pictures_and_sequences():
    batch = collate([sample(), sample(310.0)], SPEC)
    assert [tuple(x.shape) for x in batch.inputs] == [(2, 1, 4, 5), (2, 6, 3)]
    assert all(x.dtype == torch.float32 for x in batch.inputs)
    moved = batch.to("cpu", torch.channels_last)
    assert all(torch.equal(a, b) for a, b in zip(moved.inputs, batch.inputs, strict=True))


@pytest.mark.parametrize("target", [np.array([250.0], np.float32), np.float32(250), np.array(250.0)])
def test_values_are_a_column_whatever_the_source_gave(target):
    batch = collate([replace(sample(), target=target)] * 3, SPEC)
    assert batch.target.shape == (3, 1) and batch.target.dtype == torch.float32


@dataclass
class Values:
    spec: Spec
    table: pd.DataFrame


def test_targets_of_values_are_a_column():
    recording = Values(SPEC, pd.DataFrame({"value": [250.0, 310.0, 120.0]}))
    found = targets_of(recording, np.array([2, 0]))
    assert found.dtype == np.float32 and found.tolist() == [[120.0], [250.0]]
    assert (SPEC.outputs, targets_of(recording).shape) == (1, (3, 1))


def test_what_is_no_picture_is_said():
    assert PICTURE.picture == (1, 4, 5)
    with pytest.raises(InputError, match=r"input 'sequence' is 6x3, not a picture \(channels x height x width\)"):
        _ = SEQUENCE.picture
