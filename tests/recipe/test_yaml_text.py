"""YAML of every odd kind is either read as it stands or refused in one line that says where."""

import pytest

from xgaze.errors import InputError
from xgaze.recipe.yaml_text import parse_yaml, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\ndata: {}\nseed: 2\n", "key 'seed' is there twice, in line 1 and in line 3"),
        ("training:\n  epochs: 1\n  'epochs': 2\n", "key 'epochs' is there twice, in line 2 and in line 3"),
        (BOMB, "more than 20,000 values"),
        ("a: &a [*a]", "levels deep"),
        ("a: " + "[" * 100_000, "levels deep"),
        ("a: " + "[" * 40 + "]" * 40, "levels deep"),
        ("training:\n\tepochs: 1\n", r"line 2, column 1: .*spaces, not tabs"),
        ("1: x", "line 1: the key '1' is not a word"),
        ("a: {yes: 1}", "line 1: the key 'yes' is not a word"),
        ("? [a, b]\n: c", "line 1: the key here is not a word"),
        ("seed: " + "9" * 5000, "not readable as YAML: .*4300"),
        ("name: 2025-02-31", "not readable as YAML"),
        ("name: !!python/object/apply:os.system ['true']", "line 1, column 7"),
        ("a: *b", "undefined alias"),
        ("a: b\n---\nc: d", "line 2, column 1"),
        ('name: "a\\0b"', "line 1: control characters"),
        ('name: "\\ud800"', "line 1: control characters"),
        ("\x00\x01", "not readable as YAML"),
        ("x" * 300_000, "300,000 characters"),
        ("a: [", "line 1, column 5"),
    ],
)
def test_odd_text_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message) as error:
        parse_yaml(text, "recipe.yaml")
    assert str(error.value).startswith("recipe.yaml: ") and len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 400


def test_anchors_and_merged_mappings_are_read():
    text = "base: &base {epochs: 1, seed: 2}\ntraining:\n  <<: *base\n  epochs: 3\n"
    assert parse_yaml(text, "x")["training"] == {"epochs": 3, "seed": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found NoneType"),
        (b"- a\n- b\n", "found list"),
        (b"\xff\xfea\x00", "not a text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a text in UTF-8"),
        (b"#" * 900_000, "900,000 bytes"),
    ],
)
def test_files_that_are_no_recipe_are_named(tmp_path, content, message):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"odd\.yaml.*{message}"):
        read_yaml(path)
    with pytest.raises(InputError, match="a folder"):
        read_yaml(tmp_path)


def test_a_mark_of_the_encoding_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read_yaml(tmp_path / "marked.yaml") == {"name": "x"}
