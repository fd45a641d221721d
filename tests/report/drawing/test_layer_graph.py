"""The graph of two models: where boxes stand, how wide they are, what is dashed, and which inputs lead where."""

import re
from xml.etree import ElementTree

import pytest

from xgaze.report.drawing.layer_graph import Box, GraphRow, fits_over_a_lane, layer_graph

SVG = "{http://www.w3.org/2000/svg}"


def box(units, *lanes, calls=1, shown=None):
    return Box((units,), lanes, calls, shown or str(units), f"<{units}>")


def drawn(rows, inputs=("l", "r")):
    return ElementTree.fromstring(layer_graph("it", "A & B", "how <b>", rows, inputs, "gaze point").svg)


def boxes(root):
    """(middle, width) of every box by what a pointer is told."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        rects = group.findall(f"{SVG}rect")
        told = group.find(f"{SVG}title").text
        found.setdefault(told, []).extend(
            (float(r.get("x")) + float(r.get("width")) / 2, float(r.get("width"))) for r in rects
        )
    return found


def dashed(root):
    rects = [one for one in root.iter(f"{SVG}rect") if one.get("stroke-dasharray")]
    return [(float(r.get("x")) + float(r.get("width")) / 2, float(r.get("width"))) for r in rects]


TOWERS = GraphRow(
    "towers.*",
    {"teacher": (box(64, 0), box(64, 1)), "student": (box(16, 0, 1, calls=2, shown="16 ×2"),)},
    "9 → 1",
    "1 2",
)
HEAD = GraphRow("head", {"teacher": (box(4, 0, 1),), "student": (box(4, 0, 1),)}, "8", "")


def test_widths_are_square_roots_of_channels_and_what_joins_stands_in_the_middle():
    found = boxes(drawn([TOWERS, HEAD]))
    (left, wide), (right, _) = found["<64>"]
    ((shared, narrow),) = found["<16>"]
    assert narrow == pytest.approx(wide / 2, abs=0.11)
    (teachers, head), (students, _) = found["<4>"]
    assert teachers == pytest.approx((left + right) / 2, abs=0.11) and head == pytest.approx(wide / 4, abs=0.11)
    panel = students - teachers
    assert shared == pytest.approx(left + panel, abs=0.11)  # below the first input of those it serves


def test_what_the_student_does_without_is_dashed():
    root = drawn([TOWERS, HEAD])
    found = boxes(root)
    (left, wide), (right, _) = found["<64>"]
    panel = found["<4>"][1][0] - found["<4>"][0][0]
    assert dashed(root) == [pytest.approx((one + panel, wide), abs=0.11) for one in (left, right)]


def test_a_layer_that_is_gone_is_dashed_whole():
    gone = GraphRow("head", {"teacher": HEAD.boxes["teacher"], "student": ()}, "8 → –", "1")
    assert len(dashed(drawn([TOWERS, gone]))) == 3


def test_every_input_leads_to_what_sees_it_and_lines_of_one_way_are_one():
    root = drawn([TOWERS, HEAD])
    ways = [re.findall(r"[-\d.]+", path.get("d")) for path in root.iter(f"{SVG}path")]
    ends = [(way[0], way[3], way[4]) for way in ways]  # from, to, height
    teacher, student = ends[:5], ends[5:]
    assert len({way[2] for way in teacher}) == 3 and len(student) == 4
    assert student[0][1] == student[3][1] != student[3][0]  # the second input leads to the first one's tower
    assert teacher[0][0] == teacher[0][1] != teacher[1][1]


def test_words_are_escaped_and_numbers_stand_in_their_boxes():
    root = drawn([TOWERS, HEAD])
    texts = [one.text for one in root.iter(f"{SVG}text")]
    assert root.find(f"{SVG}title").text == "A & B" and root.find(f"{SVG}desc").text == "how <b>"
    assert {"teacher", "student", "l", "r", "towers.*", "9 → 1", "1 2", "16 ×2", "gaze point"} <= set(texts)
    assert root.get("role") == "img" and root.get("aria-labelledby") == "it-title it-desc"


def test_layers_one_after_the_other_share_a_row():
    head = GraphRow("head", {"teacher": (Box((6, 64), (0,), 1, "6 › 64", "two"),)}, "9", "")
    root = drawn([head], ("eye",))
    (_, narrow), (_, wide) = boxes(root)["two"]
    assert narrow == pytest.approx(wide * (6 / 64) ** 0.5, abs=0.11) and "student" not in ElementTree.tostring(
        root, "unicode"
    )


def test_long_names_and_a_box_narrower_than_its_number():
    rows = [
        GraphRow("a.very.long.path.to.a.layer", {"teacher": (box(100_000, 0, 1),)}, "1", ""),
        GraphRow("b", {"teacher": (box(1, 0, 1, shown="123456"),)}, "1", ""),
    ]
    texts = {one.text: one.get("text-anchor") for one in drawn(rows).iter(f"{SVG}text")}
    assert "…ong.path.to.a.layer" in texts and texts["123456"] == "start"


def test_names_of_inputs_fit_or_do_not():
    assert fits_over_a_lane(["eye0", "eye1", "eye2", "eye3"], 2)
    assert not fits_over_a_lane(["left eye", "right eye", "face", "pose"], 2) and fits_over_a_lane(["image"], 2)
