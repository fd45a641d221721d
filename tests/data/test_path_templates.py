"""Folder and file names as templates."""

from xgaze.data.path_templates import files_in, matching_folders, natural_key, values_of


def make(root, *folders):
    for folder in folders:
        (root / folder).mkdir(parents=True)


def found(root, layout):
    return [(path.relative_to(root).as_posix(), known) for path, known in matching_folders(root, layout)]


def test_ten_comes_after_nine():
    names = ["10_0.png", "9_0.png", "1_0.png", "a2", "a10", "01_0.png"]
    assert sorted(names, key=natural_key) == ["01_0.png", "1_0.png", "9_0.png", "10_0.png", "a2", "a10"]


def test_levels_may_stand_in_any_order_with_literal_parts(tmp_path):
    make(tmp_path, "people/S2/raw/day1", "people/S10/raw/day1", "people/X3/raw/day1", "people/S2/cooked/day1")
    assert found(tmp_path, "people/S{participant}/raw/{session}") == [
        ("people/S2/raw/day1", {"participant": "2", "session": "day1"}),
        ("people/S10/raw/day1", {"participant": "10", "session": "day1"}),
    ]


def test_two_names_in_one_folder_name(tmp_path):
    make(tmp_path, "7_a_b", "11_a")
    assert found(tmp_path, "{participant}_{session}") == [
        ("7_a_b", {"participant": "7", "session": "a_b"}),
        ("11_a", {"participant": "11", "session": "a"}),
    ]


def test_a_name_that_comes_twice_must_be_the_same(tmp_path):
    make(tmp_path, "7/7_a", "7/8_a")
    assert found(tmp_path, "{participant}/{participant}_{session}") == [("7/7_a", {"participant": "7", "session": "a"})]


def test_hidden_folders_and_files_are_nobodys_data(tmp_path):
    make(tmp_path, ".git", "1", "__x")
    (tmp_path / "file").write_text("")
    assert [name for name, _ in found(tmp_path, "{participant}")] == ["1", "__x"]


def test_regular_expression_signs_are_plain_letters(tmp_path):
    make(tmp_path, "a.b(1)", "axb(1)")
    assert [name for name, _ in found(tmp_path, "a.b({participant})")] == ["a.b(1)"]


def test_names_are_read_backwards_from_a_path(tmp_path):
    folder = tmp_path / "test/3/IMG1"
    expected = {"split": "test", "participant": "3", "session": "IMG1"}
    assert values_of(folder, "{split}/{participant}/{session}") == expected
    assert values_of(folder, "{participant}/IMG1") == {"participant": "3"}
    assert values_of(folder, "{participant}/IMG2") == {}


def test_a_file_belongs_to_the_most_exact_template(tmp_path):
    for name in ("5.png", "5_b.png", "note.txt"):
        (tmp_path / name).write_text("")
    files = files_in(tmp_path, {"a": "{frame}.png", "b": "{frame}_b.png"})
    assert files == {"5": {"a": "5.png", "b": "5_b.png"}}


def test_views_may_lie_in_subfolders(tmp_path):
    make(tmp_path, "left", "right")
    for name in ("left/2.png", "right/2.png", "left/10.png", "1.png"):
        (tmp_path / name).write_text("")
    files = files_in(tmp_path, {"left": "left/{frame}.png", "right": "right/{frame}.png"})
    assert list(files.items()) == [
        ("2", {"left": "left/2.png", "right": "right/2.png"}),
        ("10", {"left": "left/10.png"}),
    ]
