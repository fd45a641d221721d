"""Functions and layers of packages that look at what a tensor is are one step each."""

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from xgaze.models.own_networks.trace import trace


def rearrange(x, pattern, **sizes):
    """As that of einops in what matters here: symbols are no tensors, and sizes are numbers."""
    if not isinstance(x, torch.Tensor) or not all(isinstance(one, int) for one in sizes.values()):
        raise RuntimeError("Tensor type unknown to einops")
    return {"b (h w) -> b h w": lambda: x.unflatten(1, (sizes["h"], -1)), "b h w -> b w h": lambda: x.mT}[pattern]()


@pytest.fixture
def einops(monkeypatch):
    module = ModuleType("einops")
    module.rearrange = rearrange
    monkeypatch.setitem(sys.modules, "einops", module)
    layer = type("Rearrange", (nn.Module,), {"forward": lambda self, x: rearrange(x, "b h w -> b w h")})
    layer.__module__ = "einops.layers.torch"
    return module, layer


def test_functions_and_layers_of_einops_are_steps(einops):
    module, layer = einops

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn, self.fc = layer(), nn.Linear(6, 2)

        def forward(self, x):
            return self.fc(self.turn(module.rearrange(x, "b (h w) -> b h w", h=x.shape[1] // 2)).flatten(1))

    net, x = Net(), torch.randn(5, 6)
    traced = trace(net, (x[:2],))
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["turn", "fc"]
    assert torch.equal(traced(x), net(x))


def test_without_such_a_package_nothing_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "einops", raising=False)
    trace(nn.Sequential(nn.Linear(3, 2)), (torch.ones(2, 3),))
    assert "einops" not in sys.modules


def test_what_len_is_in_a_users_file_is_as_before(monkeypatch):
    name = f"lengths_{__name__}"
    file = ModuleType(name)
    exec(
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.view(len(x), -1)",
        vars(file),
    )
    monkeypatch.setitem(sys.modules, name, file)
    file.Net.__module__ = name
    traced = trace(file.Net(), (torch.ones(2, 3, 4),))
    assert traced(torch.ones(5, 3, 4)).shape == (5, 12) and "len" not in vars(file)
