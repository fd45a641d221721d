"""How much of the teacher's bytes the student still holds, layer by layer; nothing is said where names do not fit."""

import pytest

from xgaze.report.sections.cost_by_layer import bytes_map, kept_shares


def rows(**layers):
    """model_layer -> bytes; "." is written "__"."""
    return [
        {"layer": name.partition("_")[2].replace("__", "."), "model": name.partition("_")[0], "bytes": size}
        | {"kind": "Linear", "parameters": 1}
        for name, size in layers.items()
    ]


def test_a_layer_made_of_two_counts_as_the_one_that_it_was():
    found = kept_shares(rows(teacher_a=1000, teacher_ab=50, student_a__0=100, student_a__1=150, student_ab=50))
    assert found == {"a": 0.25, "ab": 1.0}


@pytest.mark.parametrize("student", [{}, {"student_shared": 500, "student_a": 100}])
def test_without_a_student_or_its_names_nothing_is_said(student):
    found = rows(teacher_a=1000, **student)
    assert kept_shares(found) is None and "the student holds" not in bytes_map(found, "teacher").svg


def test_of_very_many_layers_the_smallest_are_one_tile():
    found = bytes_map(rows(**{f"teacher_l{k}": 1000 + k for k in range(100)}), "teacher").svg
    assert found.count("<g><title>") == 81 and "<title>20 smaller layers: 20 kB</title>" in found
    assert ">l99 (" in found and ">l19 (" not in found
