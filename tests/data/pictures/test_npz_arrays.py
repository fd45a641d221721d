"""Arrays of an .npz are mapped, not loaded; compressed ones are unpacked once."""

import zipfile

import numpy as np
import pytest

from xgaze.data.pictures.npz_arrays import mapped_array
from xgaze.data.pictures.picture_files import read_array
from xgaze.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 9, 7), np.uint8)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_uncompressed_array_is_mapped_where_it_lies(tmp_path, cache):
    np.savez(tmp_path / "a.npz", other=np.zeros(3), images=IMAGES)
    found = mapped_array(tmp_path / "a.npz", "images")
    assert isinstance(found, np.memmap) and found.filename == tmp_path / "a.npz" and not found.flags.writeable
    np.testing.assert_array_equal(found, IMAGES)
    assert not cache.exists()


def test_a_compressed_array_is_unpacked_once_and_again_when_the_file_changes(tmp_path, cache):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=IMAGES)
    found = mapped_array(path, "images")
    (unpacked,) = cache.iterdir()
    assert isinstance(found, np.memmap) and found.filename == unpacked
    np.testing.assert_array_equal(found, IMAGES)
    before = unpacked.stat().st_mtime_ns
    mapped_array(path, "images")
    assert unpacked.stat().st_mtime_ns == before
    np.savez_compressed(path, images=IMAGES[::-1])
    np.testing.assert_array_equal(mapped_array(path, "images"), IMAGES[::-1])


def test_an_unpacked_array_that_was_cut_short_is_unpacked_again(tmp_path, cache):
    np.savez_compressed(tmp_path / "a.npz", images=IMAGES)
    mapped_array(tmp_path / "a.npz", "images")
    (unpacked,) = cache.iterdir()
    unpacked.write_bytes(unpacked.read_bytes()[:100])
    np.testing.assert_array_equal(mapped_array(tmp_path / "a.npz", "images"), IMAGES)


def test_columns_first_and_further_versions_of_the_header_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, version in (("old", (1, 0)), ("images", (2, 0)), ("new", (3, 0))):
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, np.asfortranarray(IMAGES), version)
    for name in ("old", "images", "new"):
        np.testing.assert_array_equal(mapped_array(tmp_path / "a.npz", name), IMAGES)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_byte_shows(tmp_path, cache, save):
    path = tmp_path / "a.npz"
    save(path, images=np.zeros((50, 20, 20), np.uint8) if save is np.savez_compressed else IMAGES)
    content = bytearray(path.read_bytes())
    place = 90 if save is np.savez_compressed else 1500
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz: not readable as \.npz .* Export it again"):
        mapped_array(path, "images")
    assert not list(cache.glob("*")) if cache.exists() else True


def test_a_header_that_says_more_than_there_is_would_map_what_lies_behind(tmp_path):
    whole = tmp_path / "whole.npy"
    np.save(whole, IMAGES)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", whole.read_bytes()[:-9])
        archive.writestr("more.npy", whole.read_bytes())
    with pytest.raises(InputError, match="it holds more or less than its header says"):
        mapped_array(tmp_path / "a.npz", "images")


def test_pictures_of_an_array_above_the_limit_are_refused_unread(tmp_path):
    np.savez(
        tmp_path / "a.npz", images=np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (1, 9500, 9500), (0, 0, 0))
    )
    with pytest.raises(InputError, match="'images': 90 megapixels, of which a picture may have 89"):
        read_array(tmp_path / "a.npz")
