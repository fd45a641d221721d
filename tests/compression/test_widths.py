"""Channel counts rounded up where it costs no time."""

import pytest

from xgaze.compression.widths import largest_as_fast


@pytest.mark.parametrize(
    ("latency_ms", "expected"),
    [({4: 1.0, 8: 1.019}, 8), ({4: 1.0, 8: 1.021}, 4), ({4: 1.0, 8: 0.9}, 8), ({8: 1.0, 4: 2.0}, 8)],
)
def test_the_largest_that_costs_no_time_is_taken(latency_ms, expected):
    assert largest_as_fast(latency_ms) == expected


def test_the_tolerance_is_relative_to_the_smallest():
    assert largest_as_fast({4: 2.0, 8: 2.19}, tolerance=0.1) == 8
    assert largest_as_fast({4: 2.0, 8: 2.21}, tolerance=0.1) == 4
