"""What a picture file is, and how each kind is decoded."""

import os

import numpy as np
import pytest
from PIL import Image

from xgaze.data.pictures.decoding import PictureError, decode, is_picture, read_picture, size_in_file, without_suffix
from xgaze.data.pictures.picture_files import picture_named
from xgaze.errors import InputError

ORIENTATION = 0x0112
CORNERS = np.array([[0, 80, 160], [240, 40, 120]], np.uint8).repeat(8, axis=0).repeat(8, axis=1)  # 24x16 px


def turned(path, orientation, **how):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(CORNERS).save(path, exif=exif, **how)
    return path


@pytest.mark.parametrize("ending", [".png", ".JPG", ".jpeg", ".TIF", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".jp2"])
def test_every_kind_of_picture_is_read_whatever_the_case_of_its_ending(tmp_path, ending):
    path = tmp_path / f"eye{ending}"
    Image.fromarray(CORNERS).save(path, **({"quality": 100} if "p" in ending.lower() and ending != ".bmp" else {}))
    found = np.asarray(read_picture(path).convert("L"), int)
    assert np.abs(found - CORNERS).max() <= 12 and is_picture(path.name)
    assert without_suffix(path.name) == "eye"


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize(
    ("orientation", "upright"), [(1, CORNERS), (3, CORNERS[::-1, ::-1]), (6, np.rot90(CORNERS, -1))]
)
def test_a_turned_picture_is_read_upright_and_its_size_is_that_of_the_upright_one(
    tmp_path, ending, orientation, upright
):
    path = turned(tmp_path / f"a.{ending}", orientation, **({"compression": "tiff_lzw"} if ending == "tif" else {}))
    found = decode(path)
    assert np.abs(np.asarray(found.picture.convert("L"), int) - upright).max() <= 30
    assert size_in_file(path) == found.picture.size == upright.shape[::-1]
    assert found.traits == (() if orientation == 1 else ("turned",))


def test_a_turned_tiff_that_pillow_would_scramble_is_refused(tmp_path):
    path = turned(tmp_path / "a.tif", 6)
    try:
        np.testing.assert_array_equal(np.asarray(read_picture(path)), np.rot90(CORNERS, -1))
    except PictureError as error:
        assert "a.tif: is a TIFF stored turned (EXIF 6); save it upright" in str(error)


def test_a_wrong_orientation_is_none(tmp_path):
    assert decode(turned(tmp_path / "a.jpg", 77)).traits == ()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_paper_whatever_lies_behind(tmp_path, mode):
    clear = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    clear.putpixel((1, 0), (9, 9, 9, 0))
    if mode == "P":
        flat = Image.new("P", (2, 1))
        flat.putpalette([0, 0, 0, 9, 9, 9])
        flat.putpixel((1, 0), 1)
        flat.save(tmp_path / "a.png", transparency=1)
    else:
        clear.convert(mode).save(tmp_path / "a.png")
    found = decode(tmp_path / "a.png")
    assert np.asarray(found.picture.convert("L")).tolist() == [[0, 255]] and found.traits == ("transparent",)


def test_what_is_not_transparent_anywhere_keeps_its_pixels(tmp_path):
    Image.new("RGBA", (2, 1), (10, 20, 30, 255)).save(tmp_path / "a.png")
    found = decode(tmp_path / "a.png")
    assert found.picture.getpixel((0, 0)) == (10, 20, 30) and found.traits == ()


def test_of_series_only_the_first_is_read(tmp_path):
    first, second = Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 200)
    for name in ("a.gif", "a.tif", "a.png", "a.webp"):
        first.save(
            tmp_path / name, save_all=True, append_images=[second], **({"lossless": True} if "webp" in name else {})
        )
        found = decode(tmp_path / name)
        assert abs(np.asarray(found.picture.convert("L"), int) - 10).max() <= 1 and found.traits == ("several",)


def test_sixteen_bits_of_colour_are_scaled_and_told_and_of_grey_refused(tmp_path):
    rgb = tmp_path / "rgb.png"
    rgb.write_bytes(png_of_sixteen_bits())
    found = decode(rgb)
    assert found.picture.getpixel((0, 0)) == (0x12, 0xFF, 0x00) and found.traits == ("sixteen bits",)
    Image.fromarray(np.full((2, 2), 4000, np.uint16)).save(tmp_path / "grey.png")
    with pytest.raises(PictureError, match="pixels are I;16, expected 8 bits a channel"):
        decode(tmp_path / "grey.png")


def png_of_sixteen_bits():
    """One pixel of 16-bit RGB, which Pillow cannot write."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixel = b"\0" + struct.pack(">HHH", 0x1234, 0xFFFF, 0x0010)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b"")


def test_prints_are_made_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "a.tif")
    found = decode(tmp_path / "a.tif")
    assert found.picture.mode == "RGB" and found.picture.getpixel((0, 0)) == (0, 0, 0) and found.traits == ("cmyk",)


def test_a_pipe_is_refused_unopened_and_an_empty_file_named(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").touch()
    for read in (decode, size_in_file):
        with pytest.raises(PictureError, match=r"a\.png: is no file but a pipe"):
            read(tmp_path / "a.png")
        with pytest.raises(PictureError, match=r"b\.png: .*the file is empty"):
            read(tmp_path / "b.png")


def test_a_picture_above_the_limit_is_refused_before_its_pixels_are_read(tmp_path):
    Image.new("1", (9500, 9500)).save(tmp_path / "a.png")
    with pytest.raises(PictureError, match="has 90 megapixels, of which a picture may have 89; scale it down"):
        decode(tmp_path / "a.png")


def test_postscript_under_a_pictures_name_is_not_run(tmp_path):
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n")
    with pytest.raises(PictureError, match="not a picture"):
        decode(tmp_path / "a.png")


def test_a_name_without_its_ending_is_found_in_any_case_and_several_are_asked_about(tmp_path):
    (tmp_path / "7.TIF").touch()
    assert picture_named(tmp_path, "7") == tmp_path / "7.TIF"
    assert picture_named(tmp_path, "8", ".jpg") == tmp_path / "8.jpg"
    (tmp_path / "7.png").touch()
    with pytest.raises(InputError, match=r"'7' may be 7\.TIF, 7\.png"):
        picture_named(tmp_path, "7")
