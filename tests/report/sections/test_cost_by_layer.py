"""How much of the teacher's bytes the student still holds, layer by layer; nothing is said where names do not fit."""

import pytest

from xgaze.report.sections.cost_by_layer import bytes_map, kept_shares, owners_of


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


def test_a_layer_that_several_towers_read_says_so_and_the_others_whom_they_read():
    shared = {"kind": "shared_towers", "layers": {"t.1.c": "t.0.c", "t.2.c": "t.0.c"}}
    owners = owners_of({"surgeries": [{"kind": "fold"}, shared]})
    assert owners == shared["layers"] and owners_of({}) == {}
    found = rows(teacher_t__0__c=800, teacher_t__1__c=800, teacher_t__2__c=800, student_t__0__c=400, student_t__1__c=0)
    student, teacher = (bytes_map(found, model, owners).svg for model in ("student", "teacher"))
    assert ">t.0.c, for 3<" in student and "also the weights of t.1.c, t.2.c</title>" in student
    assert teacher.count("the student reads its t.0.c here") == 2 and "the student holds 50 % of it" in teacher
    assert "stored once" in student and "stored once" not in bytes_map(found, "student").svg
