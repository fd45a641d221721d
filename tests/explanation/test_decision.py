"""The decision: one sentence that says what to keep and what was measured there, or that nothing was."""

import pandas as pd
import pytest

from xgaze.errors import InputError
from xgaze.explanation.decision import decision


def row(**changes):
    whole = {
        "method": "xgaze",
        "rank": 12,
        "terms": 2.0,
        "towers_share": 1.0,
        "coarse_input": False,
        "hidden": None,
        "against": "teacher",
        "fc_parameters": 22466,
        "worse_percent_mean": 0.7,
        "worse_percent_low": -0.8,
        "worse_percent_high": 2.3,
        "chosen": True,
    }
    return whole | changes


def test_the_chosen_student_is_recommended_with_what_was_measured():
    assert decision(12, 64, pd.DataFrame([row(rank=3, chosen=False), row()])) == (
        "Keep rank 12 of 64 with 2 separable terms and all tower channels: measured +0.7 % [-0.8, +2.3] error on validation "
        "people against the teacher, at 22,466 fully connected parameters, the rank that the layer's use suggests."
    )


def test_the_expected_rank_is_named_with_what_was_measured_there():
    other = row(rank=4, chosen=False, worse_percent_mean=4.0, worse_percent_low=2.7, worse_percent_high=5.4)
    worse = row(rank=4, chosen=False, worse_percent_mean=30.0, worse_percent_low=26.0, worse_percent_high=35.0)
    svd = row(rank=4, chosen=False, method="svd", worse_percent_mean=1.0)
    said = decision(4, 64, pd.DataFrame([worse, other, row(), svd]))
    assert said.endswith("(the layer's use alone suggests rank 4, where +4.0 % [+2.7, +5.4] error was measured).")
    assert decision(5, 64, pd.DataFrame([row()])).endswith("suggests rank 5, which was not tried).")


def test_cut_towers_hidden_units_and_small_pictures_are_said():
    frontier = pd.DataFrame(
        [row(rank=None, terms=None, towers_share=0.5, coarse_input=True, hidden=16.0, against="control, end to end")]
    )
    said = decision(4, 64, frontier)
    assert said.startswith(
        "Keep the whole first fully connected layer with 16 hidden units, 50 % of the tower channels and pictures of half "
        "the size: measured"
    )
    assert "against the teacher given the same tuning" in said


def test_with_none_chosen_the_nearest_rank_that_loses_least_is_taken():
    tried = [row(rank=r, chosen=False, worse_percent_mean=w) for r, w in ((3, 0.1), (5, 9.0), (5, 2.0), (16, 0.0))]
    said = decision(6, 64, pd.DataFrame(tried))
    assert said.startswith("Keep rank 5 of 64 with 2 separable terms and all tower channels: measured +2.0 %")


def test_older_tables_without_towers_or_methods_will_do():
    old = pd.DataFrame([row(terms=1.0)]).drop(columns=["method", "towers_share", "coarse_input", "hidden", "against"])
    assert decision(12, 64, old).startswith("Keep rank 12 of 64 with 1 separable term: measured")


@pytest.mark.parametrize("frontier", [None, pd.DataFrame()])
def test_without_a_frontier_nothing_is_claimed_to_be_measured(frontier):
    said = decision(4, 128, frontier)
    assert said.startswith("Try rank 4 of 128") and "not measured yet" in said and "xgaze distill" in said


def test_a_table_that_is_no_frontier_is_refused():
    with pytest.raises(InputError, match=r"budget.csv: no column worse_percent_mean, worse_percent_low"):
        decision(4, 64, pd.DataFrame([{"rank": 4, "fc_parameters": 9, "worse_percent_high": 1.0}]))
