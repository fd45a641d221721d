"""Agreement of maps: one for the same map, nothing for noise, and the library's own figures between."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from xgaze.data.contract import InputSpec, Spec
from xgaze.evaluation.intervals.participants import SHARES, mean_interval
from xgaze.explanation.attribution.attribution import integrated_gradients
from xgaze.explanation.attribution.targets import targets_for
from xgaze.explanation.test_set.agreement import agreement_figures, agreement_section, map_spearman, top_iou
from xgaze.explanation.test_set.stored_intervals import stored_interval
from xgaze.models.registry import build


def noise(seed, sizes=((60, 80), (30, 40))):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size).astype(np.float32) for size in sizes]


def test_identical_maps_agree_fully():
    assert map_spearman(noise(0), noise(0)) == pytest.approx(1)
    assert top_iou(noise(0), noise(0)) == 1


def test_maps_of_opposite_sign_disagree_fully_and_share_their_strongest_pixels():
    opposite = [-one for one in noise(0)]
    assert map_spearman(noise(0), opposite) == pytest.approx(-1)
    assert top_iou(noise(0), opposite) == 1


def test_unrelated_noise_agrees_by_chance_only():
    found = [(map_spearman(noise(k), noise(k + 100)), top_iou(noise(k), noise(k + 100))) for k in range(20)]
    rho, shared = np.array(found).T
    assert np.abs(rho).max() < 4 / np.sqrt(6000 - 1)  # four standard errors of a rank correlation of 6,000 pixels
    assert shared.mean() == pytest.approx(0.05 / 1.95, abs=0.006)


def test_the_rank_correlation_is_scipys_over_all_inputs_and_knows_no_scale():
    a, b = noise(1), [x + y for x, y in zip(noise(1), noise(2), strict=True)]
    flat = [np.concatenate([one.ravel() for one in maps]) for maps in (a, b)]
    assert map_spearman(a, b) == pytest.approx(spearmanr(*flat).statistic)
    assert map_spearman(a, [1e-6 * one**3 for one in b]) == pytest.approx(map_spearman(a, b), abs=1e-4)


def test_a_constant_map_agrees_with_nothing():
    flat = [np.zeros_like(one) for one in noise(0)]
    assert map_spearman(flat, noise(0)) == 0


def test_the_strongest_pixels_are_counted_over_all_inputs():
    ours = [np.array([[9.0, 0.0]], np.float32), np.array([[-8.0, 1.0]], np.float32)]
    theirs = [np.array([[9.0, 7.0]], np.float32), np.array([[0.0, 1.0]], np.float32)]
    assert top_iou(ours, theirs, share=0.5) == pytest.approx(1 / 3)


def test_the_section_holds_result_floor_and_ceiling_with_intervals():
    maps = {"teacher": noise(0), "student": noise(0), "untrained student": noise(5), "second teacher": noise(6)}
    figures = agreement_figures(maps)
    assert figures["agreement/student/spearman"] == pytest.approx(1)
    curves = {f"curve/{name}/{kind}": 3.0 for name in ("teacher", "random order") for kind in ("deletion", "insertion")}
    lines = [figures | curves | {"agreement/student/top_iou": value} for value in (0.2, 0.4, 0.9)]
    people = np.array(["a", "b", "c"])
    found = agreement_section(pd.DataFrame(lines), people)
    roles = [("student", "result"), ("untrained student", "floor"), ("second teacher", "ceiling")]
    assert [(row["pair"], row["role"]) for row in found["rows"]] == roles
    expected = mean_interval([0.2, 0.4, 0.9], people, within=SHARES)
    assert found["rows"][0]["top_iou"] == {"mean": expected.mean, "low": expected.low, "high": expected.high}
    assert [row["model"] for row in found["curves"]] == ["teacher", "random order"]
    assert found["curves"][0]["deletion"] == {"mean": 3.0, "low": 3.0, "high": 3.0}


def test_untrained_nets_seem_to_agree_where_the_sign_is_lost_or_the_map_blurred_and_do_not_on_signed_maps():
    spec = Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(2)), "gaze", scene=(800, 600))
    torch.manual_seed(7)
    inputs = tuple(gaussian_filter(torch.randn(1, 1, 40, 40).numpy(), (0, 0, 3, 3)) * 9 for _ in range(2))
    maps = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
        model, here = build("multi-eye", args, spec).eval(), tuple(torch.from_numpy(one) for one in inputs)
        there = tuple(torch.zeros_like(one) for one in here)
        maps.append(integrated_gradients(model, targets_for(spec)[0], here, torch.zeros(1, 2), there).maps)
    unsigned = [[np.abs(one) for one in of] for of in maps]
    blurred = [[gaussian_filter(one, 4) for one in of] for of in unsigned]
    assert abs(map_spearman(*maps)) < 0.1 < 0.25 < map_spearman(*unsigned) < map_spearman(*blurred)


def test_one_participant_has_means_without_ends():
    lines = pd.DataFrame(
        [{"agreement/student/spearman": value, "agreement/student/top_iou": value} for value in (0.2, 0.4)]
    )
    (row,) = agreement_section(lines, np.array(["a", "a"]))["rows"]
    assert row["spearman"] == row["top_iou"] == {"mean": pytest.approx(0.3), "low": None, "high": None}
    assert stored_interval([np.nan], ["a"]) is None
