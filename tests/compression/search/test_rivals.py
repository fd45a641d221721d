"""What other ways make of a model: the structure they promise, the size asked for, and a known fault of one of them."""

import copy

import pytest
import torch
import torch_pruning as tp
from torch import nn

from xgaze.compression.search.rivals import columns_by_norm, from_scratch, kirigami_pruned, plain_svd, torch_pruned
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, SeparableLinear
from xgaze.models.registry import build
from xgaze.models.size import count_parameters

LAYER = "head.embedding"


@pytest.fixture(scope="module")
def multi_eye():
    torch.manual_seed(0)
    spec = Spec(tuple(InputSpec(f"eye{k}", (1, 128, 160)) for k in range(2)), "gaze", scene=(800, 600))
    args = {"first_stride": 2, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    return build("multi-eye", args, spec).eval()


@pytest.fixture(scope="module")
def frames():
    torch.manual_seed(1)
    return tuple(torch.randn(2, 1, 128, 160) for _ in range(2))


@pytest.fixture(scope="module")
def heatmap_cnn():
    torch.manual_seed(0)
    spec = Spec((InputSpec("picture", (3, 40, 40)),), "class", classes=("left", "right"))
    return build("heatmap-cnn", {"channels": [32, 48]}, spec).eval()


def squares(outputs):
    return outputs.square().mean()


def test_plain_svd_keeps_the_leading_singular_values_and_the_bias(multi_eye):
    small = plain_svd(multi_eye, LAYER, 5)
    whole, pair = multi_eye.get_submodule(LAYER), small.get_submodule(LAYER)
    u, s, v = torch.linalg.svd(whole.weight.double(), full_matrices=False)
    expected = (u[:, :5] * s[:5]) @ v[:5]
    product = pair.expand.weight.double() @ pair.reduce.weight.double()
    torch.testing.assert_close(product, expected, atol=1e-6, rtol=1e-5)
    assert torch.equal(pair.expand.bias, whole.bias)


def test_plain_svd_at_full_rank_changes_nothing(multi_eye, frames):
    with torch.no_grad():
        torch.testing.assert_close(plain_svd(multi_eye, LAYER, 128)(*frames), multi_eye(*frames), atol=1e-2, rtol=0)


def test_plain_svd_has_the_structure_of_our_low_rank(multi_eye):
    ours = copy.deepcopy(multi_eye)
    LowRank(LAYER, 5).reshape(ours)
    theirs = plain_svd(multi_eye, LAYER, 5).state_dict()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.items()}


def test_a_rank_too_large_is_refused(multi_eye):
    with pytest.raises(InputError, match="rank 200 is outside"):
        plain_svd(multi_eye, LAYER, 200)


def test_columns_by_norm_are_those_of_the_largest_norm(multi_eye, frames):
    with torch.no_grad():
        probe = Probe(frames, multi_eye.features(*frames))
    small = columns_by_norm(multi_eye, LAYER, 7, probe)
    weight = multi_eye.get_submodule(LAYER).weight
    largest = weight.norm(dim=0).topk(7).indices.sort().values
    assert torch.equal(small.get_submodule(f"{LAYER}.select").indices, largest)
    assert torch.equal(small.get_submodule(f"{LAYER}.linear").weight, weight[:, largest])


def test_the_original_stays_as_it_was(multi_eye, frames):
    before = copy.deepcopy(multi_eye.state_dict())
    plain_svd(multi_eye, LAYER, 3)
    from_scratch(multi_eye, 0)
    torch_pruned(multi_eye, frames, squares, 300_000, "taylor")
    assert all(torch.equal(before[name], tensor) for name, tensor in multi_eye.state_dict().items())
    assert all(p.grad is None for p in multi_eye.parameters())


@pytest.mark.parametrize("importance", ["magnitude", "taylor"])
def test_torch_pruning_reaches_a_twentieth_of_the_multi_eye_model(multi_eye, frames, importance):
    budget = count_parameters(multi_eye) // 20
    pruned = torch_pruned(multi_eye, frames, squares, budget, importance)
    assert 0.6 * budget < count_parameters(pruned) <= budget
    assert pruned(*frames).shape == (2, 2)
    pruned.head(pruned.features(*frames)).sum().backward()  # it can be tuned


@pytest.mark.parametrize("importance", ["magnitude", "taylor"])
def test_torch_pruning_halves_the_heatmap_cnn(heatmap_cnn, importance):
    pictures = (torch.randn(2, 3, 40, 40),)
    budget = count_parameters(heatmap_cnn) // 2
    pruned = torch_pruned(heatmap_cnn, pictures, squares, budget, importance)
    assert 0.8 * budget < count_parameters(pruned) <= budget
    assert pruned(*pictures).shape == (2, 2)


def test_magnitude_and_taylor_choose_differently(heatmap_cnn):
    pictures = (torch.randn(2, 3, 40, 40),)
    both = [torch_pruned(heatmap_cnn, pictures, squares, 20_000, one) for one in ("magnitude", "taylor")]
    assert count_parameters(both[0]) == count_parameters(both[1])
    assert not torch.equal(both[0].body.conv2.weight, both[1].body.conv2.weight)


def test_a_size_that_torch_pruning_cannot_reach_is_said(multi_eye, frames):
    with pytest.raises(InputError, match=r"reaches no fewer than \d+ parameters, more than the 50 asked for"):
        torch_pruned(multi_eye, frames, squares, 50, "magnitude")


class BothEyesInOneBatch(FeatureHead):
    """One tower over both eyes, one after the other in the batch: torch-pruning miscounts the columns."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Conv2d(1, 8, 3, padding=1)
        self.head = nn.Sequential(nn.Linear(2 * 8 * 36, 12), nn.ReLU(), nn.Linear(12, 2))

    def features(self, x, y):
        both = torch.relu(self.tower(torch.cat([x, y]))).flatten(1)
        return torch.cat(both.chunk(2), 1)


def test_a_crash_of_torch_pruning_is_one_clear_message():
    with pytest.raises(InputError, match=r"torch-pruning [\d.]+ cannot prune this model \(.+\)\. Leave it out\."):
        torch_pruned(BothEyesInOneBatch(), (torch.randn(2, 1, 6, 6),) * 2, squares, 4000, "magnitude")


def test_from_scratch_forgets_every_weight_and_repeats_itself(multi_eye):
    fresh, again, other = (from_scratch(multi_eye, seed) for seed in (3, 3, 4))
    for name, old in multi_eye.named_parameters():
        assert not torch.equal(fresh.get_parameter(name), old)
        assert torch.equal(fresh.get_parameter(name), again.get_parameter(name))
        assert not torch.equal(fresh.get_parameter(name), other.get_parameter(name))


def test_from_scratch_leaves_the_random_numbers_of_others_alone(multi_eye):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    from_scratch(multi_eye, 0)
    assert torch.equal(torch.rand(3), expected)


def test_fresh_separable_filters_vary_as_those_of_a_linear_layer():
    torch.manual_seed(0)
    layer = SeparableLinear((16, 12, 16), 40, terms=3)
    layer.reset_parameters()
    dense = nn.Linear(16 * 12 * 16, 40, bias=False)
    assert layer.weight.std().item() == pytest.approx(dense.weight.std().item(), rel=0.03)


def test_from_scratch_keeps_what_does_not_learn():
    model = FeatureHead()
    model.head = nn.Sequential(nn.Linear(3, 2).requires_grad_(False), nn.Linear(2, 2))
    fresh = from_scratch(model, 0)
    kept = [torch.equal(fresh.head[k].weight, model.head[k].weight) for k in range(2)]
    assert kept == [True, False] and not fresh.head[0].weight.requires_grad


class Stubborn(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x * self.gain


def test_a_module_that_cannot_begin_again_is_named():
    model = FeatureHead()
    model.head = nn.Sequential(nn.Linear(3, 2), Stubborn())
    with pytest.raises(InputError, match=r"'head\.1' cannot be trained from scratch: Stubborn has no reset_parameters"):
        from_scratch(model, 0)


class Towers(nn.Module):
    """Two separate towers, each flattened, concatenated, one linear layer: the topology of iTracker."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(1, 8, 3, padding=1)
        self.fc = nn.Linear(2 * 8 * 36, 12)

    def forward(self, x, y):
        return self.fc(torch.cat([torch.relu(self.a(x)).flatten(1), torch.relu(self.b(y)).flatten(1)], 1))


@torch.no_grad()
def test_torch_pruning_still_removes_the_wrong_columns_behind_towers():
    """A record of the fault for which xgaze traces its own channels. When this fails, torch-pruning has been mended."""
    torch.manual_seed(0)
    model, frames, gone = Towers().eval(), (torch.randn(4, 1, 6, 6), torch.randn(4, 1, 6, 6)), [2, 5]
    zeroed = copy.deepcopy(model)
    zeroed.a.weight[gone], zeroed.a.bias[gone] = 0, 0
    expected = zeroed(*frames)
    with torch.enable_grad():
        graph = tp.DependencyGraph().build_dependency(model, frames)
    graph.get_pruning_group(model.a, tp.prune_conv_out_channels, gone).prune()
    off = float((model(*frames) - expected).abs().max())
    assert off > 1e-3, f"torch-pruning {tp.__version__} is right now (difference {off:.1g}); 1.6.1 was not."


def test_torch_kirigami_keeps_its_parameter_budget(multi_eye, frames):
    pytest.importorskip("torch_kirigami", exc_type=ImportError)
    before = count_parameters(multi_eye)
    small = kirigami_pruned(multi_eye, frames, squares, before // 8)
    assert before // 12 < count_parameters(small) <= before // 8 and count_parameters(multi_eye) == before
    assert small(*frames).shape == (2, 2)
    with pytest.raises(InputError, match=r"torch-kirigami cannot prune this model \(PlanningError"):
        kirigami_pruned(multi_eye, frames, squares, 10)


def test_torch_kirigami_that_is_not_installed_is_told_and_no_rival(multi_eye, frames, monkeypatch):
    monkeypatch.setattr("xgaze.compression.search.rivals.find_spec", lambda _: None)
    with pytest.raises(InputError, match="needs the package torch-kirigami: pip install torch-kirigami"):
        kirigami_pruned(multi_eye, frames, squares, 10)
