"""Muon on kernels beside AdamW: orthogonal steps of AdamW's size, the same whatever the layout, and nothing lost by a stop."""

import copy

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from xgaze.models.layers import SeparableLinear
from xgaze.recipe import Training
from xgaze.training.kernel_muon import KernelMuon
from xgaze.training.task import make_optimiser, make_schedule
from xgaze.training.whole import tune_model

PICTURES = torch.randn(16, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 6, 3, groups=2), nn.Flatten(), nn.Linear(384, 2))


def steps(model, optimiser, count):
    for _ in range(count):
        optimiser.zero_grad()
        (model(PICTURES) - 1).square().mean().backward()
        optimiser.step()


def test_a_kernels_step_is_orthogonal_and_as_large_as_adamws():
    model = net()
    before = copy.deepcopy(model.state_dict())
    steps(model, KernelMuon(model, 0.01, 0.0), 1)
    moved = (before["0.weight"] - model[0].weight.detach()).flatten(1)
    singular = torch.linalg.svdvals(moved)
    assert singular.min() > 0.5 * singular.max()  # five steps of Newton and Schulz leave them between 0.7 and 1.2
    assert moved.square().mean().sqrt() == pytest.approx(0.2 * 0.01, rel=0.3)


def test_all_but_kernels_step_as_with_adamw():
    ours, plain = net(), net()
    steps(ours, KernelMuon(ours, 0.01, 0.1), 1)
    steps(plain, torch.optim.AdamW(plain.parameters(), 0.01, weight_decay=0.1), 1)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, ours.state_dict()[name]) == (value.ndim < 4), name


def test_the_layout_in_memory_changes_nothing():
    plain, last = net(), net().to(memory_format=torch.channels_last)
    for model in (plain, last):
        steps(model, KernelMuon(model, 0.01, 0.1), 3)
    assert not last[2].weight.is_contiguous()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(last.state_dict()[name], value, rtol=0, atol=5e-4)  # it rounds to bfloat16 within


def test_decay_shrinks_kernels_and_the_schedule_reaches_both_kinds():
    model = nn.Conv2d(1, 2, 3)
    model.weight.grad, model.bias.grad = torch.zeros(2, 1, 3, 3), torch.zeros(2)
    before = model.weight.detach().clone()
    KernelMuon(model, 0.1, 0.5).step()
    torch.testing.assert_close(model.weight.detach(), before * (1 - 0.1 * 0.5))
    settings = Training(optimiser="muon", learning_rate=0.01)
    optimiser = make_optimiser(net(), settings)
    schedule = make_schedule(optimiser, settings, 10)["scheduler"]
    rates = []
    for _ in range(9):
        optimiser.step()
        schedule.step()
        rates.append({group["lr"] for group in optimiser.param_groups})
    assert all(len(one) == 1 for one in rates) and max(max(one) for one in rates) == pytest.approx(0.01, rel=0.01)


def test_numbers_of_more_axes_that_are_no_kernels_step_as_with_adamw():
    """A head of separable filters holds rows and columns of maps, not kernels."""
    ours, plain = SeparableLinear((3, 4, 5), 6, 2), SeparableLinear((3, 4, 5), 6, 2)
    ours.reset_parameters()
    plain.load_state_dict(ours.state_dict())
    for model, optimiser in (
        (ours, KernelMuon(ours, 0.01, 0.1)),
        (plain, torch.optim.AdamW(plain.parameters(), 0.01, weight_decay=0.1)),
    ):
        model(torch.ones(2, 60)).square().sum().backward()
        optimiser.step()
    assert torch.equal(ours.rows, plain.rows) and torch.equal(ours.columns, plain.columns)


def test_kernels_may_have_a_rate_of_their_own():
    ours, equal = net(), net()
    settings = Training(optimiser="muon", learning_rate=0.01, kernel_learning_rate=0.02)
    optimiser = make_optimiser(ours, settings)
    before = copy.deepcopy(ours.state_dict())
    steps(ours, optimiser, 1)
    steps(equal, KernelMuon(equal, 0.01, settings.weight_decay), 1)
    for name, value in equal.state_dict().items():
        times = 2 if value.ndim == 4 else 1
        torch.testing.assert_close(
            ours.state_dict()[name] - before[name], times * (value - before[name]), rtol=1e-3, atol=1e-6
        )
    schedule = make_schedule(optimiser, settings, 10)["scheduler"]
    assert [round(group["max_lr"], 9) for group in schedule.optimizer.param_groups] == [0.01, 0.02]
    with pytest.raises(ValidationError, match="kernel_learning_rate is for optimiser: muon"):
        Training(kernel_learning_rate=0.01)


def test_a_model_without_kernels_is_stepped_by_adamw():
    ours, plain = nn.Linear(4, 2), nn.Linear(4, 2)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(5, 4)
    for model, optimiser in (
        (ours, KernelMuon(ours, 0.01, 0.1)),
        (plain, torch.optim.AdamW(plain.parameters(), 0.01, weight_decay=0.1)),
    ):
        model(x).square().mean().backward()
        optimiser.step()
    assert torch.equal(ours.weight, plain.weight)


def test_a_state_goes_on_where_it_was():
    model = net()
    optimiser = KernelMuon(model, 0.01, 0.1)
    steps(model, optimiser, 2)
    again = copy.deepcopy(model)
    other = KernelMuon(again, 0.01, 0.1)
    other.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for one, own in ((model, optimiser), (again, other)):
        steps(one, own, 2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_training_learns_and_goes_on_after_a_stop(tmp_path, gaze_recording, eyes, stop_in_last_epoch):
    settings = Training(epochs=3, batch_size=24, precision="32-true", optimiser="muon", patience=3)
    whole, stopped, again = (eyes() for _ in range(3))
    tune_model(whole, gaze_recording, settings, tmp_path / "whole", 0, "training")
    with stop_in_last_epoch(2):
        tune_model(stopped, gaze_recording, settings, tmp_path / "stopped", 0, "training")
    tune_model(again, gaze_recording, settings, tmp_path / "stopped", 0, "training")
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
