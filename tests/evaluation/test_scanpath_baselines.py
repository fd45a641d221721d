"""Baselines beside models of scanpaths: a forest on fixation features."""

import numpy as np
import pandas as pd
import pytest

from xgaze.data.contract import rows_of, targets_of
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.open import open_recording
from xgaze.evaluation import baselines as module
from xgaze.evaluation.baselines import baselines


@pytest.fixture
def slow_and_quick(tmp_path, monkeypatch):
    """Four viewers of twelve pictures; viewer k fixates 100 (k + 1) ms, give or take 20."""
    monkeypatch.setattr(module, "TREES", 30)
    rng = np.random.default_rng(0)
    rows = [
        (who, picture, *rng.uniform(1, 99, 2), 100 * (who + 1) + rng.uniform(-20, 20))
        for who in range(4)
        for picture in range(12)
        for _ in range(6)
    ]
    pd.DataFrame(rows, columns=list("wpxyd")).to_csv(tmp_path / "t.csv", index=False)
    columns = {"participant": "w", "stimulus": "p", "x": "x", "y": "y", "duration": "d"}

    def made(**target):
        stored = {"source": "fixation-table", "format": "table", "path": tmp_path / "t.csv", "size": (100, 100)}
        more = {"columns": columns, "inputs": [{"kind": "graph"}], "target": target, "split": {"by": "stimulus"}}
        return open_recording(FixationTableData.model_validate({**stored, **more}))

    return made


def test_a_forest_on_features_tells_slow_from_quick_viewers(slow_and_quick):
    recording = slow_and_quick(column="participant")
    found = baselines(recording)
    assert set(found) == {"majority class", "random forest on fixation features"}
    truth = targets_of(recording, rows_of(recording, "test"))
    assert (found["random forest on fixation features"].argmax(axis=1) == truth).all()
    assert found["majority class"].shape == (len(truth), 4)


def test_a_value_has_the_mean_and_a_forest_beside(slow_and_quick):
    recording = slow_and_quick(value="rest-mean-duration-ms", first=4)
    found = baselines(recording)
    truth = targets_of(recording, rows_of(recording, "test"))
    error = {name: np.abs(one - truth).mean() for name, one in found.items()}
    assert {one.shape for one in found.values()} == {truth.shape}
    assert error["random forest on fixation features"] < 45 < 80 < error["mean value"]
