"""Crops at several scales: centred, bordered by replication, and on the grid that the strides want."""

import numpy as np
import pytest
from PIL import Image

from xgaze.data.crops.crops import (
    CROP_PX,
    SCALES,
    crops_at,
    crops_of,
    grid_points,
    input_name,
    scale_of,
    scaled_and_padded,
    starts_of,
)
from xgaze.errors import InputError


@pytest.fixture(scope="module")
def photograph():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.moveaxis(np.asarray(Image.fromarray(coarse).resize((200, 150))), -1, 0)


def test_a_crop_is_centred_on_its_point(photograph):
    for scale in SCALES:
        picture = np.moveaxis(
            np.asarray(Image.fromarray(np.moveaxis(photograph, 0, -1)).resize((scale, scale), 2)), -1, 0
        )
        (crop,) = crops_of(photograph, [[0.5, 0.4]], (scale,))[input_name(scale)]
        x, y = int(0.5 * scale), int(0.4 * scale)
        assert crop.shape == (3, CROP_PX, CROP_PX)
        assert np.array_equal(crop, picture[:, y - 21 : y + 21, x - 21 : x + 21])


def test_beyond_the_border_its_pixels_are_replicated(photograph):
    (crop,) = crops_of(photograph, [[0.0, 0.999]], (400,))["crop_400"]
    picture = scaled_and_padded(photograph, 400)[:, 21:421, 21:421]
    assert np.array_equal(crop[:, :22, :21], np.repeat(picture[:, 378:400, :1], 21, axis=2))
    assert np.array_equal(crop[:, 22:, 21:], np.repeat(picture[:, 399:, :21], 20, axis=1))


def test_points_outside_are_taken_to_the_border():
    assert starts_of([[-0.2, 1.0], [0.25, 1.7]], 400).tolist() == [[0, 399], [100, 399]]


def test_the_grid_is_row_major_at_the_middle_of_its_cells():
    points = grid_points((2, 4))
    assert points.tolist()[:5] == [[0.125, 0.25], [0.375, 0.25], [0.625, 0.25], [0.875, 0.25], [0.125, 0.75]]
    assert len(grid_points()) == 2500


def test_the_default_grid_is_aligned_to_the_stride_of_8_at_scale_400_and_uses_all_phases_at_the_others():
    phases = {scale: np.unique(starts_of(grid_points(), scale) % 8) for scale in SCALES}
    assert phases[400].tolist() == [4]
    assert phases[250].tolist() == phases[150].tolist() == list(range(8))


def test_crops_are_copies_in_the_order_of_the_points():
    picture = np.arange(3 * 60 * 60).reshape(3, 60, 60)
    crops = crops_at(picture, [[5, 7], [0, 0], [18, 18]])
    assert np.array_equal(crops[0], picture[:, 7:49, 5:47]) and np.array_equal(crops[2], picture[:, 18:60, 18:60])
    crops[1] = -1
    assert picture.min() == 0


def test_inputs_are_named_after_their_scale():
    assert [scale_of(input_name(scale)) for scale in SCALES] == [400, 250, 150]
    with pytest.raises(InputError, match=r"'eye0' names no scale.*'crop_400'"):
        scale_of("eye0")
