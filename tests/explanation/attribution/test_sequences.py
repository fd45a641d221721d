from dataclasses import replace

import numpy as np

from xgaze.data.contract import InputSpec
from xgaze.data.representations.sequence import MOVEMENTS, PLACES
from xgaze.explanation.attribution.attribution import Attribution
from xgaze.explanation.attribution.sequences import FEATURES, stored_scanpath


def test_saccades_beside_the_fixations_are_named(scanpaths):
    recording = scanpaths("sequence")
    wide = InputSpec("sequence", (10, 9), dtype="float32")
    spec = replace(recording.spec, inputs=(wide, recording.spec.inputs[1]))
    x, y, duration = np.array([[0.25, 0.5], [0.5, 0.25], [200.0, 300.0]])
    values = np.zeros((10, 9), np.float32)
    values[:2, :3] = np.column_stack([x, y, duration])
    sample = replace(recording[0], inputs={"sequence": values, "length": np.array([2.0])})
    maps = np.arange(18, dtype=np.float32).reshape(2, 9)
    found = stored_scanpath(spec, sample, {"teacher": {"value": Attribution((maps,), 1.0, 0.0)}})["scanpath"]
    assert set(FEATURES) == {*PLACES, *MOVEMENTS} and len(PLACES + MOVEMENTS) == 9
    assert found["by_fixation"]["teacher"]["value"] == [36, 117]
    assert found["by_feature"]["teacher"]["value"]["saccade to the right"] == 4 + 13
    assert (found["x_px"], found["y_px"], found["duration_ms"]) == ([200, 400], [300, 150], [200, 300])
    odd = replace(sample, inputs={**sample.inputs, "sequence": values[:, :4]})
    assert stored_scanpath(spec, odd, {}) == {}  # features of unknown meaning are not drawn
