"""Cross validation and a second teacher, from Python, on arrays."""

import numpy as np
import pandas as pd
import pytest

import xgaze
from xgaze.errors import InputError

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False, "hidden": 8}


@pytest.fixture
def data(arrays):
    pictures, gaze_px, people = arrays
    few = np.arange(0, len(people), 3)
    return xgaze.ArrayRecording({"left": pictures[few]}, gaze_px[few], people[few], scene=(800, 600))


def test_everybody_is_tested_once_and_the_score_is_that_of_the_table(net, data, tmp_path, capsys):
    asked = {"outer": 2, "inner": 1, "epochs": 1, "batch_size": 20, "folder": tmp_path}
    found = xgaze.crossval(net, data, **asked)
    table = pd.read_csv(found.folder / "predictions.csv")
    assert sorted(table["id"]) == sorted(data.table["id"])
    people = table.groupby("group")["error_px"].mean()
    assert len(people) == 20 and found.score.mean == pytest.approx(people.mean(), rel=1e-4)
    assert found.score.low < found.score.mean < found.score.high and found.report() is None
    assert "20 of 20 participants" in repr(found)
    again = xgaze.crossval(net, data, **asked)
    assert again.found == found.found and "force=True does it again" in capsys.readouterr().err
    with pytest.raises(InputError, match="other processes cannot see arrays"):
        xgaze.crossval(net, data, workers=2, **asked)
    with pytest.raises(InputError, match=r"^outer 21: only 20 participants"):
        xgaze.crossval(net, data, name="other", **{**asked, "outer": 21})


def test_a_second_teacher_lies_beside_the_first(data, tmp_path):
    asked = {"args": ARGS, "folder": tmp_path, "epochs": 1, "batch_size": 20, "seed": 4}
    first, second = (xgaze.train_teacher("multi-eye", data, second=one, **asked) for one in (False, True))
    assert (first.folder.name, second.folder.name) == ("teacher", "teacher-2")
    assert (first.card.seed, second.card.seed) == (4, 5)


def test_a_second_one_of_a_network_at_hand_is_refused(net, data, tmp_path):
    with pytest.raises(InputError, match="begins with the weights it has"):
        xgaze.train_teacher(net, data, second=True, folder=tmp_path)
