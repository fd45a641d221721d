"""An attribution method registered from outside the package: judged and shown like the others, with no list edited."""

import csv
from pathlib import Path

import pytest
import torch

from xgaze.cli.main import xgaze
from xgaze.explanation.attribution.method import METHODS, Method, known_methods, watched


def squared(scalar, asked, _):
    """The gradient's square, signed."""
    inputs = watched(asked.inputs)
    found = torch.autograd.grad(scalar(*inputs, asked.truth).sum(), inputs)
    return tuple(one * one.abs() for one in found)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(METHODS, "_registered", {})
    return METHODS.register(Method(squared, complete=False, name="squared gradient"))


def test_methods_are_shown_in_their_order(registered):
    own = ["saliency", "input x gradient", "integrated gradients", "GradientShap", "Grad-CAM", "occlusion", "DeepLift"]
    assert list(known_methods()) == [*own, "squared gradient"]


def test_a_method_from_outside_is_judged_and_shown(registered, toy_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_recipe(ranks=[2])
    for command in (["train-teacher"], ["distill", "--prune-fc"], ["explain", "--over", "0", "--sample", "1"]):
        xgaze.main([*command, "toy.yaml"], standalone_mode=False)
    with Path("reports/toy/methods.csv").open() as file:
        assert "squared gradient" in {value for line in csv.DictReader(file) for value in line.values()}
    assert "squared gradient" in Path("reports/toy/index.html").read_text()
