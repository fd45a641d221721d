"""A face that looks somewhere: its bright spot lies where the direction points, its ground is red, so that signs, orders, mirror
images and channels all show in the pixels."""

import numpy as np
from PIL import Image

from xgaze.recipe.sources import SOURCES

SIDE = 64
GROUND, SPOT = (90, 30, 10), (250, 250, 250)


def looked(rng, many):
    """Unit vectors (n, 3) in the camera's frame (x right, y down, z away), up to about 25 degrees off its axis."""
    x, y = rng.uniform(-0.4, 0.4, (2, many))
    return np.stack([x, y, -np.sqrt(1 - x**2 - y**2)], axis=1)


def face(vector, side=SIDE):
    """uint8 RGB (side, side, 3)."""
    picture = np.full((side, side, 3), GROUND, np.uint8)
    row, column = (round(side / 2 + side * one) for one in (vector[1], vector[0]))
    half = side // 16
    picture[row - half : row + half, column - half : column + half] = SPOT
    return picture


def spot(pixels):
    """(x, y) of the vector that a picture's bright spot tells; pixels (channels, height, width)."""
    rows, columns = np.nonzero(pixels.min(axis=0) > 140)
    height, width = pixels.shape[1:]
    return (columns.mean() + 0.5 - width / 2) / width, (rows.mean() + 0.5 - height / 2) / height


def saved(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)


def angles(vectors):
    """Pitch and yaw in rad: up and to the left of the picture are above zero."""
    x, y, z = np.asarray(vectors).T
    return np.stack([np.arcsin(-y), np.arctan2(-x, -z)], axis=1)


def assert_looks_as_labelled(sample, name, vector, colour="rgb"):
    """The picture's spot, the label and the vector are one direction; the ground is red."""
    pixels = sample.inputs[name]
    np.testing.assert_allclose(spot(pixels), vector[:2], atol=0.03)
    np.testing.assert_allclose(sample.target, angles(vector[None])[0], atol=1e-5)
    ground = pixels[:, 1, 1].astype(int)
    red, blue = (0, 2) if colour == "rgb" else (2, 0)
    assert ground[red] > ground[1] + 30 > ground[blue]


def section(source, path, **keys):
    """The data section of a source."""
    return SOURCES[source].section(source=source, path=path, **keys)
