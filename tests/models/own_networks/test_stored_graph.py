"""A network's graph as JSON: rebuilt without its class, and nothing in it runs code."""

import json

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.own_networks.fidelity import outputs
from xgaze.models.own_networks.split import split
from xgaze.models.own_networks.stored_graph import graph_of, module_of


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        self.fc1, self.fc2 = nn.Linear(4 * 4 * 4, 8), nn.Linear(8, 2)
        self.register_buffer("scale", torch.tensor([100.0, 200.0]))
        self.shift = nn.Parameter(torch.ones(2))

    def forward(self, x):
        x = F.dropout(self.tower(x).view(x.size(0), -1), 0.5, self.training)
        return torch.tanh(self.fc2(F.gelu(self.fc1(x)))) * self.scale + self.shift


class Sequential(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 6, num_layers=2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(12)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        out, _ = self.gru(x)
        out = torch.cat([out[:, -1, :6], out[..., 0, 6:]], dim=-1)
        return self.fc(self.norm(out + out.shape[1] * 0.0).clamp(min=-float("inf"), max=3.0))


class Centred(nn.Module):
    """The centre of a heat map, which is at 0 for whoever does not know the places yet; sizes are asked for on the way."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.register_buffer("places", torch.arange(256.0))

    def forward(self, x):
        if x.dim() != 4 or x.shape[1] > 1:
            raise ValueError
        heat = self.conv(x).flatten(1).softmax(1)
        return torch.stack([(heat * self.places).sum(1), (heat * self.places.flip(0)).sum(1)], 1)


CASES = {
    "convolutional": (Convolutional, (5, 1, 16, 16)),
    "sequential": (Sequential, (5, 4, 3)),
    "centred": (Centred, (5, 1, 16, 16)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_graph_read_from_json_is_the_same_function(case):
    made, shape = CASES[case]
    net, x = made().eval(), torch.randn(shape)
    stored = json.loads(json.dumps(graph_of(net, (x,)), allow_nan=False))
    own, rebuilt = split(net, (x,)), split(module_of(stored), (x,))
    assert list(rebuilt.state_dict()) == list(own.state_dict())
    assert not torch.equal(outputs(rebuilt, (x,)), outputs(net, (x,)))  # fresh weights
    rebuilt.load_state_dict(own.state_dict())
    assert torch.equal(outputs(rebuilt, (x,)), outputs(own, (x,)))
    torch.testing.assert_close(outputs(rebuilt, (x,)), outputs(net, (x,)))


def test_dropout_by_function_is_on_in_training_only():
    net = module_of(graph_of(Convolutional(), (torch.zeros(2, 1, 16, 16),)))
    assert [type(one) for one in net.modules() if isinstance(one, nn.Dropout)] == [nn.Dropout]


class Own(nn.Linear):
    pass


class Unusual(nn.Module):
    def __init__(self, layer, function):
        super().__init__()
        self.layer, self.function = layer, function

    def forward(self, x):
        return self.function(self.layer(x))


HOOKED = nn.Linear(4, 2)
HOOKED.register_forward_hook(lambda *_: None)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Unusual(nn.TransformerEncoderLayer(4, 2, 8), torch.relu), "a layer TransformerEncoderLayer is not among"),
        (Unusual(HOOKED, torch.relu), "hooks"),
        (Unusual(nn.Linear(4, 2), torch.special.bessel_j0), "bessel_j0 is not among"),
        (Unusual(nn.Linear(4, 2), lambda x: x.cauchy_()), "cauchy_ is not among"),
    ],
)
def test_what_a_graph_cannot_say_is_named(net, message):
    with pytest.raises(InputError, match=message):
        graph_of(net, (torch.zeros(3, 4),))


def graph(*steps, layers=None):
    start = [["placeholder", "x", "x", {"tuple": []}, {}]]
    end = [["output", "output", "output", {"tuple": [{"step": steps[-1][1] if steps else "x"}]}, {}]]
    return {"layers": layers or {}, "tensors": {}, "steps": [*start, *steps, *end]}


X = {"tuple": [{"step": "x"}]}
TOUCH = "open('ran', 'w')"


def test_a_graph_by_hand():
    assert module_of(graph(["call_method", "y", "abs", X, {}]))(torch.tensor([-2.0])) == 2


@pytest.mark.parametrize(
    "harmful",
    [
        graph(["call_function", "y", "torch.load", {"tuple": ["weights.pkl"]}, {}]),
        graph(["call_function", "y", "torch.from_file", {"tuple": ["ran", True, 8]}, {}]),
        graph(["call_function", "y", "torch.serialization.load", {"tuple": ["weights.pkl"]}, {}]),
        graph(["call_function", "y", "operator.attrgetter", {"tuple": ["__class__"]}, {}]),
        graph(["call_function", "y", "builtins.eval", {"tuple": [TOUCH]}, {}]),
        graph(["call_function", "y", "getattr", {"tuple": [{"step": "x"}, "__class__"]}, {}]),
        graph(["call_method", "y", "__reduce__", X, {}]),
        graph(["call_method", "y", f"abs() or {TOUCH}", X, {}]),
        graph(["call_module", "y", f'a") or {TOUCH} or ("', X, {}]),
        graph(["get_attr", "y", f'a") or {TOUCH} or ("', {"tuple": []}, {}]),
        graph(["placeholder", "y", f"y={TOUCH}", {"tuple": []}, {}]),
        graph(["call_method", f"y = {TOUCH} #", "abs", X, {}]),
        graph(["call_method", "y", "abs", X, {f"a={TOUCH}, b": 1}]),
        graph(["call_method", "y", "abs", X, {"class": 1}]),
        graph(["call_module", "y", "a", X, {}], layers={"a": {"layer": "Module", "args": {}}}),
        graph(["call_module", "y", "a", X, {}], layers={"a": {"layer": "Linear", "args": {"in_features": "many"}}}),
        graph(["call_module", "y", "a", X, {}]),
        graph(["call_method", "y", "abs", {"tuple": [{"step": "z"}]}, {}]),
        graph(["run", "y", "abs", X, {}]),
        {"layers": {}, "tensors": {}},
        {"layers": [], "tensors": {}, "steps": []},
    ],
)
def test_nothing_but_known_operations_is_built(harmful, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"architecture\.graph"):
        module_of(harmful)(torch.zeros(2))
    assert not list(tmp_path.iterdir())
