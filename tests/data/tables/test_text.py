"""Text in every encoding that people export, and the line and byte of what is none."""

import gzip
import os

import pytest

from xgaze.data.tables.reader import read_table
from xgaze.errors import InputError
from xgaze.recipe.text_table import TextTable

TABLE = "who,what\nMüller,1\nÅsa,2\n"


@pytest.fixture
def read(tmp_path):
    def read(content, **settings):
        path = tmp_path / settings.pop("name", "table.csv")
        path.write_bytes(content)
        return read_table(path, TextTable(**settings), name="table.csv")

    return read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_unicode_encodings_are_read_with_and_without_mark(read, encoding):
    assert read(TABLE.encode(encoding))["who"].tolist() == ["Müller", "Åsa"]


@pytest.mark.parametrize(("mark", "set_to"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16", "utf-16-le")])
def test_a_mark_is_no_part_of_the_first_heading_where_the_encoding_is_set(read, mark, set_to):
    assert list(read(TABLE.encode(mark), encoding=set_to)) == ["who", "what"]


def test_utf_16_of_a_little_table_of_numbers_is_seen_too(read):
    assert read("a;b\n1;2\n".encode("utf-16-le"))["b"].tolist() == ["2"]


def test_other_encodings_are_asked_for_by_line_byte_and_word(read):
    with pytest.raises(InputError) as caught:
        read(TABLE.encode("cp1252"))
    assert str(caught.value).startswith("table.csv: line 2: byte 0xFC is no UTF-8 (in cp1252")
    assert "the word is 'Müller'). Set `encoding`, such as cp1252" in str(caught.value)
    assert read(TABLE.encode("cp1252"), encoding="cp1252")["who"].tolist() == ["Müller", "Åsa"]
    assert read(TABLE.encode("mac-roman"), encoding="mac-roman")["who"].tolist() == ["Müller", "Åsa"]


def test_of_a_gzipped_table_as_well(read):
    with pytest.raises(InputError, match="line 3: byte 0xC5"):
        read(gzip.compress("who\nMuller\nÅsa\n".encode("latin-1")), name="table.csv.gz")


@pytest.mark.parametrize(
    ("content", "settings", "words"),
    [
        (b"a\n1\n", {"encoding": "klingon"}, "encoding 'klingon' is not known"),
        (b"a\n1\n", {"encoding": "base64"}, "encoding 'base64' is not known"),
        (b"a\n\xff\n", {"encoding": "ascii"}, "line 2: byte 0xFF is no ascii, the encoding that was set"),
        (b"\xff\xfea", {}, "not text in UTF-16"),
        (b"a,b\n1,\x00\n", {}, "line 2 holds NUL"),
        (b"\x1f\x8b\x08damaged", {"name": "t.csv.gz"}, "cannot be read"),
        (b"\x1f\x8b\x08", {}, r"is no text, but gzipped; let its name end in \.gz"),
        (b"PK\x03\x04...", {"encoding": "cp1252"}, "is no text, but a workbook"),
        (b"SR_RESEARCH_COMBINED_FILE", {}, "an EDF file; convert it with edf2asc"),
    ],
)
def test_what_is_no_text_is_refused_in_words(read, content, settings, words):
    with pytest.raises(InputError, match=words):
        read(content, **settings)


def test_a_table_of_a_million_columns_is_refused_before_it_is_in_memory(read):
    with pytest.raises(InputError, match=r"line 1 is longer than 1,048,576 characters"):
        read(b",".join(b"c%d" % k for k in range(1_000_000)) + b"\n")
    with pytest.raises(InputError, match=r"line 1 holds 20,000 columns; tables of up to 10,000"):
        read(b",".join(b"c%d" % k for k in range(20_000)) + b"\n1\n")


def test_folders_pipes_and_broken_links_are_said(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")
    for name, words in (
        ("pipe", "a pipe or a device, no file"),
        ("folder", "a folder, no file"),
        ("link", "no such file"),
    ):
        with pytest.raises(InputError, match=words):
            read_table(tmp_path / f"{name}.csv", TextTable())
