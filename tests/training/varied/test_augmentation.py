import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.contract import InputSpec, Sample, Spec
from xgaze.errors import InputError
from xgaze.recipe import Augment, Training
from xgaze.training.varied.augmentation import AugmentedRows, augmented, jittered, training_loader

STILL = Augment(jitter=0)
SIDE = 16


class Photographs:
    """Photographs of 30 x 20 px whose map, in aux and among the inputs, is their grey."""

    spec = Spec(
        (InputSpec("image", (3, SIDE, SIDE)), InputSpec("attention", (1, SIDE, SIDE))), "class", classes=("a", "b")
    )

    def whole(self, row):
        grey = np.random.default_rng(row).integers(0, 256, (1, 20, 30), np.uint8)
        inputs = {"image": grey.repeat(3, axis=0), "attention": grey}
        return Sample(str(row), {"group": str(row)}, inputs, np.int64(row % 2), {"attention": grey})


@given(seed=st.integers(0, 2**32), row=st.integers(0, 99), flip=st.booleans())
@settings(max_examples=60, deadline=None)
def test_photograph_map_and_masked_twin_stay_on_each_other(seed, row, flip):
    whole = Photographs().whole(row)
    sample = augmented(whole, SIDE, Augment(flip=flip, jitter=0), np.random.default_rng(seed))
    image, shown, aux = sample.inputs["image"], sample.inputs["attention"], sample.aux["attention"]
    assert image.shape == (3, SIDE, SIDE) and shown.shape == aux.shape == (1, SIDE, SIDE)
    assert (image == shown).all() and (shown == aux).all()
    squares = np.lib.stride_tricks.sliding_window_view(whole.aux["attention"][0], (SIDE, SIDE)).reshape(-1, SIDE, SIDE)
    found = (squares == aux[0]).all(axis=(1, 2)).any()
    assert found or (flip and (squares[..., ::-1] == aux[0]).all(axis=(1, 2)).any())


def test_jitter_changes_the_photograph_only():
    whole = Photographs().whole(0)
    still = augmented(whole, SIDE, STILL, np.random.default_rng(5))
    vivid = augmented(whole, SIDE, Augment(jitter=0.2), np.random.default_rng(5))
    assert (vivid.aux["attention"] == still.aux["attention"]).all()
    assert (vivid.inputs["attention"] == still.inputs["attention"]).all()
    assert (vivid.inputs["image"] != still.inputs["image"]).any()


def test_jitter_of_a_grey_picture_of_one_value_is_brightness_within_its_bounds():
    image = np.full((3, 4, 4), 100, np.uint8)
    values = [jittered(image, 0.2, np.random.default_rng(seed)) for seed in range(200)]
    assert all(np.ptp(one) == 0 for one in values)
    means = [one[0, 0, 0] for one in values]
    assert 80 <= min(means) < 84 and 116 < max(means) <= 120


def test_a_sample_depends_on_seed_epoch_and_row_alone():
    rows = AugmentedRows(Photographs(), np.array([3, 8]), Augment(), seed=1)
    first = rows[2, 1].inputs["image"]
    assert (AugmentedRows(Photographs(), np.array([8]), Augment(), seed=1)[2, 0].inputs["image"] == first).all()
    others = [rows[3, 1], AugmentedRows(Photographs(), np.array([3, 8]), Augment(), seed=2)[2, 1]]
    assert all((one.inputs["image"] != first).any() for one in others)


def test_the_loader_varies_from_epoch_to_epoch_and_repeats_an_epoch():
    settings_ = Training(batch_size=4, augment=Augment(), loss="cross-entropy")
    loader = training_loader(Photographs(), np.arange(8), settings_, seed=0)

    def epoch(number):
        loader.sampler.set_epoch(number)
        return {name: x for batch in loader for name, x in zip(batch.ids, batch.inputs[0], strict=True)}

    first, second, again = epoch(0), epoch(1), epoch(0)
    assert set(first) == set(second) == {str(k) for k in range(8)}
    assert all((first[name] == again[name]).all() for name in first)
    assert sum(bool((first[name] != second[name]).any()) for name in first) >= 7


def test_recordings_that_are_no_photographs_are_refused(class_recording):
    with pytest.raises(InputError, match="for photographs"):
        training_loader(class_recording, np.arange(4), Training(augment=Augment()), 0)
