"""In Python, too, it can be said how a network takes its inputs, and which part of what it returns is the output."""

import sys

import numpy as np
import pytest
import torch

import xgaze
from xgaze.errors import InputError

PEOPLE, FRAMES = 14, 3
SOURCE = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.out = nn.Linear(2 * 48, 8), nn.Linear(8, 4)
    def forward(self, right, left):
        both = self.out(self.fc(torch.cat([left.flatten(1), 2 * right.flatten(1)], 1)).relu()) * 100 + 300
        return {"gaze": both[:, :2], "fixed": both[:, 2:]}
"""
TWO = r"returns a dict \(gaze \(2, 2\), fixed \(2, 2\)\).*say which by `output`"
ORDER = r"forward\(right, left\) names .*say by `takes` whether"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """ "package:Class" and one of it, with weights."""
    name = f"called_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    torch.manual_seed(0)
    net = __import__(name).Net()
    torch.save(net.state_dict(), "net.pth")
    yield f"{name}:Net", net
    sys.modules.pop(name)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    views = {name: rng.integers(0, 255, (PEOPLE * FRAMES, 1, 6, 8)).astype(np.uint8) for name in ("left", "right")}
    gaze = rng.uniform(100, 500, (PEOPLE * FRAMES, 2))
    return xgaze.ArrayRecording(views, gaze, np.repeat([f"p{k}" for k in range(PEOPLE)], FRAMES), scene=(800, 600))


def expected(net, data, part, by_name):
    left, right = (torch.from_numpy(data.inputs[name]).float() / 255 for name in ("left", "right"))
    with torch.no_grad():
        return net.eval()(**({"left": left, "right": right} if by_name else {"left": right, "right": left}))[
            part
        ].numpy()


@pytest.mark.parametrize("at_hand", [True, False], ids=["at hand", "class"])
def test_adopt_is_told_which_part_is_meant_and_how_inputs_go_in(at_hand, own, data):
    reference, net = own

    def adopt(**told):
        return xgaze.adopt(
            *((net, data) if at_hand else (reference, data)), **({} if at_hand else {"weights": "net.pth"}), **told
        )

    with pytest.raises(InputError, match=ORDER):
        adopt(output="gaze")
    with pytest.raises(InputError, match=TWO):
        adopt(takes="keywords")
    for part, takes in (("gaze", "keywords"), ("fixed", "one-by-one")):
        teacher = adopt(takes=takes, output=part, name=f"{part}-{takes}")
        model = xgaze.load(teacher.folder, **({} if at_hand else {"trust_import": True}))
        found = model.predict(dict(data.inputs))
        np.testing.assert_allclose(found, expected(net, data, part, takes == "keywords"), atol=1e-3)


def test_training_is_told_so_too_and_what_is_not_meant_stays_as_it_is(own, data):
    reference, net = own
    with pytest.raises(InputError, match=ORDER):
        xgaze.train_teacher(reference, data, output="gaze")
    for name, model in (("hand", net), ("class", reference)):
        teacher = xgaze.train_teacher(model, data, takes="keywords", output="gaze", name=name, epochs=1, batch_size=16)
        said = {key: teacher.card.architecture.get(key) for key in ("takes", "output")}
        assert said == (dict.fromkeys(said) if name == "hand" else {"takes": "keywords", "output": "gaze"})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, data: xgaze.adopt(net, data, takes="keyword"), "takes 'keyword': did you mean 'keywords'"),
        (lambda net, data: xgaze.adopt("net.onnx", data, takes="list"), "an ONNX file holds its weights"),
        (lambda net, data: xgaze.train_teacher("multi-eye", data, output=0), "takes and output are of a class"),
        (lambda net, data: xgaze.train_teacher("multi-eye", takes="list"), "a recipe says these itself"),
        (lambda net, data: xgaze.crossval("multi-eye", takes="list"), "a recipe says these itself"),
    ],
    ids=["unknown", "onnx", "registered", "recipe", "crossval"],
)
def test_what_cannot_be_told_so_is_refused(call, message, own, data):
    with pytest.raises(InputError, match=message):
        call(own[1], data)
