"""What is gathered from a run's folder."""

import pytest

from xgaze.artifacts import ModelCard, write_card
from xgaze.recipe import Recipe
from xgaze.report.results import _own_student


def card(role, **changes):
    recipe = Recipe.model_validate({"name": "toy", "data": {"source": "rendered"}, "model": {"name": "multi-eye"}})
    stored = recipe.model_dump(mode="json")
    for section, values in changes.items():
        stored[section] = {**stored[section], **values}
    return ModelCard(role, {}, {}, stored, "hash", 0)


@pytest.fixture(autouse=True)
def sketchy(monkeypatch):
    """Cards here hold their recipes alone."""
    monkeypatch.setattr("xgaze.report.results.require", lambda *_: None)


def test_a_student_of_another_teacher_is_not_shown(tmp_path):
    assert _own_student(tmp_path, card("teacher")) is None
    write_card(tmp_path / "student", card("student", distill={"tuning_epochs": 7}))
    assert _own_student(tmp_path, card("teacher")).role == "student"
    assert _own_student(tmp_path, card("teacher", training={"epochs": 77})) is None


def test_settings_of_an_older_search_that_are_no_longer_allowed_do_no_harm(tmp_path):
    write_card(tmp_path / "student", card("student"))
    assert _own_student(tmp_path, card("teacher", distill={"end_to_end_epochs": 0})).role == "student"
