"""Channel counts rounded up where it costs no time."""

from dataclasses import replace

import pytest

from xgaze.compression.plan import Plan
from xgaze.compression.search import widths
from xgaze.compression.search.rehearsal import Rehearsal
from xgaze.compression.search.widths import largest_as_fast


@pytest.mark.parametrize(
    ("latency_ms", "expected"),
    [({4: 1.0, 8: 1.019}, 8), ({4: 1.0, 8: 1.021}, 4), ({4: 1.0, 8: 0.9}, 8), ({8: 1.0, 4: 2.0}, 8)],
)
def test_the_largest_that_costs_no_time_is_taken(latency_ms, expected):
    assert largest_as_fast(latency_ms) == expected


def test_the_tolerance_is_relative_to_the_smallest():
    assert largest_as_fast({4: 2.0, 8: 2.19}, tolerance=0.1) == 8
    assert largest_as_fast({4: 2.0, 8: 2.21}, tolerance=0.1) == 4


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [({4: 1.0, 8: 1.0, 16: 1.0}, 16), ({4: 1.0, 8: 1.0, 16: 1.3}, 8), ({4: 1.0, 8: 1.3, 16: 1.3}, 4)],
)
def test_a_plan_is_rounded_up_where_its_student_is_measured_to_be_as_fast(milliseconds, expected, monkeypatch):
    asked = Plan(share=0.3, coarse=True, rank=6)
    monkeypatch.setattr(widths, "latency_of_plan", lambda bench, plan: milliseconds[plan.multiple])
    monkeypatch.setattr(widths, "rehearse", lambda bench, plans: Rehearsal(list(plans)))
    rounded = widths.rounded_as_fast(None, asked)
    assert rounded == replace(asked, multiple=expected)
    assert (f"by-{expected}" in rounded.name) == (expected > 4)
