"""Columns of the first linear layer: chosen, kept, refitted; every figure against a textbook computation."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.columns import RIDGE, Columns, explaining_columns, plan_columns, ridge_fit
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

WIDTH = 24
LAYER = "head.first"


class Net(FeatureHead):
    def __init__(self, width=WIDTH, outputs=6, bias=True):
        super().__init__()
        torch.manual_seed(0)
        first = nn.Linear(width, outputs, bias=bias)
        self.head = nn.Sequential()
        self.head.add_module("first", first)
        self.head.add_module("act", nn.ReLU())
        self.head.add_module("last", nn.Linear(outputs, 2))


def mixed(samples=300, width=WIDTH, sources=WIDTH, noise=0.0, seed=1):
    """Correlated features of unequal variance, far from mean zero."""
    torch.manual_seed(seed)
    x = torch.randn(samples, sources) @ torch.randn(sources, width) + noise * torch.randn(samples, width)
    return x * torch.linspace(0.3, 3, width) + 5


@pytest.fixture
def model():
    return Net().eval()


@pytest.fixture
def probe():
    return Probe((), mixed())


def weights(model):
    return model.head.first.weight.detach().double().numpy()


def loss(model, features, before):
    with torch.no_grad():
        return float((model.head.first(features) - before).double().square().sum(dim=1).mean())


def test_the_refit_is_the_least_squares_of_the_textbook(model, probe):
    """W C[:,S] C[S,S]^-1 up to the ridge; with the ridge, the dropped columns are predicted from the kept by ridge regression."""
    w, keep = weights(model), [0, 3, 7, 20]
    drop = [k for k in range(WIDTH) if k not in keep]
    covariance = np.cov(probe.features.double().numpy().T, bias=True)
    inner = covariance[np.ix_(keep, keep)]
    r = RIDGE * np.trace(inner) / len(keep)
    expected = w[:, keep] + w[:, drop] @ covariance[np.ix_(drop, keep)] @ np.linalg.inv(inner + r * np.eye(len(keep)))
    Columns(LAYER, tuple(keep)).apply(model, probe)
    assert np.allclose(model.head.first.linear.weight.detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    without = w[:, keep] + w[:, drop] @ covariance[np.ix_(drop, keep)] @ np.linalg.inv(inner)
    assert np.allclose(without, w @ covariance[:, keep] @ np.linalg.inv(inner), rtol=1e-9)


def test_the_bias_absorbs_the_means(model, probe):
    before = model.head.first(probe.features).mean(dim=0)
    Columns(LAYER, (2, 5)).apply(model, probe)
    assert torch.allclose(model.head.first(probe.features).mean(dim=0), before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("samples", [300, 10])
@pytest.mark.parametrize("keep", [1, 9, 20])
def test_the_loss_is_what_its_closed_form_predicts(model, samples, keep):
    probe = Probe((), mixed(samples))
    proof = Columns(LAYER, tuple(range(keep))).apply(model, probe)
    assert proof.value <= 1e-5 and proof.unit == "fraction of variance"


@pytest.mark.parametrize("columns", [4, 30])
def test_primal_and_dual_ridge_agree_with_the_definition(columns):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, columns)), rng.normal(size=(12, 3))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    r = 0.1 * (x**2).mean()
    expected = np.linalg.solve(x.T @ x / 12 + r * np.eye(columns), x.T @ y / 12)
    fit, left = ridge_fit(torch.from_numpy(x), torch.from_numpy(y), 0.1)
    assert np.allclose(fit.numpy(), expected, atol=1e-12)
    assert left == pytest.approx(((y - x @ expected) ** 2).sum() / 12, rel=1e-9)


def test_keeping_all_columns_changes_nothing_even_with_few_samples(model):
    probe = Probe((), mixed(8))
    others = mixed(50, seed=2)
    before = outputs_of(model.head, others)
    Columns(LAYER, tuple(range(WIDTH))).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, others), before, rtol=1e-4, atol=1e-4)


def test_redundant_features_cost_almost_nothing_to_drop(model):
    """Five sources in 24 columns: five columns say all, on samples that the refit never saw as well."""
    features = mixed(600, sources=5)
    probe, unseen = Probe((), features[:300]), features[300:]
    before = model.head.first(unseen).detach()
    plan = plan_columns(model, LAYER, 5, probe)
    plan.apply(model, probe)
    assert loss(model, unseen, before) < 0.01 * float(before.var(dim=0, correction=0).sum())


def test_the_chosen_columns_explain_almost_as_much_as_the_best_of_all():
    features, weight = mixed(200, 8), torch.randn(3, 8, dtype=torch.float64)
    x = (features.double() - features.double().mean(dim=0)).numpy()
    y = x @ weight.numpy().T

    def explained(columns):
        fit = np.linalg.lstsq(x[:, columns], y, rcond=None)[0]
        return 1 - ((y - x[:, columns] @ fit) ** 2).sum() / (y**2).sum()

    best = max(explained(list(columns)) for columns in itertools.combinations(range(8), 3))
    assert explained(explaining_columns(features, weight, 3)) > 0.95 * best


def test_columns_are_chosen_step_by_step_as_refitting_every_candidate_would():
    """The recursion against the definition: at every step, ridge least squares with each candidate added."""
    features, weight = mixed(100, 10), torch.randn(2, 10, dtype=torch.float64)
    x = (features.double() - features.double().mean(dim=0)).numpy()
    y, floor, slow = x @ weight.numpy().T, RIDGE * (x**2).sum(axis=0).mean(), []
    for _ in range(6):

        def gain(column, chosen):
            part = x[:, [*chosen, column]]
            cross = part.T @ y
            return (cross * np.linalg.solve(part.T @ part + floor * np.eye(part.shape[1]), cross)).sum()

        slow.append(max((k for k in range(10) if k not in slow), key=lambda k: gain(k, slow)))
    assert explaining_columns(features, weight, 6) == slow


def test_more_columns_than_samples_can_tell_apart_are_still_chosen_once(model):
    chosen = explaining_columns(mixed(6), torch.randn(6, WIDTH, dtype=torch.float64), WIDTH)
    assert sorted(chosen) == list(range(WIDTH))


def test_the_simple_scores_rank_by_their_definition(model, probe):
    norm = np.linalg.norm(weights(model), axis=0)
    for score, each in (("weight_norm", norm), ("deviation_norm", norm * probe.features.double().numpy().std(axis=0))):
        plan = plan_columns(model, LAYER, 7, probe, score, refit=False)
        assert plan == Columns(LAYER, tuple(sorted(np.argsort(each)[-7:].tolist())), refit=False)


def test_without_refit_the_layer_equals_the_one_whose_columns_are_zero(model, probe):
    w, bias = model.head.first.weight.detach().clone(), model.head.first.bias.detach().clone()
    w[:, [k for k in range(WIDTH) if k not in (9, 1)]] = 0
    expected = probe.features @ w.T + bias
    proof = Columns(LAYER, (9, 1), refit=False).apply(model, probe)
    assert torch.allclose(model.head.first(probe.features), expected, rtol=1e-5, atol=1e-5)
    assert proof.value <= 1e-5 and proof.kind == "largest change of the output"


def test_the_refit_beats_the_slice_by_far(model):
    probe = Probe((), mixed(sources=8, noise=0.1))
    before, other = model.head.first(probe.features).detach(), Net().eval()
    refitted = plan_columns(model, LAYER, 12, probe)
    refitted.apply(model, probe)
    plan_columns(other, LAYER, 12, probe, "weight_norm", refit=False).apply(other, probe)
    assert loss(model, probe.features, before) < 0.01 * loss(other, probe.features, before)


def test_a_single_output_and_a_layer_without_bias_are_fine(probe):
    model = Net(outputs=1, bias=False).eval()
    plan_columns(model, LAYER, 3, probe).apply(model, probe)
    assert model.head.first.linear.weight.shape == (1, 3) and model.head.first.linear.bias is not None
    bare = Net(bias=False).eval()
    Columns(LAYER, (0, 1), refit=False).apply(bare, probe)
    assert bare.head.first.linear.bias is None


def test_columns_of_a_reduced_layer_are_columns_of_the_features(model, probe):
    LowRank(LAYER, 2).apply(model, probe)
    Columns(f"{LAYER}.reduce", tuple(range(12))).apply(model, probe)
    assert model.head.first.reduce.linear.weight.shape == (2, 12)
    assert "head.first.reduce.select.indices" not in model.state_dict()


@pytest.mark.parametrize(
    ("layer", "keep", "message"),
    [
        (LAYER, (), "none, or named twice"),
        (LAYER, (1, 1), "none, or named twice"),
        (LAYER, (0, 24), r"0\.\.24 is outside 0\.\.23"),
        (LAYER, (-1, 3), r"-1\.\.3 is outside"),
        ("head.act", (0,), "a ReLU, not a linear layer"),
        ("head.nowhere", (0,), "not in the model"),
        ("head.last", (0,), "does not read the model's features"),
    ],
)
def test_impossible_columns_are_refused_and_leave_the_model_as_it_was(model, probe, layer, keep, message):
    before = outputs_of(model.head, probe.features)
    with pytest.raises(InputError, match=message):
        Columns(layer, keep).apply(model, probe)
    assert torch.equal(outputs_of(model.head, probe.features), before)


@pytest.mark.parametrize("count", [0, 25])
def test_an_impossible_number_of_columns_is_refused(model, probe, count):
    with pytest.raises(InputError, match=rf"{count} is outside 1\.\.24"):
        plan_columns(model, LAYER, count, probe)


def test_a_failed_proof_restores_the_layer(model, probe):
    before = model.head.first
    broken = Probe((), probe.features.clone())
    broken.features[0, 3] = torch.inf
    with pytest.raises(InputError, match=r"surgery on head\.first refused"):
        Columns(LAYER, (3, 4)).apply(model, broken)
    assert model.head.first is before
