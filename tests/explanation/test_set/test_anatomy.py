"""Anatomy: additive models whose regions have known effects."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.readout import coordinates
from xgaze.explanation.test_set.anatomy import anatomy_figures, anatomy_section
from xgaze.explanation.test_set.perturbation import Perturbed

NAMES = ("skin", "iris", "pupil", "glint")
REGIONS = np.array([[[0, 0, 1, 1], [0, 0, 2, 2]], [[0, 0, 0, 0], [2, 2, 1, 1]]], np.uint8)
GAZE = Spec(tuple(InputSpec(name, (1, 2, 4)) for name in ("eye0", "eye1")), "gaze", scene=(800, 600))


class ByRegion(nn.Module):
    """Gaze x = the sum over pixels of their region's weight times their value; y = 4."""

    def __init__(self, weights):
        super().__init__()
        self.weight = torch.tensor(np.asarray(weights, np.float32)[REGIONS])

    def forward(self, *eyes):
        x = sum((eye[:, 0] * self.weight[k]).sum((1, 2)) for k, eye in enumerate(eyes))
        return torch.stack([x, 0 * x + 4], dim=1)

    def maps(self, value):
        return [one.numpy() * value for one in self.weight]


def figures(weights, truth=(0.0, 4.0)):
    """Inputs are one everywhere, the baseline zero."""
    model = ByRegion(weights)
    ones, zeros = ([fill((1, 1, 2, 4)) for _ in range(2)] for fill in (torch.ones, torch.zeros))
    subject = Perturbed(model, ones, zeros, coordinates(GAZE))
    truth = None if truth is None else np.array(truth)
    return anatomy_figures("teacher", subject, model.maps(1.0), REGIONS, NAMES, truth)


def test_mass_density_and_deletion_of_an_additive_model_are_known():
    found = figures((1, 2, 5, 7))  # 8 skin, 4 iris, 4 pupil pixels; the glint is not in view
    mass = {"skin": 8 * 1, "iris": 4 * 2, "pupil": 4 * 5}
    area = {"skin": 50, "iris": 25, "pupil": 25}
    for name, weight in mass.items():
        assert found[f"mass/teacher/{name}"] == pytest.approx(100 * weight / 36)
        assert found[f"area/teacher/{name}"] == area[name]
        assert found[f"density/teacher/{name}"] == pytest.approx(100 * weight / 36 / area[name])
        assert found[f"deletion/teacher/{name}"] == pytest.approx(weight)  # px: the region's whole contribution
    assert not [name for name in found if "glint" in name]


def test_the_error_grows_or_shrinks_when_a_region_is_gone():
    found = figures((1, 2, 5, 7), truth=(16.0, 4.0))  # prediction 36; 16 without the pupil, 28 without skin or iris
    assert found["growth/teacher/pupil"] == pytest.approx(0 - 20)
    assert found["growth/teacher/skin"] == pytest.approx(12 - 20)
    assert figures((1, 2, 5, 7), truth=(40.0, 4.0))["growth/teacher/pupil"] == pytest.approx(24 - 4)
    assert not [name for name in figures((1, 2, 5, 7), truth=None) if name.startswith("growth")]


def test_a_region_the_model_ignores_has_no_mass_and_no_effect():
    found = figures((0, 0, 5, 0))
    assert found["mass/teacher/pupil"] == 100 and found["density/teacher/pupil"] == 4
    assert found["deletion/teacher/skin"] == found["mass/teacher/skin"] == 0


def lines():
    """Three people; the student's pupil moves 2 px less than the teacher's in each; only one shows a glint."""
    table = []
    for k in range(3):
        line = {}
        for model, less in (("teacher", 0.0), ("student", 2.0)):
            line |= {f"mass/{model}/pupil": 50.0 + k - less, f"density/{model}/pupil": 5.0, f"area/{model}/pupil": 10.0}
            line |= {f"deletion/{model}/pupil": 30.0 + 10 * k - less, f"growth/{model}/pupil": 1.0}
            if k == 0:
                line |= {f"{kind}/{model}/glint": 1.0 for kind in ("mass", "density", "area", "deletion", "growth")}
        table.append(line)
    return pd.DataFrame(table)


def test_rows_and_paired_differences_come_with_intervals_over_people():
    found = anatomy_section(lines(), np.array(["a", "b", "c"]), NAMES, ("teacher", "student"))
    assert [(row["model"], row["region"]) for row in found["rows"]] == [("teacher", "pupil"), ("student", "pupil")]
    teacher = found["rows"][0]
    assert set(teacher) == {
        "model",
        "region",
        "area_percent",
        "mass_percent",
        "density",
        "deletion",
        "error_growth",
    }
    assert teacher["mass_percent"]["mean"] == 51 and teacher["deletion"]["mean"] == 40 and teacher["area_percent"] == 10
    assert teacher["deletion"]["low"] < 30 and teacher["deletion"]["high"] > 50  # t with three people
    minus_two = {"mean": -2.0, "low": -2.0, "high": -2.0}
    # Pairing takes the differences between people out.
    assert found["differences"] == [{"region": "pupil", "mass_percent": minus_two, "deletion": minus_two}]


def test_without_regions_or_student_there_is_less():
    people = np.array(["a", "b", "c"])
    assert anatomy_section(pd.DataFrame({"x": [1.0, 2, 3]}), people, (), ("teacher",)) is None
    alone = anatomy_section(lines(), people, NAMES, ("teacher",))
    assert alone["differences"] == [] and len(alone["rows"]) == 1


def test_classes_have_no_growth_of_the_error_in_their_unit():
    found = anatomy_section(
        lines().drop(columns=["growth/teacher/pupil"]), np.array(["a", "b", "c"]), NAMES, ("teacher",)
    )
    assert found["rows"][0]["error_growth"] is None
