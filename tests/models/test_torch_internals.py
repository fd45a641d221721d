"""What `torch_internals` reads is what torch 2.13 has there; where a later torch fails this, read that one file against it."""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from xgaze.models import torch_internals
from xgaze.models.torch_internals import has_hooks, pre_hooks, pruned_weight, rebuilt, tensors_in, version_of


def test_it_says_the_version_it_was_read_from():
    assert "torch 2.13" in torch_internals.__doc__
    assert tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)


def test_a_tensor_counts_how_often_it_was_written_through_any_view():
    x = torch.zeros(3)
    before = version_of(x)
    x[:1].add_(1)
    x.mul_(2)
    assert version_of(x) == before + 2 and x.tolist() == [2, 0, 0]


def test_tensors_are_found_in_their_order_wherever_they_lie():
    a, b, c, d = (torch.tensor(k) for k in range(4))
    found = tensors_in((a, [b, None, "x"], OrderedDict(z=c), {"k": (3, d)}))
    assert [int(one) for one in found] == [0, 1, 2, 3]


def test_hooks_are_those_that_were_registered():
    layer = nn.Linear(2, 2)
    assert not pre_hooks(layer)
    handle = layer.register_forward_pre_hook(lambda *_: None)
    assert list(pre_hooks(layer)) == [handle.id] and has_hooks(layer)
    handle.remove()
    assert not has_hooks(layer)
    handle = layer.register_forward_hook(lambda *_: None)
    assert has_hooks(layer) and not pre_hooks(layer)
    handle.remove()
    prune.l1_unstructured(layer, "weight", 1)
    assert [pruned_weight(one) for one in pre_hooks(layer).values()] == ["weight"]


def test_a_module_is_rebuilt_as_another_class_with_what_is_left():
    class Odd(nn.Linear):
        pass

    layer = Odd(2, 2)
    layer.register_buffer("mask", torch.ones(2))
    layer.extra, layer.inner = 3, nn.ReLU()
    gone = layer.register_forward_pre_hook(lambda *_: pytest.fail("must not run"))
    weight = nn.Parameter(torch.eye(2))
    plain = rebuilt(layer, nn.Linear, {"weight": weight}, {"weight", "mask", "inner"}, {gone.id})
    assert type(plain) is nn.Linear and plain.extra == 3 and plain.bias is layer.bias
    assert [name for name, _ in plain.named_parameters()] == ["weight", "bias"] and not list(plain.buffers())
    assert not list(plain.children()) and torch.equal(plain(torch.eye(2)), torch.eye(2) + layer.bias)
    assert list(pre_hooks(layer)) == [gone.id] and "mask" in layer.state_dict()


def test_tensors_of_shapes_alone_have_no_numbers():
    layer = nn.Linear(3, 2)
    with torch_internals.shapes_alone():
        found = layer(torch.empty(4999, 3))
        assert found.shape == (4999, 2)
        with pytest.raises(RuntimeError):
            bool(found.sum() > 0)
