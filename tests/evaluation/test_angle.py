"""Angles between gaze directions against closed forms."""

import numpy as np
import pytest
import torch

from xgaze.evaluation.angle import angles, angular_error, directions, sideways_and_up


def test_of_one_angle_alone_the_error_is_its_difference():
    for place in (0, 1):  # pitch, and yaw at no pitch
        truth, told = np.zeros((5, 2)), np.zeros((5, 2))
        told[:, place] = steps = np.array([0.0, 1e-6, 0.01, 10.0, 80.0])
        np.testing.assert_allclose(angular_error(told, truth, "degrees"), steps, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(angular_error(np.radians(told), truth, "rad"), steps, rtol=1e-9, atol=1e-9)


def test_of_both_it_follows_the_cosine_rule_of_the_sphere():
    rng = np.random.default_rng(0)
    (p, y), (q, z) = rng.uniform(-1.2, 1.2, (2, 2, 50))
    cosine = np.sin(p) * np.sin(q) + np.cos(p) * np.cos(q) * np.cos(y - z)
    found = angular_error(np.column_stack([p, y]), np.column_stack([q, z]), "rad")
    np.testing.assert_allclose(found, np.degrees(np.arccos(cosine)), atol=1e-6)
    # Neither the sense of an axis nor which is called pitch matters to vectors.
    a, b = (directions(torch.tensor(np.column_stack(one)), "rad").numpy() for one in ((p, y), (q, z)))
    np.testing.assert_allclose(angular_error(a, b, "vector"), found, atol=1e-9)
    np.testing.assert_allclose(angular_error(3 * a[:, [2, 0, 1]], -b[:, [2, 0, 1]], "vector"), 180 - found, atol=1e-6)


def test_yaw_counts_less_away_from_the_horizon():
    """At 60 degrees of pitch a turn of 90 degrees is 2 asin(cos(60) sin(45)) on the sphere."""
    found = angular_error([[60.0, 90.0]], [[60.0, 0.0]], "degrees")[0]
    assert found == pytest.approx(np.degrees(2 * np.arcsin(0.5 * np.sqrt(0.5))))


def test_degenerate_directions_are_told_and_their_gradient_is_finite():
    assert angular_error([[0.0, 0, 0]], [[0.0, 0, 1]], "vector")[0] == pytest.approx(90)
    assert angular_error([[0.0, 0, -2]], [[0.0, 0, 1]], "vector")[0] == pytest.approx(180)
    same = torch.tensor([[0.1, 0.2]], requires_grad=True)
    angles(same, torch.tensor([[0.1, 0.2]]), "rad").sum().backward()
    assert torch.isfinite(same.grad).all()
    near = torch.tensor([[0.3, 0.0]], dtype=torch.float64, requires_grad=True)
    angles(near, torch.zeros(1, 2, dtype=torch.float64), "rad").sum().backward()
    torch.testing.assert_close(near.grad, torch.tensor([[np.degrees(1), 0.0]], dtype=torch.float64))


def test_wrong_shapes_are_refused():
    for a, b, unit in (
        ((3, 2), (3, 3), "rad"),
        ((3, 3), (3, 3), "rad"),
        ((3, 2), (3, 2), "vector"),
        ((1, 2), (3, 2), "rad"),
    ):
        with pytest.raises(ValueError, match="must both be"):
            angular_error(np.ones(a), np.ones(b), unit)


def test_points_in_degrees_are_how_far_a_direction_points_aside():
    found = sideways_and_up(np.array([[[0.0, 30.0], [20.0, 0.0]]]), "degrees")
    np.testing.assert_allclose(found, [[[30, 0], [0, 20]]], atol=1e-9)
    np.testing.assert_allclose(sideways_and_up(np.array([0.0, 2.0, -2.0]), "vector"), [0, 45], atol=1e-9)
