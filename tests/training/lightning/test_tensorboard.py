"""TensorBoard on request, and only where it is installed."""

import pytest

from xgaze.errors import InputError
from xgaze.recipe.schema import Training
from xgaze.training import fit


def test_nothing_is_written_unless_asked_for(tmp_path):
    assert fit.board(Training(), tmp_path) is False


def test_without_the_package_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install tensorboard"):
        fit.board(Training(tensorboard=True), tmp_path)


def test_with_it_scalars_lie_beside_the_training_folder(tmp_path, monkeypatch):
    made = {}
    monkeypatch.setattr(fit, "find_spec", lambda _: object())
    monkeypatch.setattr(fit, "TensorBoardLogger", lambda folder, **named: made.update(folder=folder, **named))
    fit.board(Training(tensorboard=True), tmp_path / "teacher" / "training")
    assert made == {"folder": tmp_path / "teacher", "name": "tensorboard", "version": "training"}
