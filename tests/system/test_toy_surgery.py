"""A surgery registered from outside the package: searched, proved, stored, rebuilt and shown, with no list edited."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from xgaze.cli.main import xgaze
from xgaze.compression.plan import Plan
from xgaze.compression.student import load_model
from xgaze.compression.surgeries.base import untouched_if_refused
from xgaze.compression.surgeries.proof import prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SURGERIES, SurgeryKind


@dataclass(frozen=True)
class FirstInputs:
    """`layer`, a linear one, reads the first `count` numbers only: the other columns of its weight are zero, and not stored."""

    layer: str
    count: int
    kind: Literal["first_inputs"] = "first_inputs"

    def reshape(self, model):
        old = model.get_submodule(self.layer)
        model.set_submodule(self.layer, Leading(self.count, old.out_features, old.in_features))

    @torch.no_grad()
    def apply(self, model, probe):
        old = model.get_submodule(self.layer)
        predicted, whole = (float(w.double().square().sum()) for w in (old.weight[:, self.count :], old.weight))
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            new = model.get_submodule(self.layer)
            new.linear.weight.copy_(old.weight[:, : self.count])
            new.linear.bias.copy_(old.bias)
            lost = whole - float(new.linear.weight.double().square().sum())
            return prove_predicted(lost, predicted, whole, self.layer)


class Leading(nn.Module):
    """Linear of the first `count` numbers that it is given."""

    def __init__(self, count, outputs, inputs):
        super().__init__()
        self.count, self.in_features, self.out_features = count, inputs, outputs
        self.linear = nn.Linear(count, outputs)

    def forward(self, x):
        return self.linear(x[..., : self.count])


TOY = SurgeryKind(
    "first_inputs",
    FirstInputs,
    words=lambda one: f"the first {one.count} inputs",
    values=(40,),
    plan=lambda model, layer, value, probe: FirstInputs(layer, value),
)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setattr(SURGERIES, "_registered", {})
    return SURGERIES.register(TOY)


def test_a_surgery_from_outside_is_searched_stored_and_rebuilt(registered, toy_recipe, tmp_path, monkeypatch):
    # The search has nothing but the toy to choose, so that the student is surely made by it.
    monkeypatch.setattr("xgaze.compression.search.candidates.head_plans", lambda *_: [])
    monkeypatch.chdir(tmp_path)
    toy_recipe()
    for command in (["train-teacher"], ["distill", "--prune-fc"], ["explain", "--over", "0", "--sample", "1"]):
        xgaze.main([*command, "toy.yaml"], standalone_mode=False)
    student, card = load_model(next(Path("checkpoints").glob("*/student")))
    (stored,) = [one for one in card.surgeries if one["kind"] == "first_inputs"]
    assert (stored["words"], stored["where"]) == ("the first 40 inputs", "head.embedding")
    assert stored["proof"]["value"] <= stored["proof"]["limit"]
    assert student.get_submodule("head.embedding").linear.weight.shape[1] == 40
    page = next(Path("reports").glob("*/index.html")).read_text()
    assert "the first 40 inputs" in page
    report = json.loads(next(Path("reports").rglob("report.json")).read_text())
    assert report["surgeries"][-1]["words"] == "the first 40 inputs"


def test_a_plan_tells_what_it_asks_of_others(registered):
    plan = Plan(rank=2, others=(("first_inputs", 40),))
    assert (plan.name, plan.in_words) == ("rank-2_first_inputs-40", "rank 2, first inputs 40")
    assert plan.keeps_towers
