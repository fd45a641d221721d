"""Which layers of teacher and student belong together, what they see, and which surgeries touched them."""

import pytest

from xgaze.report.sections.what_was_cut import (
    SECTION,
    condensed,
    cut_rows,
    cuts_of,
    held_by,
    row_name,
    rows_of,
    seen_in_words,
)

EYES = ["l", "r"]
KINDS = {"conv": "Conv2d", "fc": "Linear"}


def wired(model, *layers):
    """layers: (path, units, parameters, sees, of)."""
    rows = [
        {"model": model, "layer": layer, "units": units, "shape": [units], "sees": sees, "of": of}
        for layer, units, _, sees, of in layers
    ]
    costs = [{"model": model, "layer": layer, "kind": "Conv2d", "parameters": held} for layer, _, held, _, _ in layers]
    return rows, costs


def tower(eye, units=8, sees=None, of=None):
    held = 0 if of else 10 * units
    return [(f"{eye}.{k}", units, held, sees or [[eye]], of and f"{of}.{k}") for k in (0, 1)]


TEACHER = wired(
    "teacher",
    *tower("l"),
    *tower("r"),
    ("pose", 3, 12, [["pose"]], None),
    ("head.first", 64, 5000, [["l", "r", "pose"]], None),
    ("head.second", 16, 1040, [["l", "r", "pose"]], None),
    ("head.last", 2, 34, [["l", "r", "pose"]], None),
)
STUDENT = wired(
    "student",
    *tower("l", 4, [["l"], ["r"]]),
    *tower("r", 4, of="l"),
    ("r.1.shift", 4, 4, [["r"]], None),
    ("pose", 3, 12, [["pose"]], None),
    ("head.first.0", 6, 400, [["l", "r", "pose"]], None),
    ("head.first.1", 16, 96, [["l", "r", "pose"]], None),
    ("head.extra", 5, 7, [["l", "r", "pose"]], None),
    ("head.last", 2, 34, [["l", "r", "pose"]], None),
)
SURGERIES = [
    {"kind": "shared_towers", "layers": {"r.0": "l.0", "r.1": "l.1"}, "words": "one tower", "where": "2 layers"},
    {
        "kind": "fold",
        "layer": "head.first",
        "into": "head.second",
        "words": "fold",
        "where": "head.first with head.second",
    },
    {
        "kind": "channels",
        "removed": {"l.0:out": "0:4", "l.1:in": "0:4"},
        "words": "channels",
        "where": "2 layers sliced",
    },
    {"kind": "toy", "units": [1, 2], "words": "toy", "where": "nowhere"},
]


def report_of(teacher=TEACHER, student=STUDENT, inputs=("l", "r", "pose")):
    two = student is not None
    return {
        "wiring": teacher[0] + (student[0] if two else []),
        "layers": teacher[1] + (student[1] if two else []),
        "inputs": [{"name": name} for name in inputs],
        "student": {"parameters": 1} if two else None,
        "surgeries": SURGERIES if two else [],
        "task": "gaze",
    }


def test_layers_stand_beside_what_they_were_and_alike_towers_in_one_row():
    rows = rows_of(report_of())
    layers = [tuple([one.layer for one in row.held[model]] for model in ("teacher", "student")) for row in rows]
    assert layers == [
        (["l.0", "r.0"], ["l.0"]),
        (["l.1", "r.1"], ["l.1"]),
        (["pose"], ["pose"]),
        (["head.first"], ["head.first.0", "head.first.1"]),
        ([], ["head.extra"]),
        (["head.second"], []),
        (["head.last"], ["head.last"]),
    ]
    assert [row_name(row) for row in rows][:4] == ["*.0", "*.1", "pose", "head.first"]


def test_towers_that_differ_stand_in_rows_of_their_own():
    other = wired("teacher", *tower("l"), *tower("r", 9), ("head", 2, 1, [EYES], None))
    assert [row_name(row) for row in rows_of(report_of(other, None, EYES))] == ["l.0", "l.1", "r.0", "r.1", "head"]


def test_what_borrowed_layers_hold_themselves_counts_to_whom_they_borrow_from():
    found = {one.layer: one for one in held_by(report_of(), "student")}
    assert "r.1" not in found and "r.1.shift" not in found
    assert found["l.0"].parameters == 40 and found["l.1"].parameters == 44 and found["l.0"].sees == (("l",), ("r",))


def test_surgeries_are_numbered_where_they_name_a_layer():
    report = report_of()
    found = {row_name(row): cuts_of(row, report) for row in rows_of(report)}
    assert found == {
        "*.0": [1, 3],
        "*.1": [1, 3],
        "pose": [],
        "head.first": [2],
        "head.extra": [],
        "head.second": [2],
    } | {"head.last": []}


def test_the_table_says_what_the_graph_draws():
    report = report_of()
    first = cut_rows(report)[0]
    assert first == {
        "layer": "*.0",
        "teacher_sees": "l; r",
        "teacher_channels": "8",
        "teacher_parameters": 160,
        "student_sees": "l and r in turn",
        "student_channels": "4",
        "student_parameters": 40,
        "cuts": "one tower; channels",
    }
    tables = SECTION.tables(report)
    assert [[cell.text for cell in row] for row in tables["wiring"].rows][5] == (
        ["head.second", "l and r and pose together", "16", "1,040", "–", "–", "–", "fold"]
    )
    assert [[cell.text for cell in row] for row in tables["cuts"].rows][1] == [
        "2",
        "fold",
        "head.first with head.second",
    ]
    assert SECTION.words(report) == [
        "The student's 2 layers with an × serve l, r in turn: one tower in place of several, drawn once."
    ]


def test_the_graph_tells_of_each_box_and_numbers_the_cuts():
    found = SECTION.charts(report_of())["wiring"]
    for words in (
        "<title>l.0 (Conv2d, 4 channels): 40 parameters; sees l and r in turn</title>",
        ">4 ×2</text>",
        ">160 → 40</text>",
        ">1 3</text>",
        ">1,040 → –</text>",
        ">6 › 16</text>",
        ">gaze point</text>",
    ):
        assert words in found.svg
    assert "Inputs:" not in found.description


def test_without_a_student_nothing_is_said_of_cuts():
    report = report_of(student=None)
    assert SECTION.named(report) == "The layers" and SECTION.words(report) == []
    assert list(SECTION.tables(report)) == ["wiring"]
    found = SECTION.charts(report)["wiring"]
    assert "Dashed" not in found.description and "stroke-dasharray" not in found.svg


def test_a_long_net_is_condensed_block_by_block_and_counts_its_layers():
    layers = [(f"net.layer{j}.{k}.conv{n}", 8, 10, [["x"]], None) for j in range(4) for k in range(6) for n in (1, 2)]
    report = report_of(wired("teacher", *layers, ("fc", 2, 5, [["x"]], None)), None, ("x",))
    rows = condensed(rows_of(report))
    assert [row_name(row) for row in rows] == [f"net.layer{j}.…" for j in range(4)] + ["fc"]
    assert sum(one.parameters for row in rows for one in row.held["teacher"]) == 485
    found = SECTION.charts(report)["wiring"]
    assert "49 layers are drawn as 5" in found.description and ">12 layers</text>" in found.svg
    assert len(SECTION.tables(report)["wiring"].rows) == 49


def test_a_long_net_without_blocks_is_condensed_by_neighbours():
    layers = [(f"conv{k}", 8, 10, [["x"]], None) for k in range(50)]
    rows = condensed(rows_of(report_of(wired("teacher", *layers), None, ("x",))), 18)
    assert len(rows) == 17 and {len(row.held["teacher"]) for row in rows} == {2, 3}
    assert row_name(rows[0]) == "conv0 …"


def test_names_of_inputs_that_do_not_fit_are_numbered_and_very_many_are_one_lane():
    names = [f"camera of number {k}" for k in range(4)]
    net = wired(
        "teacher", *((f"t{k}", 8, k, [[name]], None) for k, name in enumerate(names)), ("fc", 2, 1, [names], None)
    )
    found = SECTION.charts(report_of(net, None, names))["wiring"]
    assert "Inputs: 1 camera of number 0, 2 camera of number 1" in found.description and ">4</text>" in found.svg
    many = [f"i{k}" for k in range(9)]
    net = wired("teacher", ("fc", 2, 1, [many], None))
    assert ">9 inputs</text>" in SECTION.charts(report_of(net, None, many))["wiring"].svg


@pytest.mark.parametrize(
    ("sees", "words"),
    [
        ([("l",)], "l"),
        ([("l", "r")], "l and r together"),
        ([("l",), ("r",)], "l and r in turn"),
        ([("l",), ("l", "r")], "l, then l and r"),
    ],
)
def test_what_a_layer_sees_in_words(sees, words):
    assert seen_in_words(sees) == words


def test_reports_of_older_versions_have_no_such_section():
    assert not SECTION.there({"wiring": None})
