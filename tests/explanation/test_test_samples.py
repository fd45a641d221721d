"""Agreement and anatomy over a test set: known answers of linear models, and going on after a stop."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import rows_of
from xgaze.explanation.attribution.attribution import mean_inputs
from xgaze.explanation.test_samples import measure_over
from xgaze.explanation.test_set.selection import one_of_each, spread_rows
from xgaze.recipe import Explain

SETTINGS = Explain(steps=8)


class Weighted(nn.Module):
    """Outputs (n, 2): weighted sums of all pixels of all inputs, around the middle of the scene."""

    def __init__(self, weight, stop_after=None):
        super().__init__()
        self.weight = nn.Parameter(torch.as_tensor(weight, dtype=torch.float32))
        self.calls, self.stop_after = 0, stop_after

    def forward(self, *inputs):
        self.calls += 1
        flat = torch.cat([one.flatten(1) for one in inputs], dim=1)
        return flat @ self.weight.T + torch.tensor([400.0, 300.0])

    def __deepcopy__(self, memo):
        return Weighted(self.weight.detach().clone())


def of(recording):
    """The baseline."""
    return mean_inputs(recording, rows_of(recording, "train"))


def random_weight(recording, seed, scale=0.05):
    pixels = sum(int(np.prod(one.shape)) for one in recording.spec.inputs)
    return np.random.default_rng(seed).normal(0, scale, (2, pixels))


@pytest.fixture
def models(gaze_recording):
    weight = random_weight(gaze_recording, 0)
    return {
        "teacher": Weighted(weight),
        "student": Weighted(weight),
        "untrained student": Weighted(random_weight(gaze_recording, 1)),
        "second teacher": Weighted(weight + random_weight(gaze_recording, 2)),
    }


def test_equal_models_agree_fully_and_an_unrelated_one_does_not(tmp_path, gaze_recording, models):
    rows = one_of_each(gaze_recording, 40, seed=0)
    found = measure_over(gaze_recording, models, rows, of(gaze_recording), SETTINGS, 0, tmp_path / "key").sections
    agreement, anatomy = found["agreement"], found["anatomy"]
    size = {"samples": 8, "participants": 8, "target": "error", "unit": "px"}
    assert size.items() <= agreement.items() and size.items() <= anatomy.items()
    by = {row["pair"]: row for row in agreement["rows"]}
    assert by["student"]["spearman"]["mean"] == pytest.approx(1) and by["student"]["top_iou"]["mean"] == 1
    assert abs(by["untrained student"]["spearman"]["mean"]) < 0.1
    assert 0.3 < by["second teacher"]["spearman"]["mean"] < 0.9
    curves = {row["model"]: row for row in agreement["curves"]}
    assert set(curves) == {"teacher", "student", "random order", "random order, student"}
    assert curves["teacher"] | {"model": ""} == curves["student"] | {"model": ""}
    assert curves["random order"] | {"model": ""} == curves["random order, student"] | {"model": ""}


def test_a_region_with_all_the_weight_has_all_the_effect(tmp_path, gaze_recording):
    """Gaze x is the sum over bright pixels only where these pixels are: so the student cheats with the skin."""
    one = np.zeros((2, 2 * 40 * 40))
    one[0] = 0.05
    teacher, student = Weighted(one), Weighted(0 * one)
    rows = one_of_each(gaze_recording, 40, seed=0)
    found = measure_over(
        gaze_recording,
        {"teacher": teacher, "student": student},
        rows,
        of(gaze_recording),
        SETTINGS,
        0,
        tmp_path / "key",
    ).sections["anatomy"]
    table = {(row["model"], row["region"]): row for row in found["rows"]}
    for (model, region), row in table.items():
        assert (row["deletion"]["mean"] > 0) == (model == "teacher"), (model, region)
    masses = [table["teacher", region]["mass_percent"]["mean"] for region in ("skin", "pupil")]
    assert sum(masses) == pytest.approx(100)
    areas = [table["teacher", region]["area_percent"] for region in ("skin", "pupil")]
    assert sum(areas) == pytest.approx(100)
    for one in found["differences"]:
        assert one["deletion"]["mean"] == pytest.approx(-table["teacher", one["region"]]["deletion"]["mean"])


def test_a_stopped_measurement_goes_on_after_its_last_chunk(tmp_path, gaze_recording, models, monkeypatch):
    rows = spread_rows(gaze_recording, 12, seed=0)
    read = type(gaze_recording).__getitem__
    seen = []

    def stopping(recording, row):
        if row == rows[10] and not seen:
            raise KeyboardInterrupt
        return read(recording, row)

    monkeypatch.setattr(type(gaze_recording), "__getitem__", stopping)
    with pytest.raises(KeyboardInterrupt):
        measure_over(gaze_recording, models, rows, of(gaze_recording), SETTINGS, 0, tmp_path / "key")
    assert [file.name for file in (tmp_path / "key").iterdir()] == ["chunk-00000.npz"]

    def noting(recording, row):
        seen.append(row)
        return read(recording, row)

    monkeypatch.setattr(type(gaze_recording), "__getitem__", noting)
    found = measure_over(gaze_recording, models, rows, of(gaze_recording), SETTINGS, 0, tmp_path / "key").sections
    assert [row for row in seen if row in rows] == rows[8:]
    whole = measure_over(
        gaze_recording, models, rows, of(gaze_recording), SETTINGS, 0, tmp_path / "key", afresh=True
    ).sections
    assert [row for row in seen if row in rows] == rows[8:] + rows and whole == found


def test_classes_are_measured_by_their_margin(tmp_path, class_recording):
    weight = random_weight(class_recording, 0)
    rows = one_of_each(class_recording, 4, seed=0)
    found = measure_over(
        class_recording, {"teacher": Weighted(weight)}, rows, of(class_recording), SETTINGS, 0, tmp_path / "key"
    ).sections
    assert (found["agreement"]["target"], found["agreement"]["unit"]) == ("class", "logit")
    assert found["agreement"]["rows"] == [] and found["anatomy"]["differences"] == []
    assert [row["model"] for row in found["agreement"]["curves"]] == ["teacher", "random order"]
    assert found["anatomy"]["rows"][0]["error_growth"] is None


def test_fewer_than_two_people_give_no_interval_and_no_section(tmp_path, gaze_recording, models):
    for rows in ([], one_of_each(gaze_recording, 1, seed=0)):
        found = measure_over(gaze_recording, models, rows, of(gaze_recording), SETTINGS, 0, tmp_path / "key").sections
        assert found == {"agreement": None, "anatomy": None, "human": None} and not (tmp_path / "key").exists()
