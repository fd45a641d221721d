"""Pictures that vary: known geometry and light, gaze untouched, the same after a stop, and never for validation."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from xgaze.compression.distill import distill
from xgaze.compression.student import load_model
from xgaze.data.contract import Batch, InputSpec, RecordingView, Spec, rows_of
from xgaze.errors import InputError
from xgaze.recipe import Training, VariedPictures
from xgaze.training.teacher import train_teacher
from xgaze.training.varied.varied_pictures import brightened, moved, require_pictures, varied
from xgaze.training.whole import tune_model

EYE = InputSpec("eye", (1, 12, 16), mean=128.0, std=64.0)
POSE = InputSpec("pose", (3,), mean=0.0, std=1.0, dtype="float32")


@pytest.fixture
def pictures():
    return torch.rand(5, 1, 12, 16, generator=torch.Generator().manual_seed(0))


def test_moved_by_whole_pixels_is_a_roll_with_its_edge_drawn_out(pictures):
    shift = torch.tensor([[3.0, -2.0]]).expand(5, 2)
    found = moved(pictures, shift, torch.ones(5))
    padded = functional.pad(pictures, (3, 0, 0, 2), mode="replicate")
    torch.testing.assert_close(found, padded[..., 2:, :-3], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved(pictures, torch.zeros(5, 2), torch.ones(5)), pictures, atol=1e-5, rtol=0)


def test_as_exact_where_training_computes_in_bfloat16(pictures):
    large = functional.interpolate(pictures, (448, 448), mode="bilinear")
    with torch.autocast("cpu", torch.bfloat16):
        found = moved(large, torch.full((5, 2), 3.0), torch.ones(5))
    torch.testing.assert_close(found[..., 3:, 3:], large[..., :-3, :-3], atol=1e-4, rtol=0)


def test_twice_as_large_shows_the_middle_half(pictures):
    found = moved(pictures, torch.zeros(5, 2), torch.full((5,), 2.0))
    middle = functional.interpolate(pictures, scale_factor=2.0, mode="bilinear")[..., 6:18, 8:24]
    torch.testing.assert_close(found, middle, atol=1e-5, rtol=0)


def test_a_spot_goes_where_shift_and_scale_say():
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(61.0), indexing="ij")
    spot = torch.exp(-((columns - 36) ** 2 + (rows - 17) ** 2) / 8)[None, None]
    found = moved(spot, torch.tensor([[2.5, -1.0]]), torch.tensor([1.2]))[0, 0]
    centre = [float((found * axis).sum() / found.sum()) for axis in (columns, rows)]
    assert centre == pytest.approx([30 + 1.2 * 6 + 2.5, 20 - 1.2 * 3 - 1], abs=0.02)


def test_brightness_is_of_pictures_as_stored(pictures):
    stored = 255 * pictures
    gain = torch.tensor([0.5, 0.9, 1.0, 1.1, 2.0])
    found = brightened(EYE, (stored - 128) / 64, gain)
    torch.testing.assert_close(found, (gain.view(-1, 1, 1, 1) * stored - 128) / 64, atol=1e-5, rtol=0)


FACE = InputSpec("face", (3, 12, 16), mean=(120.0, 110.0, 100.0), std=(50.0, 60.0, 70.0))


def test_brightness_and_noise_are_of_channels_as_stored():
    stored = 255 * torch.rand(5, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (FACE.mean, FACE.std))
    gain = torch.tensor([0.5, 0.9, 1.0, 1.1, 2.0])
    found = brightened(FACE, (stored - mean) / std, gain)
    torch.testing.assert_close(found, (gain.view(-1, 1, 1, 1) * stored - mean) / std, atol=1e-5, rtol=0)
    batch = Batch(list("abc"), list("abc"), (torch.zeros(3, 3, 120, 160),), torch.rand(3, 2))
    noisy = varied((FACE,), VariedPictures(noise=0.02), batch, np.random.default_rng(0)).inputs[0]
    for channel, std in enumerate(FACE.std):
        assert noisy[:, channel].std() * std == pytest.approx(0.02 * 255, rel=0.02)


def test_noise_is_a_share_of_the_full_range_and_other_inputs_and_gaze_stay():
    batch = Batch(list("abc"), list("abc"), (torch.zeros(3, 1, 120, 160), torch.ones(3, 3)), torch.rand(3, 2))
    found = varied((EYE, POSE), VariedPictures(noise=0.02), batch, np.random.default_rng(0))
    assert found.inputs[0].std() * 64 == pytest.approx(0.02 * 255, rel=0.02)
    assert found.inputs[0].mean().abs() < 1e-3
    assert torch.equal(found.inputs[1], batch.inputs[1]) and torch.equal(found.target, batch.target)
    still = varied((EYE, POSE), VariedPictures(), batch, np.random.default_rng(0))
    assert torch.equal(still.inputs[0], batch.inputs[0])


def test_no_more_than_asked_and_each_picture_for_itself():
    batch = Batch(["a"] * 400, ["a"] * 400, (torch.full((400, 1, 12, 16), (100 - 128) / 64),) * 2, torch.zeros(400, 2))
    found = varied((EYE, EYE), VariedPictures(brightness=0.2, shift_px=2), batch, np.random.default_rng(1))
    gains = torch.stack([(x[:, 0, 0, 0] * 64 + 128) / 100 for x in found.inputs])
    assert (
        gains.min() >= 0.8 - 1e-5 and gains.max() <= 1.2 + 1e-5 and gains.std() == pytest.approx(0.4 / 12**0.5, rel=0.1)
    )
    assert abs(torch.corrcoef(gains)[0, 1]) < 0.2


def test_training_sees_them_and_validation_does_not(gaze_recording, eyes, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "xgaze.training.task.varied", lambda inputs, settings, batch, chance: (seen.append(chance.random()), batch)[1]
    )
    settings = Training(epochs=2, batch_size=8, precision="32-true", varied_pictures=VariedPictures(scale=0.1))
    tune_model(eyes(), gaze_recording, settings, tmp_path, 0, "training")
    assert len(seen) == len(set(seen)) == 2 * -(-len(rows_of(gaze_recording, "train")) // 8)


def test_the_same_after_a_stop(gaze_recording, eyes, tmp_path, stop_in_last_epoch):
    pictures = VariedPictures(shift_px=1, scale=0.05, brightness=0.1, noise=0.01)
    settings = Training(epochs=3, batch_size=24, precision="32-true", patience=3, varied_pictures=pictures)
    whole, again, plain = eyes(), eyes(), eyes()
    tune_model(whole, gaze_recording, settings, tmp_path / "whole", 0, "training")
    with stop_in_last_epoch(2):
        tune_model(eyes(), gaze_recording, settings, tmp_path / "stopped", 0, "training")
    tune_model(again, gaze_recording, settings, tmp_path / "stopped", 0, "training")
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    tune_model(plain, gaze_recording, settings.model_copy(update={"varied_pictures": None}), tmp_path / "p", 0, "t")
    assert any(not torch.equal(plain.state_dict()[name], value) for name, value in whole.state_dict().items())


def test_maps_that_would_not_move_with_their_pictures_refuse_it(make_recipe):
    augmented = {"gaze_augmentation": {"weight": 1.0}}
    with pytest.raises(ValueError, match="not the attention maps"):
        make_recipe(training={**augmented, "varied_pictures": {"scale": 0.1}})
    with pytest.raises(ValueError, match="not the attention maps"):
        make_recipe(training=augmented, distill={"varied_pictures": {"scale": 0.1}})


def test_recordings_without_pictures_are_refused_before_anything_is_done(gaze_recording, make_recipe, tmp_path):
    poses = RecordingView(Spec((POSE,), "gaze", "px", (800, 600)), gaze_recording.table, gaze_recording)
    with pytest.raises(InputError, match=r"training.varied_pictures: no input of this recording is a picture"):
        require_pictures(poses)
    plain = {"epochs": 1, "batch_size": 24, "precision": "32-true", "loss": "euclidean"}
    with pytest.raises(InputError, match=r"training.varied_pictures"):
        train_teacher(make_recipe(training={**plain, "varied_pictures": {"scale": 0.1}}), poses, tmp_path / "teacher")
    card = train_teacher(make_recipe(training=plain), gaze_recording, tmp_path / "teacher")
    asked = make_recipe(training=plain, distill={"varied_pictures": {"scale": 0.1}})
    with pytest.raises(InputError, match=r"distill.varied_pictures"):
        distill(asked, poses, load_model(tmp_path / "teacher")[0], card, tmp_path / "student")
    assert not (tmp_path / "student").exists()
