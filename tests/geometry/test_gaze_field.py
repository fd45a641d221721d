"""Where people looked as places in a plane: closed forms in every unit."""

import numpy as np
import pytest

from xgaze.geometry.gaze_field import GazeField


def vectors(pitch, yaw, forward=1.0):
    p, y = np.radians(pitch), np.radians(yaw)
    return np.stack([np.cos(p) * np.sin(y), np.sin(p), forward * np.cos(p) * np.cos(y)], axis=1)


def test_eccentricity_in_a_scene_is_the_distance_from_its_centre():
    field = GazeField.of("gaze", "px", (800, 600), [[0.0, 0.0]])
    np.testing.assert_allclose(field.eccentricity([[400, 300], [700, 700]]), [0, 500])
    assert (field.low, field.high, field.scene, field.centre_in_words) == (
        (0.0, 0.0),
        (800.0, 600.0),
        True,
        "the centre of the scene",
    )


def test_without_a_scene_labels_span_the_field():
    field = GazeField.of("gaze", "cm", None, [[-3.0, -9.0], [5.0, -1.0], [0.0, -2.0]])
    assert (field.low, field.high, field.centre, field.scene) == ((-3.0, -9.0), (5.0, -1.0), (1.0, -5.0), False)
    np.testing.assert_allclose(field.eccentricity([[4.0, -1.0]]), [5])


@pytest.mark.parametrize("forward", [1.0, -1.0])
def test_eccentricity_of_directions_is_the_angle_to_straight_ahead(forward):
    pitch, yaw = np.array([0.0, 30.0, 0.0, 20.0, -45.0]), np.array([0.0, 0.0, -50.0, 35.0, 45.0])
    expected = np.degrees(np.arccos(np.cos(np.radians(pitch)) * np.cos(np.radians(yaw))))
    told = {
        "degrees": np.stack([pitch, yaw], axis=1),
        "rad": np.radians(np.stack([pitch, yaw], axis=1)),
        "vector": 3 * vectors(pitch, yaw, forward),
    }
    for unit, targets in told.items():
        field = GazeField.of("angle", unit, None, targets)
        np.testing.assert_allclose(field.eccentricity(targets), expected, atol=1e-6)
        np.testing.assert_allclose(field.places(targets), np.stack([yaw, pitch], axis=1), atol=1e-9)
        assert field.unit == "degrees" and field.low == pytest.approx((-50, -45))


def test_places_beyond_the_edge_lie_in_the_nearest_cell_and_a_line_has_one_row():
    field = GazeField.of("gaze", "mm", None, [[0.0, 7.0], [8.0, 7.0]])
    assert field.cells_of_places(np.array([[-5.0, 7.0], [4.0, 7.0], [90.0, 7.0]]), (8, 6)).tolist() == [
        [0, 0],
        [4, 0],
        [7, 0],
    ]
    assert field.cell_size((8, 6)) == (1.0, 0.0)
