"""What is left unexplained, in figures that can be worked out, and when more steps are taken."""

from dataclasses import dataclass

import numpy as np
import pytest

from xgaze.explanation.attribution.completeness import (
    completeness_percent,
    objection,
    unexplained_percent,
    with_enough_steps,
)


@dataclass(frozen=True)
class Parts:
    completeness_percent: float


def test_completeness_is_a_percentage_of_the_output_change():
    assert completeness_percent(9.5, 10) == pytest.approx(5)
    assert completeness_percent(-9.5, -10) == pytest.approx(5)
    assert np.isfinite(completeness_percent(0.1, 0))


def test_the_unexplained_are_summed_so_that_a_small_change_does_not_decide():
    assert unexplained_percent([98, 0.4], [100, 0.1]) == pytest.approx(100 * 2.3 / 100.1)
    assert unexplained_percent([-9, 11], [-10, 10]) == pytest.approx(10)
    assert np.isfinite(unexplained_percent([0], [0]))


def test_up_to_five_percent_nothing_is_objected_and_above_it_the_share_is_told():
    assert objection("its maps", 5.0) is None
    assert objection("its maps", 5.3).startswith(
        "its maps leave 5.3 % of the prediction's change unexplained (at most 5 %"
    )
    assert objection("its values", 177.4).startswith("its values leave 177 % of")
    assert objection("its maps", float("nan")) is not None


@pytest.mark.parametrize(("unexplained", "steps"), [(39.0, 8), (100.0, 32), (1e6, 64)])
def test_more_steps_are_taken_until_the_parts_add_up_or_it_is_not_worth_the_time(unexplained, steps):
    asked = []

    def ask(count, batch_size):
        asked.append((count, batch_size))
        return Parts(unexplained / count)

    found, taken = with_enough_steps(ask, 8, 5)
    assert taken == steps and asked == [(count, 5) for count in (8, 16, 32, 64) if count <= steps]
    assert found.completeness_percent == unexplained / steps


@pytest.mark.parametrize(("unexplained", "steps"), [(11.0, 12), (24.0, 25), (26.0, 50), (240.0, 50), (260.0, 100)])
def test_fewer_steps_do_where_they_may_and_leave_one_percent_at_most(unexplained, steps):
    found, taken = with_enough_steps(lambda count, _: Parts(unexplained / count), 50, 10, fewer=True)
    assert taken == steps
    assert found.completeness_percent == unexplained / steps
