"""Importance of embedding variables where it can be written down: linear tails on normal codes."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from xgaze.capacity.importance import (
    ForestSettings,
    ablation_movement,
    count_ties,
    forest_importance,
    integrated_movement,
    permutation_movement,
    rank_agreement,
    strongest_first,
    tail_outputs,
)

WEIGHTS = np.array([[3.0, 0, 1, 0], [4.0, 2, 0, 0]], np.float32)
LENGTHS = np.linalg.norm(WEIGHTS, axis=0)  # 5, 2, 1, 0


@pytest.fixture
def tail():
    layer = nn.Linear(4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(WEIGHTS))
    return layer


@pytest.fixture
def codes():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3000, 4)).astype(np.float32), rng.normal(size=(3000, 4)).astype(np.float32)


def test_shuffling_moves_a_linear_output_by_weight_times_mean_difference(tail, codes):
    assert permutation_movement(tail, codes[1]) == pytest.approx(LENGTHS * 2 / np.sqrt(np.pi), rel=0.03)


def test_leaving_out_an_independent_variable_costs_its_spread(tail, codes):
    assert ablation_movement(tail, *codes) == pytest.approx(LENGTHS * np.sqrt(2 / np.pi), rel=0.04)


def test_leaving_out_a_copy_costs_nothing_after_refit(tail, codes):
    known, here = (one.copy() for one in codes)
    known[:, 1], here[:, 1] = known[:, 0], here[:, 0]
    found = ablation_movement(tail, known, here)
    assert np.all(found[:2] < 1e-3)
    assert found[2] == pytest.approx(np.sqrt(2 / np.pi), rel=0.04)
    assert permutation_movement(tail, here)[0] > 5  # shuffling alone does not see that


def test_integrated_gradients_of_a_linear_tail_are_weight_times_distance(tail, codes):
    known, here = codes
    expected = LENGTHS * np.abs(here - known.mean(axis=0)).mean(axis=0)
    assert integrated_movement(tail, known, here) == pytest.approx(expected, rel=1e-4)


def test_a_forest_finds_the_variable_that_acts_on_held_out_samples(codes):
    known, here = (one[:600] for one in codes)

    def step(one):
        return np.column_stack([10.0 * (one[:, 2] > 0), np.zeros(len(one))])

    found = forest_importance(known, step(known), here, step(here), ForestSettings(20, 3, 300), seed=0)
    assert found[2] == pytest.approx(5, abs=0.7)  # half of all shuffled values fall on the other side
    assert np.abs(np.delete(found, 2)).max() < 0.3


def test_a_single_output_is_no_special_case(codes):
    tail = nn.Linear(4, 1)
    known, here = (one[:60] for one in codes)
    outputs = [tail_outputs(tail)(one) for one in (known, here)]
    settings = ForestSettings(5, 1, 60)
    found = forest_importance(known, outputs[0], here, outputs[1], settings)
    assert found.shape == integrated_movement(tail, known, here).shape == (4,)


def test_agreement_is_that_of_scipy_and_undefined_for_constants():
    rng = np.random.default_rng(1)
    measures = {"a": rng.normal(size=9), "b": rng.normal(size=9), "c": np.zeros(9)}
    ab, ac, bc = rank_agreement(measures)
    assert (ab["a"], ab["b"]) == ("a", "b")
    assert ab["spearman"] == pytest.approx(spearmanr(measures["a"], measures["b"]).statistic)
    assert ac["spearman"] is None and bc["spearman"] is None


def test_ties_are_counted_up_to_rounding():
    assert count_ties(np.array([3.0, 1, 1 + 1e-13, 2, 0, 0])) == 4
    assert count_ties(np.array([3.0, 1, 2])) == 0
    assert count_ties(np.zeros(5)) == 5


def test_ties_keep_the_order_of_the_variables():
    assert strongest_first(np.array([1.0, 5, 1 + 1e-13, 7])) == [3, 1, 0, 2]
