"""`xgaze.compress`: one plan of surgeries on a network at hand, proved; nothing trained."""

import numpy as np
import pytest
import torch
from torch import nn

import xgaze
from xgaze.errors import InputError


def pictures(arrays):
    return arrays[0][:100] / 255


def test_the_whole_rank_changes_nothing_and_a_small_one_a_known_amount(net, arrays):
    before = {name: one.clone() for name, one in net.state_dict().items()}
    samples = torch.from_numpy(pictures(arrays)).float()
    made = xgaze.compress(net, pictures(arrays), rank=4)
    assert [one.surgery.kind for one in made.steps] == ["low_rank"]
    assert all(one.proof.value <= one.proof.limit for one in made.steps)
    assert made.fc_parameters == (32 * 1024 + 32 + 66, 4 * 1024 + 4 * 32 + 32 + 66)
    with torch.no_grad():
        whole, small = net.eval()(samples).numpy(), made.network(samples).numpy()
    spread = np.sqrt(np.square(whole - whole.mean(axis=0)).sum())
    assert made.change == pytest.approx(np.sqrt(np.square(small - whole).sum()) / spread, rel=1e-3)
    assert 0 < made.change < 1
    assert xgaze.compress(net, pictures(arrays), rank=16).change < made.change
    assert all(torch.equal(net.state_dict()[name], one) for name, one in before.items())


def test_no_plan_leaves_the_function_as_it_is(net, arrays):
    made = xgaze.compress(net, {"left": pictures(arrays)})
    assert made.steps == () and made.change == 0 and made.parameters[0] == made.parameters[1]


def test_channels_go_too_and_modules_are_kept(net, arrays):
    made = xgaze.compress(net, (pictures(arrays),), share=0.5, rank=2)
    assert {one.surgery.kind for one in made.steps} >= {"channels", "low_rank"}
    assert made.network.get_submodule("features_net.tower.0").out_channels == 4
    by_weights = xgaze.compress(net, pictures(arrays), share=0.5, importance="magnitude").network
    weight = net.tower[0].weight
    scores = weight.square().sum((1, 2, 3)) + net.tower[2].weight.square().sum((0, 2, 3))
    assert torch.equal(
        by_weights.get_submodule("features_net.tower.0").weight, weight[scores.topk(4).indices.sort().values]
    )
    kept = xgaze.compress(net, pictures(arrays), rank=2, keep=["head.fc1"])
    assert "low_rank" not in {one.surgery.kind for one in kept.steps}
    assert "low_rank" in repr(made) and "<th>parameters" in made._repr_html_()


@pytest.mark.parametrize(
    ("samples", "asked", "message"),
    [
        (np.zeros((1, 1, 32, 32)), {}, "at least two samples"),
        ((np.zeros((3, 1, 32, 32)), np.zeros((2, 4))), {}, "equally many"),
        (np.full((3, 1, 32, 32), np.nan), {}, "not finite"),
        (np.random.default_rng(0).normal(size=(9, 1, 32, 32)), {"rank": 33}, r"outside 1\.\.32"),
        (np.zeros((9, 1, 32, 32)), {"share": 0.5, "importance": "taylor"}, "no labels are known"),
        (np.zeros((9, 1, 32, 32)), {"importance": "size"}, "there is no 'size'; there are outputs, magnitude, taylor"),
    ],
)
def test_what_cannot_be_done_is_told(net, samples, asked, message):
    with pytest.raises(InputError, match=message):
        xgaze.compress(net, samples, **asked)


def test_a_network_by_chance_is_refused():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x) + torch.rand(2)

    with pytest.raises(InputError, match="chance"):
        xgaze.compress(Noisy(), np.random.default_rng(0).normal(size=(9, 4)))
