"""Deletion and insertion against closed forms of linear models."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.readout import coordinates
from xgaze.explanation.test_set.perturbation import (
    Perturbed,
    curve_area,
    first_masks,
    perturbation_curves,
    places_by_strength,
    random_places,
    region_masks,
)

GAZE = Spec((InputSpec("eye0", (1, 4, 5)), InputSpec("eye1", (1, 2, 5))), "gaze", scene=(800, 600))


class Sum(nn.Module):
    """Gaze x = the sum of weighted pixels of two eyes of different size, y = 0."""

    def __init__(self, first, second):
        super().__init__()
        self.weights = [torch.tensor(first), torch.tensor(second)]

    def forward(self, *eyes):
        x = sum((eye * weight).flatten(1).sum(1) for eye, weight in zip(eyes, self.weights, strict=True))
        return torch.stack([x, 0 * x], dim=1)


@pytest.fixture
def case():
    """Model, inputs, baseline and its exact attribution."""
    rng = np.random.default_rng(0)
    sizes = ((1, 1, 4, 5), (1, 1, 2, 5))
    weights, here, there = ([rng.normal(size=size).astype(np.float32) for size in sizes] for _ in range(3))
    model = Sum(*weights)
    maps = [(w * (a - b))[0, 0] for w, a, b in zip(weights, here, there, strict=True)]
    inputs, baseline = ([torch.from_numpy(one) for one in group] for group in (here, there))
    return Perturbed(model, inputs, baseline, coordinates(GAZE)), maps


def test_the_curves_of_a_linear_model_are_partial_sums(case):
    subject, maps = case
    contributions = np.concatenate([one.ravel() for one in maps]).astype(float)
    ordered = contributions[np.argsort(-np.abs(contributions))]
    removed = np.array([abs(ordered[: 3 * j].sum()) for j in range(11)])  # 30 pixels in ten steps
    kept_out = np.array([abs(ordered[3 * j :].sum()) for j in range(11)])
    curves = perturbation_curves(subject, places_by_strength(maps))
    assert curves.deletion == pytest.approx(removed, abs=1e-5)
    assert curves.insertion == pytest.approx(kept_out, abs=1e-5)
    assert curves.areas() == pytest.approx((np.trapezoid(removed) / 10, np.trapezoid(kept_out) / 10), abs=1e-5)
    assert curves.deletion[0] == curves.insertion[-1] == 0
    assert curves.deletion[-1] == pytest.approx(curves.insertion[0])


def test_the_right_order_beats_a_random_one_where_all_contributions_have_one_sign():
    values = np.arange(1.0, 31.0, dtype=np.float32)
    maps = [values[:20].reshape(4, 5), values[20:].reshape(2, 5)]
    model = Sum(maps[0][None], maps[1][None])
    ones, zeros = ([fill((1, 1, *one.shape)) for one in maps] for fill in (torch.ones, torch.zeros))
    subject = Perturbed(model, ones, zeros, coordinates(GAZE))
    deletion, insertion = perturbation_curves(subject, places_by_strength(maps)).areas()
    random = perturbation_curves(subject, random_places(maps, seed=0)).areas()
    assert deletion > random[0] and insertion < random[1]
    # Random order: a straight line from 0 to the whole effect, in expectation.
    many = [perturbation_curves(subject, random_places(maps, seed)).areas()[0] for seed in range(200)]
    assert np.mean(many) == pytest.approx(values.sum() / 2, rel=0.03)


def test_memory_is_bounded_without_changing_the_figures(case):
    subject, maps = case
    seen = []
    hook = subject.model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    places = places_by_strength(maps)
    whole = perturbation_curves(subject, places)
    small = perturbation_curves(
        Perturbed(subject.model, subject.inputs, subject.baseline, subject.coordinates, 3), places
    )
    hook.remove()
    assert max(seen[2:]) == 3 and small.deletion == pytest.approx(whole.deletion, abs=1e-6)


def test_masks_hold_the_first_share_of_all_inputs_pixels():
    maps = [np.array([[5.0, -9.0]], np.float32), np.array([[1.0], [-7.0]], np.float32)]
    places = places_by_strength(maps)
    assert [one.tolist() for one in places] == [[[2, 0]], [[3], [1]]]
    first = first_masks(places, 2)
    assert first[0].tolist() == [[[False, False]], [[False, True]], [[True, True]]]
    assert first[1].tolist() == [[[False], [False]], [[False], [True]], [[True], [True]]]


def test_masks_of_regions_are_of_all_inputs():
    regions = np.array([[[0, 1]], [[2, 1]]], np.uint8)
    masks = region_masks(regions, [1, 2])
    assert [one.tolist() for one in masks] == [[[[False, True]], [[False, False]]], [[[False, True]], [[True, False]]]]


def test_the_area_is_a_mean_over_the_share_of_pixels():
    assert curve_area(np.full(11, 7.0)) == pytest.approx(7)
    assert curve_area(np.linspace(0, 10, 11)) == pytest.approx(5)


def test_a_class_moves_by_its_margin():
    read = coordinates(Spec((InputSpec("image", (1, 2, 2)),), "class", classes=("a", "b", "c")), chosen=2)
    assert read(np.array([[1.0, 3, 7], [0, 0, 0]])).tolist() == [[5], [0]]
