"""Mr-CNN: published sizes, one shared layer for all scales, and a norm bound under which the first filters really train."""

import pytest
import torch
from torch import nn

from xgaze.artifacts import read_weights, write_weights
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.architectures.mrcnn import MaxNorm
from xgaze.models.layers import EachBlock
from xgaze.models.registry import build
from xgaze.models.size import count_fc_parameters, count_parameters

SPEC = Spec(
    tuple(InputSpec(f"crop_{scale}", (3, 42, 42)) for scale in (400, 250, 150)),
    "class",
    unit="AUC",
    classes=("not looked at", "looked at"),
)
BASE = {"share_towers": True, "batch_norm": False, "conv1_max_norm": 0.1}


def crops(n=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, 3, 42, 42, generator=generator) for _ in range(3)]


@pytest.mark.parametrize(
    ("args", "parameters"),
    [({}, 3_818_497), ({"share_towers": True}, 2_682_881), (BASE, 2_682_689)],
    ids=["MrCNN", "MrCNNs", "base"],
)
def test_the_published_nets_have_their_published_sizes(args, parameters):
    model = build("mrcnn", args, SPEC)
    assert count_parameters(model) == parameters
    assert count_fc_parameters(model) == 1_327_616 + 786_944 + 513
    with torch.no_grad():
        assert model.eval().features(*crops()).shape == (2, 3 * 2592)
        assert model(*crops()).shape == (2, 2)


def test_the_fully_connected_layers_hold_79_percent_of_the_shared_net():
    model = build("mrcnn", {"share_towers": True}, SPEC)
    assert count_fc_parameters(model) / count_parameters(model) == pytest.approx(0.79, abs=0.005)


def test_one_layer_reads_the_maps_of_every_scale():
    model = build("mrcnn", {}, SPEC).eval()
    layer = model.get_submodule("head.branch.layer")
    assert isinstance(layer, nn.Linear) and (layer.in_features, layer.out_features) == (2592, 512)
    features = torch.randn(2, 3 * 2592)
    expected = torch.cat([layer(features[:, k : k + 2592]) for k in (0, 2592, 5184)], dim=1)
    assert torch.allclose(model.head.branch(features), expected, atol=1e-5)


def test_blocks_fit_whatever_width_pruning_leaves():
    assert EachBlock(nn.Linear(5, 2), 3)(torch.zeros(4, 15)).shape == (4, 6)


def test_the_two_logits_are_the_probability_of_looking():
    model = build("mrcnn", {"share_towers": True}, SPEC).eval()
    with torch.no_grad():
        logits = model(*crops())
        before = logits[:, 1]
    assert (logits[:, 0] == 0).all()
    assert torch.allclose(logits.softmax(dim=1)[:, 1], before.sigmoid())
    wanted = torch.tensor([0, 1])
    binary = nn.functional.binary_cross_entropy_with_logits(before, wanted.float())
    assert torch.allclose(nn.functional.cross_entropy(logits, wanted), binary)


def test_scales_are_told_apart_by_their_place_not_mixed_with_colours():
    """Shared towers still hand on each scale's own maps: exchanging two scales changes the answer, features move as blocks."""
    model = build("mrcnn", {"share_towers": True}, SPEC).eval()
    a, b, c = crops()
    with torch.no_grad():
        straight, crossed = model.features(a, b, c), model.features(b, a, c)
        assert torch.allclose(straight[:, :2592], crossed[:, 2592:5184], atol=1e-5)
        assert torch.allclose(straight[:, 5184:], crossed[:, 5184:], atol=1e-5)
        assert not torch.allclose(model(a, b, c), model(b, a, c), atol=1e-6)


def test_convolutions_start_kaiming_normal_with_zero_bias():
    torch.manual_seed(0)
    tower = build("mrcnn", {"share_towers": True}, SPEC).towers[0]
    for conv, fan_in in ((tower.conv1, 147), (tower.conv2, 864), (tower.conv3, 1440)):
        assert float(conv.weight.detach().std()) == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)
        assert not conv.bias.any()


def test_the_first_filters_train_under_their_norm_bound():
    torch.manual_seed(0)
    model = build("mrcnn", {**BASE, "dropout": 0.0}, SPEC).train()
    conv1, names = model.towers[0].conv1, [name for name, _ in model.named_parameters() if "conv1" in name]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    start, biased = conv1.weight.detach().clone(), conv1.bias.detach().clone()
    assert float(start.flatten(1).norm(dim=1).max()) <= 0.1 + 1e-6
    losses = []
    for _ in range(8):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(*crops(8)), torch.arange(8) % 2)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        assert float(conv1.weight.detach().flatten(1).norm(dim=1).max()) <= 0.1 + 1e-6
    moved = (conv1.weight - start).detach().flatten(1).norm(dim=1)
    assert float(moved.median()) > 1e-4 and not torch.equal(conv1.bias, biased)
    assert [name for name, _ in model.named_parameters() if "conv1" in name] == names
    assert losses[-1] < losses[0]


def test_short_filters_are_left_as_they_are_and_long_ones_shortened():
    weight = torch.tensor([[[[0.03, 0.04]]], [[[3.0, 4.0]]], [[[0.0, 0.0]]]])
    found = MaxNorm(0.1)(weight)
    assert torch.allclose(found.flatten(), torch.tensor([0.03, 0.04, 0.06, 0.08, 0.0, 0.0]))


@pytest.mark.parametrize("args", [{}, BASE], ids=["MrCNN", "base"])
def test_a_stored_net_comes_back_bit_equal(args, tmp_path):
    model = build("mrcnn", args, SPEC).eval()
    write_weights(tmp_path / "model.safetensors", model.state_dict())
    again = build("mrcnn", args, SPEC).eval()
    again.load_state_dict(read_weights(tmp_path / "model.safetensors"))
    with torch.no_grad():
        assert torch.equal(model(*crops()), again(*crops()))


def test_other_tasks_and_mixed_crops_are_refused():
    with pytest.raises(InputError, match="two classes from crops of one shape"):
        build("mrcnn", {}, Spec(SPEC.inputs, "gaze", scene=(800, 600)))
    with pytest.raises(InputError, match="two classes from crops of one shape"):
        build("mrcnn", {}, Spec((SPEC.inputs[0], InputSpec("b", (3, 50, 50))), "class", classes=("a", "b")))
