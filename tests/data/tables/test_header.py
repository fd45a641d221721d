"""Lines before the headings: passed over where that leaves no doubt, else the line that seems to be the header is said."""

import pytest

from xgaze.data.tables.reader import columns_of, read_table
from xgaze.errors import InputError
from xgaze.recipe.text_table import TextTable

BODY = "p{0}s{0}x\nA{0}a{0}512\nA{0}b{0}600\n"


@pytest.fixture
def read(tmp_path):
    def read(text, needed=(), **settings):
        (tmp_path / "t.csv").write_text(text)
        return read_table(tmp_path / "t.csv", TextTable(**settings), name="t.csv", needed=needed)

    return read


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("before", ["", "\n\n", "# exported by X\n", "% one, two\n# three\n\n", "// x\n"])
def test_blank_lines_and_comments_are_passed_over(read, before, separator):
    table = read(before + BODY.format(separator))
    assert list(table) == ["p", "s", "x"] and table["x"].tolist() == ["512", "600"]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=|", "sep=\t"])
def test_excel_says_what_parts_fields(read, line):
    assert read(f"{line}\n{BODY.format(line.strip(chr(34))[-1])}")["s"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("Table of fixations:\n", 2),
        ("Subject,P01\nDate,today\n\n", 4),
        ("## [X]\n\nReport\n", 4),
        ("a title, with a comma\n", 2),
    ],
)
def test_anything_else_before_the_headings_is_told_with_their_line(read, before, line):
    with pytest.raises(InputError, match=rf"the header seems to be line {line} \('p,s,x'\).*Set header: {line}"):
        read(before + BODY.format(","))
    assert read(before + BODY.format(","), header=line)["x"].tolist() == ["512", "600"]


def test_of_as_many_fields_the_columns_asked_for_tell_the_header(read):
    text = "made,by,X\n" + BODY.format(",")
    with pytest.raises(InputError, match="the header seems to be line 2"):
        read(text, needed=["p", "x"])
    assert list(read(text, needed=["p", "x"], header=2)) == ["p", "s", "x"]


def test_headings_behind_a_comment_sign_are_not_taken_for_a_comment(read):
    text = "# p s\n# a,x,y\n1,512,300\n2,600,310\n"
    with pytest.raises(InputError, match=r"line 3 holds no headings; the header seems to be line 2.*Set header: 2"):
        read(text)
    assert read(text, header=2)["a"].tolist() == ["1", "2"]
    with pytest.raises(InputError, match="the header seems to be line 1"):
        read("#picture,label\na.png,cat\nb.png,dog\n", needed=["label"])


@pytest.mark.parametrize("line", [2, 99])
def test_a_header_that_is_no_line_is_refused(read, line):
    with pytest.raises(InputError, match=f"header: {line} is a blank line, or not among the first 100"):
        read("p,s,x\n\n1,2,3\n", header=line)


def test_one_long_row_does_not_make_another_header(read):
    with pytest.raises(InputError, match="line 4 has 4 fields, the header 3"):
        read("picture,label,group\na,cat,g\nb,dog,h\nc,cat, small,k\nd,dog,l\n")


def test_headings_that_hold_a_separator_of_another_kind(read):
    assert list(read('"x, px";"y, px"\n1;2\n')) == ["x, px", "y, px"]
    assert list(read("x, px;y\n1;2\n")) == ["x, px", "y"]


def test_only_the_names_of_rows_may_lack_a_heading(read):
    assert list(read('"","p","x"\n"1","A",5\n"2","B",6\n')) == ["", "p", "x"]
    assert list(read("p,x,,\nA,5,,\n")) == ["p", "x"]
    with pytest.raises(InputError, match="line 3 has values in a column without a heading: decimal commas, or"):
        read("p,x,\nA,512,\nB,600,4\n")


def test_a_table_without_a_heading_is_refused_and_two_alike_are(read, tmp_path):
    for text in ("", "\n\n", "# only\n"):
        with pytest.raises(InputError, match="no table: no line with headings"):
            read(text)
    with pytest.raises(InputError, match="column 'a' occurs twice"):
        read("a,b, a\n1,2,3\n")
    (tmp_path / "t.csv").write_text("a,b\n")
    assert columns_of(tmp_path / "t.csv", TextTable()) == ["a", "b"]
