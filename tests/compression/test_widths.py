"""Channel counts rounded up where it costs no time."""

import pytest

from xgaze.compression.widths import candidate_widths, largest_as_fast
from xgaze.errors import InputError


@pytest.mark.parametrize(
    ("asked", "most", "expected"),
    [(5, 32, [5, 8]), (9, 32, [9, 12, 16]), (8, 32, [8]), (12, 32, [12, 16]), (13, 14, [13, 14]), (3, 3, [3])],
)
def test_candidates_are_the_next_multiples_of_4_and_8_that_exist(asked, most, expected):
    assert candidate_widths(asked, most) == expected


def test_the_largest_width_that_costs_no_time_is_taken():
    assert largest_as_fast({9: 1.00, 12: 0.97, 16: 1.019}, 9) == 16
    assert largest_as_fast({9: 1.00, 12: 0.97, 16: 1.021}, 9) == 12
    assert largest_as_fast({9: 1.00, 12: 1.05, 16: 1.03}, 9) == 9


def test_the_tolerance_is_relative_to_the_width_asked_for():
    assert largest_as_fast({9: 2.0, 12: 2.19}, 9, tolerance=0.1) == 12
    assert largest_as_fast({9: 2.0, 12: 2.21}, 9, tolerance=0.1) == 9


def test_a_narrower_width_never_wins():
    assert largest_as_fast({4: 0.1, 9: 1.0, 12: 2.0}, 9) == 9


def test_a_width_that_was_not_measured_is_refused():
    with pytest.raises(InputError, match=r"width 9 was not measured; measured: 8, 12\."):
        largest_as_fast({12: 1.0, 8: 1.0}, 9)
