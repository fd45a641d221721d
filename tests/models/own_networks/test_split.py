"""A module parted at its first linear layer is bit-equal to the whole."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.compression.head import first_linear, tail_of
from xgaze.errors import InputError
from xgaze.models.own_networks.split import split


def pictures(n, inputs=2, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(n, channels, 20, 24, generator=generator) for _ in range(inputs))


class Net(nn.Module):
    """Maps of 4 x 8 x 10 in `body`, and layers for every kind of head."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 5, stride=2), nn.BatchNorm2d(4), nn.ReLU())
        self.fc1, self.fc2, self.fc3 = nn.Linear(320, 12), nn.Linear(12, 12), nn.Linear(12, 2)
        self.both = nn.Linear(640, 12)
        self.drop, self.flatten = nn.Dropout(0.5), nn.Flatten()

    def end(self, x):
        return self.fc3(F.relu(self.fc2(x)))


class Flattened(Net):
    def forward(self, x):
        return self.end(self.fc1(self.drop(self.flatten(self.body(x)))))


class Turned(Net):
    def forward(self, x):
        return self.end(self.fc1(self.body(x).permute(0, 2, 3, 1).flatten(1)))


class OnlyLinear(Net):
    def __init__(self):
        super().__init__()
        self.tail = nn.Linear(320, 2)

    def forward(self, x):
        return self.tail(torch.flatten(self.body(x), 1))


class Residual(Net):
    def forward(self, x, unused=None):
        y = self.fc1(self.body(x).reshape(x.shape[0], -1))
        return self.fc3(y + self.fc2(y))


class FunctionalDropout(Net):
    def forward(self, x):
        return self.end(F.dropout(self.fc1(self.body(x).flatten(1)), 0.9, self.training))


class StarInputs(Net):
    def forward(self, *eyes):
        return self.end(self.both(torch.cat([self.body(x).flatten(1) for x in eyes], 1)))


class BothEyesInOneBatch(Net):
    def forward(self, left, right):
        maps = self.body(torch.cat([left, right]))
        return self.end(self.both(torch.cat(maps.chunk(2), dim=1).flatten(1)))


class PerEyeLinear(Net):
    def __init__(self):
        super().__init__()
        self.joined = nn.Linear(24, 6)
        self.gaze = nn.Linear(6, 2)

    def forward(self, left, right):
        eyes = [self.fc1(self.body(x).flatten(1)) for x in (left, right)]
        return self.gaze(self.joined(torch.cat(eyes, dim=1)).tanh())


class ByFunction(Net):
    """The weights of fully connected layers are the module's own."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(12, 320) * 0.1), nn.Parameter(torch.ones(12))
        self.twice = nn.Parameter(torch.randn(12, 12) * 0.1)

    def forward(self, x):
        h = F.linear(self.body(x).flatten(1), bias=self.bias, weight=self.weight)
        return self.fc3(F.linear(F.linear(h, self.twice).relu(), self.twice))


class Centre(Net):
    """The centre of a heat map, a little to the right: no fully connected layer."""

    def __init__(self):
        super().__init__()
        rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(10.0), indexing="ij")
        self.register_buffer("rows", rows.flatten())
        self.register_buffer("columns", columns.flatten())

    def forward(self, x):
        heat = self.body(x).mean(1).flatten(1).softmax(1)
        return torch.stack([(heat * self.columns).sum(1) + 3, (heat * self.rows).sum(1)], 1)


class WholeMaps(Net):
    """Convolutions in the place of fully connected layers."""

    def __init__(self):
        super().__init__()
        self.whole, self.last = nn.Conv2d(4, 12, (8, 10)), nn.Conv2d(12, 2, 1)

    def forward(self, x):
        return self.last(F.relu(self.whole(self.body(x)))).flatten(1)


CASES = {
    Flattened: (1, "head.fc1", (4, 8, 10)),
    Turned: (1, "head.fc1", None),
    OnlyLinear: (1, "head.tail_", (4, 8, 10)),
    Residual: (1, "head.fc1", (4, 8, 10)),
    FunctionalDropout: (1, "head.fc1", (4, 8, 10)),
    StarInputs: (2, "head.both", (8, 8, 10)),
    BothEyesInOneBatch: (2, "head.both", (8, 8, 10)),
    PerEyeLinear: (2, "head.joined", None),
    ByFunction: (1, "head.linear_layer", (4, 8, 10)),
}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_a_split_module_is_bit_equal_to_the_whole_at_any_batch_size(kind):
    inputs, layer, shape = CASES[kind]
    torch.manual_seed(0)
    module = kind().eval()
    parted = split(module, pictures(2, inputs))
    twin = copy.deepcopy(parted)
    assert [name for name, _ in parted.named_children()] == ["features_net", "head"]
    assert (first_linear(parted), parted.feature_shape) == (layer, shape)
    for n in (1, 5):
        x = pictures(n, inputs, seed=n)
        with torch.no_grad():
            expected = module(*x)
            assert torch.equal(parted(*x), expected) and torch.equal(twin(*x), expected)
            first = parted.get_submodule(layer)(parted.features(*x))
            assert torch.equal(tail_of(parted, layer)(first), expected)


def test_the_copy_shares_nothing_with_the_original():
    parted = split(Flattened(), pictures(2, 1))
    twin = copy.deepcopy(parted)
    assert not {p.data_ptr() for p in parted.parameters()} & {p.data_ptr() for p in twin.parameters()}


def test_splitting_moves_no_statistics_and_keeps_the_mode():
    module = Flattened()
    before = copy.deepcopy(module.state_dict())
    parted = split(module, pictures(2, 1))
    assert module.training and parted.training and parted.features_net.body.training
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_functional_dropout_still_knows_when_it_trains():
    parted = split(FunctionalDropout(), pictures(2, 1))
    x = pictures(4, 1)
    assert not torch.equal(parted(*x), parted(*x))
    parted.eval()
    assert torch.equal(parted(*x), parted(*x))


def test_weights_of_functions_are_those_of_layers():
    module = ByFunction()
    parted = split(module, pictures(2, 1))
    assert parted.head.linear_layer.weight is module.weight and parted.head.linear_layer.bias is module.bias
    own = {id(one) for one in parted.parameters()}
    assert own == {id(one) for one in module.parameters()} - {
        id(one) for layer in (module.fc1, module.fc2, module.both) for one in layer.parameters()
    }


def test_the_centre_of_a_heat_map_is_a_layer_of_constants_that_does_not_learn():
    module = Centre().eval()
    parted = split(module, pictures(2, 1))
    layer = parted.get_submodule(first_linear(parted))
    assert torch.equal(layer.weight, torch.stack([module.columns, module.rows])) and layer.bias.tolist() == [3, 0]
    assert not any(one.requires_grad for one in parted.head.parameters())
    with torch.no_grad():
        torch.testing.assert_close(parted(*pictures(5, 1)), module(*pictures(5, 1)), atol=1e-5, rtol=1e-6)


def test_a_tail_that_no_constants_are_is_none():
    class Squared(Centre):
        def forward(self, x):
            return super().forward(x).square()

    with pytest.raises(InputError, match=r"'Squared' has no nn.Linear"):
        split(Squared(), pictures(2, 1))


def test_a_convolution_as_large_as_its_maps_is_a_layer_with_the_same_weights():
    module = WholeMaps().eval()
    parted = split(module, pictures(2, 1))
    layer = parted.get_submodule(first_linear(parted))
    assert (layer.in_features, layer.out_features, parted.feature_shape) == (320, 12, (4, 8, 10))
    with torch.no_grad():
        layer.weight *= 2
        assert torch.equal(module.whole.weight.flatten(1), layer.weight)
        torch.testing.assert_close(parted(*pictures(5, 1)), module(*pictures(5, 1)))
