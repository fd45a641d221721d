"""Whatever lies below a folder is read, or counted."""

import os
from pathlib import PurePosixPath

import pytest

from xgaze.data.pictures.walk import told_left_out, told_twins, walk


@pytest.fixture
def folder(tmp_path):
    for name in ("A/x/10.png", "A/x/9.TIF", "A/x/note.txt", "B/y/0.heic", "B/y/1.heic", "B/z/0", ".git/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(paths):
    return [str(path) for path in paths]


def test_pictures_are_in_natural_order_and_all_else_is_counted_by_folder(folder):
    found = walk(folder)
    assert names(found.pictures) == ["A/x/9.TIF", "A/x/10.png"]
    assert told_left_out(found.left_out) == [
        "1 left out (ending in .txt, which xgaze reads as no picture): A/x (1); e.g. A/x/note.txt.",
        "2 left out (ending in .heic, which xgaze reads as no picture): B/y (2); e.g. B/y/0.heic.",
        "1 left out (without an ending, which xgaze reads as no picture): B/z (1); e.g. B/z/0.",
    ]


def test_what_systems_leave_behind_is_nobodys(tmp_path):
    for name in ("__MACOSX/0.png", "A/Thumbs.db", "A/._0.png", "A/.DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert walk(tmp_path) == walk(tmp_path / "nowhere")


def test_links_are_followed_but_no_folder_is_read_twice_and_loops_end(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "0.png").touch()
    (folder / "C").symlink_to(elsewhere)
    (folder / "D").symlink_to(elsewhere)
    (folder / "A/loop").symlink_to(folder)
    (folder / "A/x/11.png").symlink_to(elsewhere / "0.png")
    found = walk(folder)
    assert names(found.pictures) == ["A/x/9.TIF", "A/x/10.png", "A/x/11.png", "C/0.png"]
    twice = [one.path for one in found.left_out if "links to folders that are read already" in one.why]
    assert twice == [PurePosixPath("A/loop"), PurePosixPath("D")]


def test_dangling_links_pipes_and_folders_named_like_pictures_are_told(folder):
    (folder / "A/x/1.png").symlink_to(folder / "nowhere.png")
    (folder / "A/x/2.png").symlink_to("2.png")
    os.mkfifo(folder / "A/x/3.png")
    (folder / "A/x/4.png").mkdir()
    (folder / "A/x/4.png/0.png").touch()
    found = walk(folder)
    assert names(found.pictures) == ["A/x/4.png/0.png", "A/x/9.TIF", "A/x/10.png"]
    told = "\n".join(told_left_out(found.left_out))
    assert "2 left out (links that lead nowhere): A/x (2); e.g. A/x/1.png." in told
    assert "1 left out (no files: pipes, sockets or devices): A/x (1); e.g. A/x/3.png." in told
    assert "1 named like pictures but folders, what lies in them is read: A/x (1)" in told


def test_a_name_that_is_not_utf_8_is_told_in_printable_letters(folder):
    try:
        (folder / os.fsdecode(b"B/\xff.png")).touch()
    except OSError:
        pytest.skip("this file system knows UTF-8 only")
    (told,) = [one for one in told_left_out(walk(folder).left_out) if "UTF-8" in one]
    assert told.encode() and "\\udcff.png" in told


def test_one_picture_saved_in_two_formats_is_doubted():
    paths = [PurePosixPath(f"A/{name}") for name in ("0.png", "0.JPG", "1.png", "2.png", "2.tif")]
    (told,) = told_twins(paths)
    assert told == "4 pictures differ from another in their ending alone and are all read, e.g. A/0.png and A/0.JPG."
    assert told_twins(paths[1:4]) == []
