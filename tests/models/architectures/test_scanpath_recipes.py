"""The recipes for fixation tables: their inputs are those their models read."""

import numpy as np
import pandas as pd
import pytest
import torch

from xgaze.data.contract import collate
from xgaze.data.open import open_recording
from xgaze.models.registry import build_architecture
from xgaze.models.size import count_parameters
from xgaze.recipe import load_recipe


@pytest.fixture
def table(tmp_path):
    """Two viewers of four pictures, five fixations each."""
    rng = np.random.default_rng(0)
    rows = [(p, s, k, *rng.uniform(1, 599, 2), 200 + k) for p in "ab" for s in range(4) for k in range(5)]
    path = tmp_path / "fixations.csv"
    pd.DataFrame(rows, columns=["subject", "image", "order", "x", "y", "duration_ms"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("name", "parameters"),
    # VitNet as published, and six features of saccades more than its three.
    [
        ("cnn", None),
        ("lstm", 640 + 2 * 4 * (64 * 128 + 2 * 64) + 257 * 2),
        ("vitnet", 12_709_602 + 6 * 64),
        ("gnn", None),
    ],
)
def test_a_recipe_builds_its_model_and_runs_it(table, name, parameters):
    recipe = load_recipe(f"scanpath-{name}", (f"data.path={table}",))
    recording = open_recording(recipe.data)
    model = build_architecture(recipe.model.model_dump(mode="json"), recording.spec).eval()
    batch = collate([recording[0], recording[5]], recording.spec)
    with torch.no_grad():
        outputs = model(*batch.inputs)
    assert outputs.shape == (2, 2) and torch.isfinite(outputs).all()
    assert parameters is None or count_parameters(model) == parameters
