"""Pictures as cosines: known answers, and how far a step moves a pixel."""

import numpy as np
import pytest

from xgaze.compression.live.cosine_pictures import cosines, decode, encode


def test_cosines_are_orthonormal():
    np.testing.assert_allclose(cosines() @ cosines().T, np.eye(8), atol=1e-12)


def test_a_grey_picture_is_one_number_per_block():
    coded = encode(np.full((1, 1, 16, 8), 134, np.uint8), 4)
    assert coded.shape == (2, 8, 8, 2)
    assert coded[0, 0, 0].tolist() == [24, 24]  # 8 x (134 - 128) / 4 = 12 steps, folded: 24
    assert coded.sum() == 48


def test_signs_and_large_numbers_are_kept():
    pictures = np.zeros((1, 1, 8, 8), np.uint8)
    coded = encode(pictures, 1)
    assert int(coded[0, 0, 0, 0]) + 256 * int(coded[1, 0, 0, 0]) == 2 * 1024 - 1  # -1024 steps
    np.testing.assert_array_equal(decode(coded, pictures.shape, 1), pictures)


@pytest.mark.parametrize("shape", [(2, 1, 24, 16), (1, 3, 21, 30)])
def test_pixels_come_back_up_to_the_steps(shape):
    pictures = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    for step in (1, 8):
        found = decode(encode(pictures, step), shape, step).astype(float)
        assert np.sqrt(np.square(found - pictures).mean()) < 0.32 * step + 0.3  # of a step's rounding, and of a pixel's
