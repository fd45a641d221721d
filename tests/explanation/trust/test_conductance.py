"""Conductance where it is known, and the gate that refuses it where it does not add up."""

import numpy as np
import pytest
import torch
from captum.attr import LayerConductance
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.explanation.attribution.method import Question
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.trust.checked import check_conductance
from xgaze.explanation.trust.conductance import conductance, judged_conductance
from xgaze.recipe import Explain

SPEC = Spec((InputSpec("eye0", (1, 4, 5)),), "gaze", scene=(800, 600))
GAZE_X, _, ERROR = targets_for(SPEC)


class Net(nn.Module):
    """Gaze = B A eye, and `around` of what does not go through A."""

    def __init__(self, around=0.0):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.gaze, self.around = nn.Linear(20, 3), nn.Linear(3, 2), around

    def forward(self, eye):
        flat = eye.flatten(1)
        return self.gaze(self.embedding(flat)) + self.around * flat[:, :2]


def questions(target=GAZE_X, count=2):
    torch.manual_seed(1)
    nothing = (torch.zeros(1, 1, 4, 5),)
    return [Question(target, (torch.randn(1, 1, 4, 5),), torch.zeros(1, 2), nothing) for _ in range(count)]


def judged(model, asked, layer="embedding"):
    return judged_conductance(model, "student", layer, asked, 20, 5)


def test_in_a_linear_model_it_is_weight_times_change_of_the_variable():
    model, (asked, _) = Net(), questions()
    found = conductance(model, "embedding", asked, 20, 5)
    with torch.no_grad():
        moved = model.embedding(asked.inputs[0].flatten(1)) - model.embedding(asked.baseline[0].flatten(1))
        expected = model.gaze.weight[0] * moved[0]
    assert np.allclose(found.values, expected, atol=1e-5)
    assert found.explained == pytest.approx(float(expected.sum()), rel=1e-4)
    assert found.completeness_percent < 0.01 and found.refused is None


def test_it_equals_captums_although_the_next_layer_overwrites():
    def net(inplace):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(20, 6), nn.LeakyReLU(0.2, inplace=inplace), nn.Linear(6, 2))

    (asked, _) = questions(ERROR)
    found = conductance(net(inplace=True), "1", asked, 200, 50)
    apart = Scalar(net(inplace=False), ERROR)
    expected = LayerConductance(apart, apart.model[1]).attribute(
        tuple(one.clone().requires_grad_() for one in asked.inputs),
        asked.baseline,
        additional_forward_args=(asked.truth,),
        n_steps=200,
        method="riemann_trapezoid",
    )
    assert np.allclose(found.values, expected[0].detach(), atol=1e-6)
    assert found.attributed == pytest.approx(found.explained, rel=0.05)


def test_where_all_goes_through_the_layer_it_is_offered():
    verdict, found = judged(Net(), questions())
    assert (verdict.name, verdict.role, verdict.target) == ("conductance", "student", "gaze x")
    assert verdict.offered and verdict.reason is None and verdict.completeness_percent < 0.01
    assert verdict.randomised_similarity is None and verdict.milliseconds > 0 and len(found) == 2


def test_what_goes_around_the_layer_is_missed_and_told():
    model, asked = Net(around=1.0), questions()
    verdict, _ = judged(model, asked)
    with torch.no_grad():
        whole = [float((model(*one.inputs) - model(*one.baseline))[0, 0]) for one in asked]
    around = [float(one.inputs[0][0, 0, 0, 0]) for one in asked]
    expected = 100 * np.abs(around).sum() / np.abs(whole).sum()
    assert expected > 5 and verdict.completeness_percent == pytest.approx(expected, rel=1e-3)
    assert not verdict.offered
    assert verdict.reason.startswith(
        f"its values leave {expected:.0f} % of the prediction's change unexplained (at most 5 %"
    )


def test_refused_values_are_not_kept_and_the_reason_stands_in_their_place():
    asked = [[one] for one in questions()]
    verdicts, samples = check_conductance(
        {"teacher": Net(), "student": Net(around=1.0)}, asked, "embedding", Explain(steps=8)
    )
    assert [(one["role"], one["offered"]) for one in verdicts] == [("teacher", True), ("student", False)]
    for sample in samples:
        assert list(sample["conductance"]) == ["teacher"] and len(sample["conductance"]["teacher"]) == 3
        assert sample["conductance_refused"] == {"student": verdicts[1]["reason"]}


def test_one_sample_that_does_not_add_up_is_refused_alone():
    """Its change is small beside the others', so that the verdict over all is good."""
    model, (large, small) = Net(around=0.1), questions()
    with torch.no_grad():
        flat = torch.linalg.pinv(model.gaze.weight @ model.embedding.weight) @ torch.tensor([1000.0, 0.0])
        through = flat.view(1, 1, 4, 5) - large.baseline[0]
    large = Question(GAZE_X, (through,), large.truth, large.baseline)
    verdicts, samples = check_conductance({"teacher": model}, [[large], [small]], "embedding", Explain(steps=8))
    assert verdicts[0]["offered"]
    assert list(samples[0]["conductance"]) == ["teacher"] and samples[0]["conductance_refused"] == {}
    assert (
        samples[1]["conductance"] == {}
        and "% of the prediction's change unexplained" in (samples[1]["conductance_refused"]["teacher"])
    )


def test_what_cannot_be_computed_is_refused_with_the_reason():
    with pytest.raises(InputError, match="no module 'embeding'; did you mean 'embedding'"):
        conductance(Net(), "embeding", questions()[0])
    verdict, found = judged(Net(), questions(), "embeding")
    assert not verdict.offered and found == []
    assert verdict.reason.startswith("it cannot be computed on this model: the model has no module 'embeding'")


def test_more_steps_are_taken_where_few_do_not_add_up():
    """The error bends where it is nearly zero on the way; 2 steps miss a good part of it."""
    model, (asked, _) = Net(), questions(ERROR)
    with torch.no_grad():
        halfway = model(0.5 * asked.inputs[0]) + 0.05
    bent = Question(ERROR, asked.inputs, halfway, asked.baseline)
    few = conductance(model, "embedding", bent, 2, 5)
    _, (found,) = judged_conductance(model, "teacher", "embedding", [bent], 2, 5)
    assert few.completeness_percent > 5 and found.completeness_percent < few.completeness_percent
