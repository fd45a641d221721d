"""The list of sums beside a model: one line is refreshed by whoever writes that file, the others stay."""

import hashlib

from xgaze.sums import SUMS_FILE, refresh_sum


def put(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text)


def lines(folder):
    return (folder / SUMS_FILE).read_text().splitlines()


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_only_the_named_line_changes_even_where_another_file_was_tampered_with(tmp_path):
    put(tmp_path, card="old", weights="as exported")
    (tmp_path / SUMS_FILE).write_text(f"{sha('old')}  card\n{sha('as exported')}  weights\n")
    put(tmp_path, card="new", weights="tampered")
    refresh_sum(tmp_path, "card")
    assert lines(tmp_path) == [f"{sha('new')}  card", f"{sha('as exported')}  weights"]


def test_a_file_that_came_after_the_export_is_added(tmp_path):
    put(tmp_path, card="new")
    (tmp_path / SUMS_FILE).write_text(f"{sha('w')}  weights")  # no end of line, as an editor may leave it
    refresh_sum(tmp_path, "card")
    assert lines(tmp_path) == [f"{sha('w')}  weights", f"{sha('new')}  card"]


def test_a_folder_never_exported_has_none_and_a_damaged_list_is_left_alone(tmp_path):
    put(tmp_path, card="new")
    refresh_sum(tmp_path, "card")
    assert not (tmp_path / SUMS_FILE).exists()
    (tmp_path / SUMS_FILE).write_text("x\n")
    refresh_sum(tmp_path, "card")
    assert lines(tmp_path) == ["x"]
