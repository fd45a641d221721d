"""Networks that take a list, a dict, one tensor or keywords, and return more than the output, are models of inputs one by one."""

import sys
from collections import namedtuple
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from xgaze.compression.head import first_linear
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.own_networks.call_forms import Call, Called, as_called
from xgaze.models.own_networks.fidelity import outputs, training_difference
from xgaze.models.own_networks.imported import own_and_parted, parted_module
from xgaze.models.registry import build_architecture

EYES = Spec((InputSpec("left", (1, 6, 8)), InputSpec("right", (1, 6, 8))), "gaze", scene=(800, 600))
Result = namedtuple("Result", "gaze openness")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc, self.open = nn.Conv2d(1, 3, 3), nn.Linear(2 * 3 * 24, 2), nn.Linear(2 * 3 * 24, 1)

    def of(self, left, right):
        f = torch.cat([self.conv(x).relu().flatten(1) for x in (left, right)], 1)
        return self.fc(f), self.open(f)

    def gaze(self, *eyes):
        return self.of(*eyes)[0]


def net(forward):
    torch.manual_seed(0)
    return type("Mine", (Net,), {"forward": forward})()


def eyes(n=3):
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(n, 1, 6, 8, generator=generator) for _ in range(2))


def keywords(self, *, right, left):
    return self.gaze(left, right)


TAKES = {
    "keywords": keywords,
    "list": lambda self, images: self.gaze(*images),
    "dict": lambda self, views: self.gaze(views["left"], views["right"]),
    "stacked": lambda self, x: self.gaze(*x.unbind(1)),
    "joined": lambda self, x: self.gaze(*x.split(1, 1)),
}


def named(self, left, right):
    return Result(*self.of(left, right))


def in_training_alone(self, left, right):
    return self.of(left, right) if self.training else self.gaze(left, right)


RETURNS = {
    "tuple": lambda self, left, right: self.of(left, right),
    "second": lambda self, left, right: self.of(left, right)[::-1],
    "dict": lambda self, left, right: dict(zip(("gaze", "open"), self.of(left, right), strict=True)),
    "named": named,
    "object": lambda self, left, right: SimpleNamespace(gaze=self.gaze(left, right)),
    "in training alone": in_training_alone,
}


def same_as_gaze(own, call):
    plain = net(Net.gaze)
    called = as_called("Mine", own, EYES, call)
    parted = parted_module("Mine", called, EYES)
    assert torch.equal(outputs(called, eyes()), outputs(plain, eyes()))
    assert torch.allclose(outputs(parted, eyes()), outputs(plain, eyes()))
    assert training_difference(plain, plain, eyes()) == training_difference(called, parted, eyes()) == 0
    return called, parted


@pytest.mark.parametrize("form", TAKES)
@pytest.mark.parametrize("said", [True, False], ids=["said", "found"])
def test_inputs_are_handed_over_in_the_form_that_forward_takes(form, said):
    called, parted = same_as_gaze(net(TAKES[form]), Call(form if said else None))
    assert called.form == form and first_linear(parted) == "head.own_fc"


@pytest.mark.parametrize("kind", RETURNS)
def test_the_part_that_has_the_shape_of_the_output_is_the_output(kind):
    called, _ = same_as_gaze(net(RETURNS[kind]), Call())
    expected = {"tuple": 0, "second": 1, "dict": "gaze", "named": "gaze", "object": "gaze", "in training alone": None}
    assert called.in_use == expected[kind]


def test_a_network_that_takes_inputs_one_by_one_and_returns_its_output_is_left_as_it_is():
    own = net(Net.gaze)
    assert as_called("Mine", own, EYES, Call()) is own


def two(self, left, right):
    return {"gaze": self.gaze(left, right), "spread": self.gaze(right, left)}


def test_of_two_parts_of_one_shape_the_recipe_says_which():
    own = net(two)
    with pytest.raises(InputError, match=r"a dict \(gaze \(2, 2\), spread \(2, 2\)\), 2 of which are .*model\.output"):
        as_called("Mine", own, EYES, Call())
    gaze, spread = (outputs(as_called("Mine", own, EYES, Call(output=key)), eyes()) for key in ("gaze", "spread"))
    assert torch.equal(gaze, own.gaze(*eyes())) and not torch.equal(gaze, spread)


@pytest.mark.parametrize(
    ("forward", "call", "message"),
    [
        (two, Call(output="point"), r"has no part 'point', as model.output says"),
        (Net.gaze, Call(output=0), "returns one tensor, and model.output names a part of it"),
        (
            lambda self, left, right: self.of(left, right)[1:],
            Call(),
            r"a tuple \(0 \(2, 1\)\), none of which is \(2, 2\)",
        ),
        (
            lambda self, one: self.gaze(one, one),
            Call(),
            r"forward\(one\) does not fit the recording's 2 inputs.*left, right",
        ),
        (lambda self, x: self.gaze(*x), Call("joined"), "forward fails on inputs left"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_say(forward, call, message):
    with pytest.raises(InputError, match=message):
        as_called("Mine", net(forward), EYES, call)


def test_forms_that_give_other_outputs_are_named():
    def either(self, x):
        first, second = x if isinstance(x, list) else x.unbind(1)[::-1]
        return self.gaze(first, second)

    with pytest.raises(InputError, match=r"works with inputs as list and as stacked: say which by model\.takes"):
        as_called("Mine", net(either), EYES, Call())
    assert isinstance(as_called("Mine", net(either), EYES, Call("list")), Called)


def swapped(self, right, left):
    return self.gaze(left, right)


def test_names_of_inputs_in_another_order_are_refused_until_it_is_said_what_they_mean():
    own = net(swapped)
    message = r"forward\(right, left\) names .* another order .*\(left, right\): say by model\.takes whether .*keywords"
    with pytest.raises(InputError, match=message):
        as_called("Mine", own, EYES, Call())
    same_as_gaze(own, Call("keywords"))
    by_place = outputs(as_called("Mine", own, EYES, Call("one-by-one")), eyes())
    assert torch.equal(by_place, own.gaze(*eyes()[::-1])) and not torch.equal(by_place, own.gaze(*eyes()))
    assert as_called("Mine", own, EYES, Call(settled=True)) is own  # as older runs have it
    other_names = net(lambda self, second, first: self.gaze(first, second))
    assert as_called("Mine", other_names, EYES, Call()) is other_names


SOURCE = """
import torch
from torch import nn
class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.points = nn.Linear(96, 8), nn.Linear(8, 4)
    def forward(self, images):
        points = self.points(self.fc(torch.cat([one.flatten(1) for one in images], 1)))
        return {"left": points[:, :2], "right": points[:, 2:]}
"""


def test_a_recipe_says_which_part_of_what_a_class_returns_is_meant(tmp_path, monkeypatch):
    name = f"forms_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    told = {"import": f"{name}:Mine", "args": {}, "takes": "list"}
    with pytest.raises(InputError, match=r"Mine': forward returns a dict .*say which by model\.output"):
        build_architecture(told, EYES)
    own = sys.modules[name].Mine()
    for key in ("left", "right"):
        model = build_architecture({**told, "output": key}, EYES)
        own.load_state_dict(
            {
                one.rpartition("own.")[2].replace("head.own_fc", "fc").replace("head.tail.", ""): value
                for one, value in model.state_dict().items()
            }
        )
        torch.testing.assert_close(outputs(model, eyes()), outputs(Called(own, "list", (), key, key), eyes()))
    sys.modules.pop(name)


SWAPPED = """
import torch
from torch import nn
class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.out = nn.Linear(96, 8), nn.Linear(8, 2)
    def forward(self, right, left):
        return self.out(self.fc(torch.cat([right.flatten(1), left.flatten(1)], 1)))
"""


def test_a_trained_network_whose_names_are_in_another_order_is_rebuilt_as_it_was(tmp_path, monkeypatch):
    name = f"swapped_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SWAPPED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(InputError, match="in another order"):
        own_and_parted(f"{name}:Mine", {}, EYES)
    told = {"import": f"{name}:Mine", "args": {}}
    before, by_name = (
        build_architecture(told, EYES, known=True),
        build_architecture({**told, "takes": "keywords"}, EYES),
    )
    by_name.load_state_dict(dict(zip(by_name.state_dict(), before.state_dict().values(), strict=True)))
    torch.testing.assert_close(outputs(before, eyes()), outputs(by_name, eyes()[::-1]))
    sys.modules.pop(name)
