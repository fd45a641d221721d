"""Decoding and resizing."""

import numpy as np
import pytest
from PIL import Image

from xgaze.data.pictures.decoding import PictureError, read_picture
from xgaze.data.pictures.pixels import fit_picture, in_threads, read_grey


def test_grey_is_repeated_and_colour_kept():
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert (fit_picture(grey, 3, 4, 3) == np.asarray(grey)[None]).all()
    colour = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    np.testing.assert_array_equal(fit_picture(Image.fromarray(colour), 3, 4, 3), colour.transpose(2, 0, 1))


def test_colour_becomes_grey_by_its_brightness():
    white_and_blue = np.array([[[255, 255, 255], [0, 0, 255]]], np.uint8)
    assert fit_picture(Image.fromarray(white_and_blue), 1, 2, 1).tolist() == [[[255, 29]]]


def test_the_aspect_is_not_kept():
    halves = np.repeat(np.array([[0, 200]], np.uint8), 50, axis=1).repeat(10, axis=0)
    small = fit_picture(Image.fromarray(halves), 8, 8, 1)
    assert small.shape == (1, 8, 8) and small[0, :, 0].max() == 0 and small[0, :, -1].min() == 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_eight_bit_pictures_of_any_mode_are_read_as_grey(tmp_path, mode):
    Image.new("L", (12, 8), 255).convert(mode).save(tmp_path / "eye.png")
    assert (read_grey(tmp_path / "eye.png", 8, 12) == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "eye.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"eye\.png: cannot be decoded") as caught:
        read_picture(tmp_path / "eye.png")
    assert caught.value.kind == "undecodable image"


def test_threads_keep_the_order_and_tell_how_far_they_are():
    told = []
    results = list(in_threads(lambda k: k * k, range(50), lambda done, total: told.append((done, total))))
    assert results == [k * k for k in range(50)]
    assert told == [(k, 50) for k in range(1, 51)]
