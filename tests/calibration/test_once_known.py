"""What people are scored by once each is calibrated: planted offsets go, what is not personal stays."""

from dataclasses import replace

import numpy as np
import pytest

from xgaze.calibration.once_known import TIMES, once_known
from xgaze.compression.search.judge import Judge, open_judge
from xgaze.data.contract import Spec, participants_of, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.score import compare
from xgaze.recorded_targets import Beside

SPEC = Spec((), "gaze", "px", (800, 600))
PEOPLE, FRAMES, POINTS = 12, 20, 3


@pytest.fixture
def people():
    """(targets, names, rng): every frame at a point of its own."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 600, (PEOPLE * FRAMES, 2)), np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES), rng


def offsets(rng, size):
    return np.repeat(rng.normal(0, size, (PEOPLE, 2)), FRAMES, axis=0)


def test_a_personal_offset_is_gone_and_everybody_is_asked_as_often(people):
    targets, names, rng = people
    known = once_known(SPEC, targets, names, POINTS)
    found = known.outputs(targets + offsets(rng, 30))
    assert len(found) == len(known.truth) == len(known.people) == PEOPLE * TIMES * (FRAMES - POINTS)
    np.testing.assert_allclose(found, known.truth, atol=1e-3)
    assert set(np.unique(known.people, return_counts=True)[1]) == {TIMES * (FRAMES - POINTS)}


def test_of_several_targets_it_is_the_main_one(people):
    targets, names, rng = people
    beside = (Beside("pupil", "gaze", "px"),)
    said = targets + offsets(rng, 30)
    several = (np.hstack([one, rng.normal(size=one.shape)]) for one in (targets, said))
    known, alone = (
        once_known(replace(SPEC, beside=beside), next(several), names, POINTS),
        once_known(SPEC, targets, names, POINTS),
    )
    np.testing.assert_array_equal(known.outputs(next(several)), alone.outputs(said))
    np.testing.assert_array_equal(known.truth, alone.truth)


def test_a_personal_affine_map_is_gone_with_enough_points(people):
    targets, names, rng = people
    turned = targets.copy()
    for k in range(PEOPLE):
        own = slice(k * FRAMES, (k + 1) * FRAMES)
        turned[own] = targets[own] @ (np.eye(2) + rng.normal(0, 0.05, (2, 2))) + rng.normal(0, 20, 2)
    known = once_known(SPEC, targets, names, 6)
    before = np.linalg.norm(turned - targets, axis=1).mean()
    assert np.linalg.norm(known.outputs(turned) - known.truth, axis=1).mean() < before / 50


def test_noise_that_is_nobodys_own_stays_what_it_is(people):
    targets, names, rng = people
    known = once_known(SPEC, targets, names, POINTS)
    said = targets + rng.normal(0, 10, targets.shape)
    errors = np.linalg.norm(known.outputs(said) - known.truth, axis=1).mean()
    assert errors == pytest.approx(np.linalg.norm(said - targets, axis=1).mean(), rel=0.05)


def test_nobody_is_asked_at_a_point_that_calibrated_them(people):
    targets, names, _ = people
    known = once_known(SPEC, targets.round(-2), names, POINTS)  # several frames at one point
    for half in known.halves:
        for calibrating, tested in zip(half.calibrating, half.tested, strict=True):
            points = {tuple(one) for one in targets.round(-2)[calibrating]}
            assert len(points) == POINTS
            assert points.isdisjoint({tuple(one) for one in targets.round(-2)[tested[tested >= 0]]})
    first, second = (set(half.people) for half in known.halves)
    assert first.isdisjoint(second) and len(first) == len(second) == PEOPLE // 2


def test_a_student_that_errs_by_offsets_alone_is_no_worse_once_people_are_known(people):
    targets, names, rng = people
    noise = rng.normal(0, 10, targets.shape)
    teacher, student = targets + noise, targets + noise + offsets(rng, 20)
    known = once_known(SPEC, targets, names, 15)  # the noise of few points would be in their maps
    plain = Judge(SPEC, targets.astype(np.float32), names, teacher, "teacher")
    judge = Judge(SPEC, known.truth, known.people, known.outputs(teacher), "teacher", known=known)
    assert plain.worse_percent(student).low > 50
    assert abs(judge.worse_percent(student).mean) < 8
    assert judge.score(student) < plain.score(student) / 1.5
    assert judge.better({"a": student, "b": teacher}) in ("a", "b")
    said = compare(SPEC, known.outputs(student), known.outputs(teacher), known.truth, known.people)
    assert judge.worse_percent(student) == said


def test_a_search_is_judged_on_known_people_where_that_is_asked_for(gaze_recording):
    rows = rows_of(gaze_recording, "validation")
    reference = targets_of(gaze_recording, rows) + 5
    plain, known = (open_judge(gaze_recording, reference, "teacher", points) for points in (None, 2))
    assert plain.score(reference) == pytest.approx(5 * 2**0.5, rel=1e-4)
    assert known.score(reference) < 0.05 and known.further == plain.further > 0
    assert set(known.participants) == set(participants_of(gaze_recording, rows))


@pytest.mark.parametrize(
    ("spec", "many", "points", "told"),
    [
        (Spec((), "class", classes=("a", "b")), 3, 1, "leave it out for classes"),
        (SPEC, 1, 1, "two people or more"),
        (SPEC, 3, FRAMES, "looked at too few target points for 20"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(people, spec, many, points, told):
    targets, names, _ = people
    kept = slice(0, many * FRAMES)
    with pytest.raises(InputError, match=told):
        once_known(spec, targets[kept], names[kept], points)
