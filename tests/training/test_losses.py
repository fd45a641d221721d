"""Losses in which every sample has a weight of its own."""

import numpy as np
import pytest
import torch

from xgaze.training.losses import LOSSES, sample_losses, weighted_loss


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "cross-entropy"])
def test_weighted_gaze_losses_are_the_plain_ones_for_equal_weights_and_pick_samples_by_weight(loss):
    torch.manual_seed(0)
    prediction, target = torch.randn(6, 2) * 150, torch.randn(6, 2) * 150
    plain = LOSSES[loss](prediction, target)
    torch.testing.assert_close(weighted_loss(loss, prediction, target, torch.ones(6)), plain)
    torch.testing.assert_close(weighted_loss(loss, prediction, target, torch.full((6,), 0.3)), 0.3 * plain)
    target[3:] = torch.nan
    half = LOSSES[loss](prediction[:3], target[:3])
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    torch.testing.assert_close(weighted_loss(loss, prediction, target, weight), half / 2)
    mean = sample_losses(loss, prediction[:3], target[:3]).mean()
    torch.testing.assert_close(mean.sqrt() if loss == "root-mse" else mean, half)


def test_weighted_cross_entropy_takes_classes_and_soft_targets():
    logits = torch.zeros(4, 2)
    weight = torch.tensor([1.0, 0.5, 0.0, 0.5])
    expected = pytest.approx(2 / 4 * np.log(2))
    assert float(weighted_loss("cross-entropy", logits, torch.tensor([0, 1, -1, 0]), weight)) == expected
    assert float(weighted_loss("cross-entropy", logits, torch.ones(4, 2), weight)) == expected


def test_a_batch_of_no_weight_has_a_gradient_of_zero():
    prediction = torch.ones(3, 2, requires_grad=True)
    weighted_loss("euclidean", prediction, torch.full((3, 2), torch.nan), torch.zeros(3)).backward()
    assert torch.equal(prediction.grad, torch.zeros(3, 2))
