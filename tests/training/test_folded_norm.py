"""Batch normalisation that comes for a training and is folded away after it, exactly."""

import copy

import pytest
import torch
from torch import nn

from xgaze.models.shared_layers import Borrowed
from xgaze.recipe import Training
from xgaze.training.folded_norm import NormedConv2d, fold_norms, put_norms
from xgaze.training.whole import tune_model


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2, padding=2, padding_mode="reflect"),
        nn.LeakyReLU(),
        nn.Conv2d(6, 4, 3, groups=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(4, 3, 1, bias=False),  # could not hold what is folded into it
        nn.ReLU(),
        nn.Conv2d(3, 3, 1),  # read by the head
        nn.Flatten(),
        nn.LazyLinear(2),
    )


PICTURES = 3 + 2 * torch.randn(32, 1, 20, 20, generator=torch.Generator().manual_seed(1))


def test_what_is_folded_puts_out_what_it_put_out():
    model = net()
    model(PICTURES)  # the lazy layer
    names = set(model.state_dict())
    put_norms(model, [PICTURES])
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(5):
        optimiser.zero_grad()
        (model(PICTURES) - 1).square().mean().backward()
        optimiser.step()
    expected = model.eval()(PICTURES)
    assert isinstance(model[0], NormedConv2d) and set(model.state_dict()) > names
    fold_norms(model)
    assert type(model[0]) is nn.Conv2d and set(model.state_dict()) == names and model[0].bias.requires_grad
    torch.testing.assert_close(model(PICTURES), expected, rtol=1e-5, atol=1e-5)


def test_channels_are_normalised_over_the_batch_as_torchs_layer_does():
    plain = nn.Conv2d(1, 6, 3)
    normed, layer = copy.deepcopy(plain), nn.BatchNorm2d(6)
    put_norms(nn.Sequential(normed, nn.ReLU()), [PICTURES])
    for _ in range(3):
        torch.testing.assert_close(normed(PICTURES), layer(plain(PICTURES)))
    torch.testing.assert_close(normed.eval()(PICTURES), layer.eval()(plain(PICTURES)))


def test_a_layer_that_could_not_hold_it_and_a_net_that_normalises_itself_are_left():
    model = net()
    put_norms(model, [PICTURES])
    assert [isinstance(one, NormedConv2d) for one in model] == [
        True,
        False,
        True,
        False,
        False,
        False,
        False,
        False,
        False,
    ]
    own = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    put_norms(own, [PICTURES])
    assert type(own[0]) is nn.Conv2d


@pytest.mark.parametrize("mirrored", [False, True])
def test_whoever_borrows_the_layers_weights_computes_with_the_folded_ones(mirrored):
    owner = nn.Conv2d(1, 4, 3)
    model = nn.ModuleList([nn.Sequential(one, nn.ReLU()) for one in (owner, Borrowed(owner, mirrored))])
    model.forward = lambda x: torch.cat([one(x) for one in model])
    put_norms(model, [PICTURES])
    assert isinstance(owner, NormedConv2d)
    model(PICTURES)
    expected = model.eval()(PICTURES)
    fold_norms(model)
    torch.testing.assert_close(model(PICTURES), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mirrored", [None, False, True])
def test_known_weights_put_out_at_first_what_they_put_out_without(mirrored):
    """Also a layer that several cameras share."""
    model = net()
    if mirrored is not None:
        owner = nn.Conv2d(1, 4, 3)
        model = nn.ModuleList([nn.Sequential(one, nn.ReLU()) for one in (owner, Borrowed(owner, mirrored))])
        model.forward = lambda x: torch.cat([one(x) for one in model])
    expected = model.eval()(PICTURES).detach()
    put_norms(model, [PICTURES], as_is=True)
    assert any(isinstance(one, NormedConv2d) for one in model.modules())
    torch.testing.assert_close(model(PICTURES), expected, rtol=1e-4, atol=1e-4)
    if mirrored is None:  # of the very batch that was seen; of several cameras each is a batch of its own
        torch.testing.assert_close(copy.deepcopy(model).train()(PICTURES), expected, rtol=1e-4, atol=1e-4)
    fold_norms(model)
    torch.testing.assert_close(model.eval()(PICTURES), expected, rtol=1e-4, atol=1e-4)


def test_a_training_with_norms_goes_on_after_a_stop_and_leaves_a_plain_model(
    tmp_path, gaze_recording, eyes, stop_in_last_epoch
):
    settings = Training(epochs=3, batch_size=24, precision="32-true", batch_norm=True, patience=3)
    whole, stopped = (eyes() for _ in range(2))
    names = list(whole.state_dict())
    tune_model(whole, gaze_recording, settings, tmp_path / "whole", 0, "training")
    assert list(whole.state_dict()) == names and not any(isinstance(one, NormedConv2d) for one in whole.modules())
    with stop_in_last_epoch(2):
        tune_model(stopped, gaze_recording, settings, tmp_path / "stopped", 0, "training")
    again = eyes()
    tune_model(again, gaze_recording, settings, tmp_path / "stopped", 0, "training")
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
