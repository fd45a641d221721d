"""A budget of people who are calibrated: what is compared, what is stored, and what is said of it."""

import pytest

from xgaze.calibration.once_known import once_known
from xgaze.cli.words.distilled import in_words
from xgaze.compression.distill import distill
from xgaze.compression.student import load_model
from xgaze.data.contract import participants_of, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.score import compare, summarise
from xgaze.models.inference import predict

POINTS = 2


@pytest.fixture(scope="module")
def known(run, gaze_recording, tmp_path_factory, lacking_onnx):
    """A quick search of the toy teacher whose budget is after two points: its folder, card and lines."""
    recipe, folder, _ = run
    asked = {"after_calibration": POINTS, "effort": "quick", "towers": False}
    recipe = recipe.model_copy(update={"distill": recipe.distill.model_copy(update=asked)})
    own = tmp_path_factory.mktemp("known")
    (own / "teacher").symlink_to(folder / "teacher")
    teacher, card = load_model(folder / "teacher")
    said: list[str] = []
    with lacking_onnx():
        return own, distill(recipe, gaze_recording, teacher, card, own / "student", say=said.append), said


def test_the_difference_is_that_of_calibrated_people(known, gaze_recording):
    folder, card, said = known
    test = rows_of(gaze_recording, "test")
    truth, people = targets_of(gaze_recording, test), participants_of(gaze_recording, test)
    outputs = {name: predict(load_model(folder / name)[0], gaze_recording, test) for name in ("teacher", "student")}
    seen = once_known(gaze_recording.spec, truth, people, POINTS)
    told = card.metrics["after_calibration"]
    own = summarise(gaze_recording.spec, seen.outputs(outputs["student"]), seen.truth, seen.people)
    assert told["points"] == POINTS and told["error"]["student"]["mean"] == pytest.approx(own.mean, rel=1e-4)
    assert set(told["error"]) >= {"teacher", "control", "student"}
    against = card.metrics["difference_from_teacher_percent"]  # people as they come
    expected = compare(gaze_recording.spec, outputs["student"], outputs["teacher"], truth, people)
    assert against["mean"] == pytest.approx(expected.mean, abs=0.05)
    means = [told["error"][name]["mean"] for name in ("student", card.metrics["reference"])]
    assert card.metrics["difference_percent"]["mean"] == pytest.approx(100 * (means[0] / means[1] - 1), abs=0.01)
    assert told["uncalibrated_percent"]["mean"] != card.metrics["difference_percent"]["mean"]
    assert card.metrics["budget_met"] == (card.metrics["difference_percent"]["high"] <= 2)
    assert any("once each person is calibrated by 2 points" in one for one in said)


def test_it_is_said_with_the_figure_and_without(known):
    _, card, _ = known
    lines = "\n".join(in_words({**card.metrics, "model_dir": "x"}, card, "next"))
    assert ", once each is calibrated by 2 points: " in lines
    assert "Once calibrated, the student errs by " in lines and "As long as nobody is calibrated, it loses " in lines


def test_without_it_nothing_is_said_and_recipes_are_what_they_were(run):
    recipe, _, card = run
    assert card.metrics["after_calibration"] is None
    assert "calibrated" not in "\n".join(in_words({**card.metrics, "model_dir": "x"}, card, "next"))
    assert "after_calibration" not in recipe.distill.model_dump()


def test_trials_serve_other_budgets_too(run):
    recipe, _, _ = run
    known = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"after_calibration": 3})})
    assert known.trial_hash() == recipe.trial_hash() and known.student_hash() != recipe.student_hash()


def test_too_many_points_are_refused_before_anything_is_tuned(run, gaze_recording, tmp_path):
    recipe, folder, _ = run
    many = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"after_calibration": 500})})
    teacher, card = load_model(folder / "teacher")
    with pytest.raises(InputError, match="too few target points for 500"):
        distill(many, gaze_recording, teacher, card, tmp_path / "student")
    assert not (tmp_path / "student").exists()
