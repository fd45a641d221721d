"""The one place where picture files are decoded, and that says which files are pictures."""

import re
import stat
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Literal

from PIL import Image, ImageOps

from xgaze.errors import InputError
from xgaze.limits import too_many_px

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp"),
    *(".jp2", ".j2k", ".pgm", ".ppm", ".pbm", ".pnm"),
)
"""How names of pictures end, in upper or lower case."""
# None of them runs another program, as EPS would.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "JPEG2000", "PPM")
# Modes with 8 bits a channel; 16-bit and float pictures would be clipped to white without a word.
_EIGHT_BIT = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_GREY = ("1", "L", "LA", "La")
_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
_ORIENTATION, _UPRIGHT, _LYING = 0x0112, {0, 1}, {5, 6, 7, 8}
_OPENING = Lock()

Trait = Literal["turned", "transparent", "several", "sixteen bits", "cmyk"]
TRAITS: Mapping[Trait, str] = MappingProxyType(
    {
        "turned": "stored turned and read upright, as their EXIF orientation says",
        "transparent": "partly transparent and laid on white",
        "several": "a series (an animation, pages) of which only the first picture is read",
        "sixteen bits": "of 16 bits a channel, of which the upper 8 are read",
        "cmyk": "for print (CMYK) and made RGB without their colour profile",
    }
)
"""What is done to a picture, in words."""


class PictureError(InputError):
    """A picture that cannot be used. `kind` is a kind of fault, `reason` says what is wrong without naming the file."""

    def __init__(self, path: Path | str, kind: Literal["undecodable image", "wrong image size"], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture of mode "L" (grey) or "RGB", upright, and what was done to it."""

    picture: Image.Image
    traits: tuple[Trait, ...] = ()


def is_picture(name: str) -> bool:
    """Whether a file's name ends like a picture's."""
    return name.lower().endswith(SUFFIXES)


def without_suffix(name: str) -> str:
    """A picture's name without its ending; other names as they are."""
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.lower().endswith(suffix)), "") or name


def decode(path: Path) -> Decoded:
    """Decode a picture. Raises PictureError."""
    try:
        _require_content(path)
        with _opened(path) as picture:
            if picture.mode not in _EIGHT_BIT:
                raise PictureError(path, "undecodable image", f"pixels are {picture.mode}, expected 8 bits a channel")
            mode, traits = picture.mode, _traits(picture)
            before, size = _orientation(picture), picture.size
            picture.load()  # which turns TIFFs upright itself, and reads what PNGs say behind their pixels
            if picture.format == "TIFF" and picture.size != size:  # the pixels are then in disorder
                raise PictureError(
                    path, "undecodable image", f"is a TIFF stored turned (EXIF {before}); save it upright"
                )
            turned = {before, after := _orientation(picture)} - _UPRIGHT
            shown = picture if after in _UPRIGHT else ImageOps.exif_transpose(picture)
            solid, transparent = _on_white(shown)
            found = {**traits, "turned": bool(turned), "transparent": transparent}
            return Decoded(solid.convert("L" if mode in _GREY else "RGB"), tuple(one for one in TRAITS if found[one]))
    except FileNotFoundError:
        raise PictureError(path, "undecodable image", "no such file") from None
    except _DECODE_ERRORS as error:
        raise PictureError(path, "undecodable image", f"cannot be decoded ({_reason(error)})") from None


def read_picture(path: Path) -> Image.Image:
    """Decode a picture to mode "L" (grey) or "RGB". Raises PictureError."""
    return decode(path).picture


def size_in_file(path: Path) -> tuple[int, int]:
    """Width and height in px of a picture as it is shown, by its first bytes alone. Raises PictureError."""
    try:
        _require_content(path)
        with _opened(path) as picture:
            width, height = picture.size
            lies = picture.format != "TIFF" and _orientation(picture) in _LYING  # Pillow gives a TIFF's size upright
            return (height, width) if lies else (width, height)
    except FileNotFoundError:
        raise PictureError(path, "undecodable image", "no such file") from None
    except _DECODE_ERRORS as error:
        raise PictureError(path, "undecodable image", f"cannot be decoded ({_reason(error)})") from None


def _require_content(path: Path) -> None:
    """A pipe would be waited for."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise PictureError(path, "undecodable image", "is no file but a pipe, a socket or a device")
    if not found.st_size:
        raise PictureError(path, "undecodable image", "cannot be decoded (the file is empty)")


def _opened(path: Path) -> Image.Image:
    """Only the header is read. What Pillow warns of is refused."""
    try:
        with _OPENING, warnings.catch_warnings():  # which changes what all threads share
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        reason = too_many_px(int(pixels[1])) if pixels else str(error)
        raise PictureError(path, "wrong image size", f"has {reason}; scale it down") from None


def _orientation(picture: Image.Image) -> int:
    """How a picture is turned, by EXIF; 1 is upright. Pillow would decode a PNG to see whether it says so at its end."""
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    told = picture.getexif().get(_ORIENTATION, 1)
    return told if isinstance(told, int) and told in _LYING | {2, 3, 4} else 1


def _traits(picture: Image.Image) -> dict[Trait, bool]:
    """What shows before pixels are decoded."""
    packed = [one.args if isinstance(one.args, str) else (one.args or [""])[0] for one in getattr(picture, "tile", ())]
    return {
        "several": bool(getattr(picture, "is_animated", False)),
        "sixteen bits": any(";16" in str(one) for one in packed),
        "cmyk": picture.mode == "CMYK",
    }


def _on_white(picture: Image.Image) -> tuple[Image.Image, bool]:
    """What lies behind transparent pixels is anything: people see paper there."""
    if not picture.has_transparency_data:
        return picture, False
    clear = picture.convert("RGBA")
    lowest, _ = clear.getchannel("A").getextrema()
    if lowest == 255:
        return clear.convert("RGB") if picture.mode in ("P", "PA") else picture, False
    paper = Image.new("RGBA", clear.size, "white")
    paper.alpha_composite(clear)
    return paper.convert("RGB"), True


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture"
    return str(getattr(error, "strerror", None) or error)  # without the path that the message already has
