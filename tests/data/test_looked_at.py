"""Fixations on the square that a model sees."""

import numpy as np
import pandas as pd
import pytest

from xgaze.data.looked_at import on_square
from xgaze.data.open import open_recording
from xgaze.data.photographs.agreement_recording import agreement_rows
from xgaze.data.photographs.photograph_sections import ViewerAgreementData


@pytest.fixture
def data(tmp_path, viewings):
    """Nine pictures of 80x60 px, five viewers who look at one place of each, 30 px from the left edge or farther."""

    def looks(rng, k):
        for viewer in range(5):
            places = rng.normal((30 + 2 * k, 20 + 2 * k), 1 + k, (4, 2)).clip(0, (79, 59))
            yield from ((viewer, x, y) for x, y in [*places, (1.0, 30.0)])

    columns = viewings(9, looks)
    format_ = {"format": "table", "columns": columns, "size": [80, 60]}
    told = {"source": "viewer-agreement", "path": tmp_path, "fixations": format_, "labelling_viewers": 3, "sigma_px": 6}
    return ViewerAgreementData.model_validate({**told, "side": 30})


def test_a_fixation_is_scaled_with_its_picture_and_moved_with_the_square():
    placed = on_square([[400, 300], [100, 0], [99, 0], [700, 599]], (800, 600), (160, 120), 120)
    np.testing.assert_allclose(placed, [[60, 60], [0, 0], [120 - 1e-12, 119.8]][:2])


def test_fixations_are_those_of_the_viewers_whom_the_maps_are_drawn_from(data):
    recording = open_recording(data)
    rows = list(range(len(recording.table)))
    found = recording.fixations_on_squares(rows)
    labelling = set(agreement_rows(data).viewers)
    table = pd.read_csv(data.path / "fixations.csv", dtype={"who": str})
    for row in rows:
        own = table[(table["image"] == recording.table["id"][row]) & ~table["who"].isin(labelling)]
        wanted = own[["x", "y"]].to_numpy() / 2 - (5, 0)
        wanted = wanted[(wanted[:, 0] >= 0) & (wanted[:, 0] < 30)]
        assert len(found.viewers[row]) == 2
        np.testing.assert_allclose(np.concatenate(found.viewers[row]), wanted)
    assert found.sigma_px == 3.0
    values = recording[rows[0]].aux["attention"][0]
    x, y = np.floor(np.concatenate(found.viewers[rows[0]])).astype(int).T
    assert values[y, x].mean() > 2 * values.mean()


def test_a_recording_that_knows_maps_only_gives_none(gaze_recording):
    assert gaze_recording.fixations_on_squares([0]) is None
