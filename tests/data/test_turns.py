"""Everyone has a turn before anyone has a second one."""

import numpy as np

from xgaze.data.contract import rows_of
from xgaze.data.turns import in_turns


def test_every_participant_gives_equally_many_rows(gaze_recording):
    rows = in_turns(gaze_recording, "train", seed=0)
    assert np.array_equal(np.sort(rows), rows_of(gaze_recording, "train"))
    for count, each in ((12, 1), (24, 2)):
        assert gaze_recording.table["group"].iloc[rows[:count]].value_counts().tolist() == [each] * 12
    assert np.array_equal(rows, in_turns(gaze_recording, "train", seed=0))
    assert not np.array_equal(rows, in_turns(gaze_recording, "train", seed=1))
