"""Calibration of gaze in cm and mm, of directions and of values: planted offsets are found, and every figure has its unit."""

import json

import numpy as np
import pytest

from xgaze.calibration.gain import Seen, calibrate_people, head_directions
from xgaze.calibration.maps import PersonalMap, Scale, fit_weights, require_same_target, terms
from xgaze.calibration.once_known import once_known
from xgaze.calibration.plane import IN_PX, Plane
from xgaze.calibration.points import draw_points, fewest_points
from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.score import sample_errors

FRAMES = 20
FLOOR = np.sqrt(np.pi / 2)
"""Mean length of two normal coordinates; of one, its mean size."""
TARGETS = {
    # specification, where people look (low, high), noise and spread of personal offsets, all in the unit of errors
    "cm": (Spec((), "gaze", "cm"), (-10, 10), 0.2, 1.5),
    "mm": (Spec((), "gaze", "mm"), (-100, 100), 2.0, 15.0),
    "rad": (Spec((), "angle", "rad"), (-8, 8), 0.3, 2.0),
    "degrees": (Spec((), "angle", "degrees"), (-8, 8), 0.3, 2.0),
    "vector": (Spec((), "angle", "vector"), (-8, 8), 0.3, 2.0),
    "value": (Spec((), "value", "ms"), (0, 300), 4.0, 40.0),
}
FORWARDS = ("-z", "+z", "+x", "-y")


def people(spec, reach, noise, offset, seed, count=40, forward="-z"):
    """(truth, what a model says), both as they are stored, and names; each person's own offset is planted among the noise."""
    rng = np.random.default_rng(seed)
    plane = Plane(spec.kind, spec.unit, forward)
    places = rng.uniform(*reach, (count * FRAMES, plane.numbers))
    moved = np.repeat(rng.normal(0, offset, (count, plane.numbers)), FRAMES, axis=0)
    said = places + moved + rng.normal(0, noise, places.shape)
    return plane.outputs(places), plane.outputs(said), np.repeat([f"P{k:03}" for k in range(count)], FRAMES)


def seen(spec, parts, seed):
    truth, said, names = parts
    plane = Plane.of(spec, truth)
    draws = draw_points(plane.in_steps(truth), names, 9, 2, seed)
    places = plane.placed(said)
    head = places @ np.random.default_rng(seed).normal(0, 1, (plane.numbers, 5))
    return Seen(places, head, plane.placed(truth), draws, plane)


@pytest.mark.parametrize("name", TARGETS)
def test_a_planted_offset_is_found_and_the_error_falls_to_the_planted_noise(name):
    spec, *planted = TARGETS[name]
    tested, others = (seen(spec, people(spec, *planted, seed), seed) for seed in (1, 2))
    found = calibrate_people("affine", 9, tested, others, head_directions(others.head)).figures()
    floor = planted[1] * (np.sqrt(2 / np.pi) if name == "value" else FLOOR)
    assert found["unit"] == spec.measured == ("ms" if name == "value" else name if name in ("cm", "mm") else "degrees")
    assert found["before"].mean > 4 * floor
    # The mean of nine noisy frames is itself off: sqrt(1 + 1 / 9) times the noise.
    assert found["after"].mean == pytest.approx(floor * np.sqrt(10 / 9), rel=0.06)
    assert found["people_helped"] >= 36 and found["people"] == 40  # a few have next to no offset


@pytest.mark.parametrize("how", ["poly2", "ridge", "svr"])
def test_every_map_works_in_every_unit_alike(how):
    """The same people in px, cm (a hundredth of a step each) and the like gain the same."""
    gains = []
    for name, scale in {"px": 100.0, "cm": 2.0, "mm": 20.0}.items():
        spec = Spec((), "gaze", name)
        tested, others = (
            seen(spec, people(spec, (-5 * scale, 5 * scale), 0.1 * scale, scale, s, 8), s) for s in (1, 2)
        )
        gains.append(
            calibrate_people(how, 5, tested, others, head_directions(others.head)).figures()["gain_percent"].mean
        )
    np.testing.assert_allclose(gains, gains[0], rtol=1e-4)
    assert gains[0] > 60


def test_directions_are_pitch_and_yaw_from_where_people_look():
    plane = Plane("angle", "vector", "-z")
    ahead = np.array([[0, 0, -2], [0, 1, -1], [1, 0, -1], [0, -1, -np.sqrt(3)]], float)
    np.testing.assert_allclose(plane.placed(ahead), [[0, 0], [45, 0], [0, 45], [-30, 0]], atol=1e-12)
    assert Plane.of(Spec((), "angle", "vector"), ahead).forward == "-z"
    np.testing.assert_allclose(Plane("angle", "rad").placed([[0.1, -np.pi / 6]]), [[np.degrees(0.1), -30]])
    np.testing.assert_allclose(Plane("angle", "degrees").placed([[3, -4]]), [[3, -4]])


@pytest.mark.parametrize("forward", FORWARDS)
def test_vectors_come_back_as_they_were_whichever_way_is_forward(forward):
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.3, (50, 3))
    vectors[:, "xyz".index(forward[1])] = -1 if forward[0] == "-" else 1
    plane = Plane.of(Spec((), "angle", "vector"), vectors)
    assert plane.forward == forward
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(plane.outputs(plane.placed(vectors)), unit, atol=1e-12)
    # Errors between places are the angles between vectors.
    other = unit + rng.normal(0, 0.05, unit.shape)
    expected = sample_errors(Spec((), "angle", "vector"), other, vectors)
    np.testing.assert_allclose(plane.errors(plane.placed(vectors), plane.placed(other)), expected, rtol=1e-6)


def test_yaw_goes_the_short_way_round():
    plane = Plane("angle", "degrees")
    truth, said = np.array([[0.0, 179.0]]), np.array([[0.0, -179.0]])
    np.testing.assert_allclose(plane.residuals(truth, said), [[0, -2]])
    np.testing.assert_allclose(plane.errors(truth, said), [2])
    assert IN_PX.residuals(np.array([[800.0, 0]]), np.zeros((1, 2))).tolist() == [[800, 0]]


def test_a_point_is_one_point_in_every_unit():
    dots = np.tile(np.repeat([[10.0, 4], [20, 8], [10, 8]], 3, axis=0), (2, 1))
    names = np.repeat(["a", "b"], 9)
    for spec, targets in {
        Spec((), "gaze", "px"): dots,
        Spec((), "gaze", "cm"): dots * 0.02,
        Spec((), "angle", "rad"): np.radians(dots * 0.06),
        Spec((), "value", "s"): dots[:, :1],
    }.items():
        jitter = targets + 1e-7 * np.arange(len(targets))[:, None] * np.ptp(targets)
        fewest = fewest_points(Plane.of(spec, targets).in_steps(jitter), names)
        assert fewest == (2 if spec.kind == "value" else 3)


@pytest.mark.parametrize("name", TARGETS)
def test_people_are_judged_once_known_in_the_unit_of_the_recording(name):
    spec, reach, _, offset = TARGETS[name]
    truth, said, names = people(spec, reach, 0, offset, 1, 12)
    known = once_known(spec, truth, names, 3)
    found = known.outputs(said)
    assert found.shape == known.truth.shape == (len(known.people), spec.outputs)
    before = sample_errors(spec, said, truth).mean()
    assert sample_errors(spec, found, known.truth).mean() < before / 200


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("how", ["affine", "poly2"])
def test_a_persons_map_bears_its_unit_and_comes_back(name, how):
    spec, reach, noise, offset = TARGETS[name]
    truth, said, _ = people(spec, reach, noise, 0, 3, 1)
    plane = Plane.of(spec, truth)
    read = plane.placed(said) + 2 * offset
    said = plane.outputs(read)
    scale = Scale.of(read)
    weights = fit_weights(terms(how, read, scale), plane.residuals(plane.placed(truth), read), (0.0, 1.0))
    stored = json.loads(json.dumps(PersonalMap(how, "anna", FRAMES, scale, weights, "hash", plane).to_json()))
    assert {f"{one}_{spec.measured}" for one in ("mean", "spread", "weights")} <= set(stored)
    assert (stored["of"]["kind"], stored["of"]["unit"]) == (spec.kind, spec.unit)
    again = PersonalMap.from_json(stored, "anna.json")
    errors = [sample_errors(spec, one, truth).mean() for one in (said, again(said))]
    assert errors[1] < 0.3 * errors[0] and again(said).shape == truth.shape
    require_same_target(again, spec, "anna.json")
    with pytest.raises(InputError, match=r"anna\.json: moves .* but the model puts out gaze \(px\)"):
        require_same_target(again, Spec((), "gaze", "px"), "anna.json")
    for bad in ({"kind": "class"}, {"unit": "parsec" if spec.kind != "value" else 3}, {"forward": "up"}):
        with pytest.raises(InputError, match="no calibration"):
            PersonalMap.from_json({**stored, "of": {**stored["of"], **bad}}, "anna.json")
    with pytest.raises(InputError, match="no calibration"):
        PersonalMap.from_json({**stored, "of": None}, "anna.json")


def test_classes_are_refused():
    with pytest.raises(InputError, match="classes have no place to move from"):
        Plane.of(Spec((), "class", classes=("a", "b")), np.zeros(3))
