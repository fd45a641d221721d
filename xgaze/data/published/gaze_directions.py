"""Signs of normalised data sets: the camera looks along z, x to the right, y down; somebody who looks into it looks along -z."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


def gaze_angles(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaze vectors (n, 3) of any length -> pitch and yaw (n, 2), rad: pitch = asin(-y), up is positive; yaw = atan2(-x, -z), to
    the left of the picture is positive. NaN for a vector of no length."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, z = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T
    return np.stack([np.arcsin(np.clip(-y, -1, 1)), np.arctan2(-x, -z)], axis=1)


def head_angles(rotation_vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation vectors of heads (n, 3) -> pitch = asin(v_y) and yaw = atan2(v_x, v_z) (n, 2), rad, of the third column v of each
    one's rotation matrix, as these data sets have it."""
    x, y, z = Rotation.from_rotvec(rotation_vectors).as_matrix()[:, :, 2].T
    return np.stack([np.arcsin(np.clip(y, -1, 1)), np.arctan2(x, z)], axis=1)


def mirrored_angles(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """What pitch and yaw (n, 2) become where the picture is mirrored left to right."""
    return np.stack([angles[:, 0], -angles[:, 1]], axis=1)
