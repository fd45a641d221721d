import numpy as np
import pytest

from xgaze.artifacts import hashes_of, read_json, write_json
from xgaze.training.crossval.fold import is_finished


@pytest.fixture
def fold(tmp_path):
    """A finished fold of four rows."""
    (tmp_path / "history.csv").write_text("epoch,training\n0,refit\n")
    np.savez(tmp_path / "outputs.npz", rows=np.arange(4), teacher=np.zeros((4, 2)))
    write_json(tmp_path / "fold.json", {"participants": ["a"], "samples": 4, "seconds": 1.0})
    return tmp_path


@pytest.mark.parametrize("name", ["history.csv", "outputs.npz", "fold.json"])
def test_a_fold_is_finished_only_if_all_it_left_is_whole(fold, name):
    assert is_finished(fold)
    whole = (fold / name).read_bytes()
    for kept in (0, 5, len(whole) // 2 if name != "history.csv" else 14):
        (fold / name).write_bytes(whole[:kept])
        assert not is_finished(fold), kept
    (fold / name).unlink()
    assert not is_finished(fold)


def test_a_fold_whose_history_lacks_a_row_is_not_finished(fold):
    write_json(fold / "fold.json", {**read_json(fold / "fold.json"), **hashes_of(fold, ["history.csv"])})
    assert is_finished(fold)
    with (fold / "history.csv").open("a") as file:
        file.write("1,refit\n")
    assert not is_finished(fold)


def test_a_fold_of_other_rows_is_not_finished(fold):
    np.savez(fold / "outputs.npz", rows=np.arange(3), teacher=np.zeros((3, 2)))
    assert not is_finished(fold)
