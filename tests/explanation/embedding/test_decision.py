"""The decision: plain words that say what to keep and what was measured there, or that nothing was."""

import pandas as pd
import pytest

from xgaze.errors import InputError
from xgaze.explanation.embedding.decision import decision


def row(**changes):
    whole = {
        "method": "xgaze",
        "rank": 12,
        "terms": 2.0,
        "towers_share": 1.0,
        "coarse_input": False,
        "against": "teacher",
        "fc_parameters": 22466,
        "worse_unit": "%",
        "worse_percent_mean": 0.7,
        "worse_percent_low": -0.8,
        "worse_percent_high": 2.3,
        "chosen": True,
    }
    return whole | changes


def test_the_chosen_student_is_recommended_with_what_was_measured():
    assert decision(12, 64, pd.DataFrame([row(rank=3, chosen=False), row()])) == (
        "Keep 12 of the 64 directions of the first fully connected layer, filters made of 2 products of a row and a column and "
        "all channels of the convolutions: on validation people this was measured to be 0.7 % worse than the teacher (95 % "
        "interval from \u22120.8 % to +2.3 %; plus is worse), with 22,466 parameters in fully connected layers. How the teacher "
        "uses the layer suggests the same number."
    )


def test_a_student_that_gains_is_called_better():
    said = decision(
        12, 64, pd.DataFrame([row(worse_percent_mean=-0.61, worse_percent_low=-3.2, worse_percent_high=2.1)])
    )
    assert (
        "measured to be 0.6 % better than the teacher (95 % interval from \u22123.2 % to +2.1 %; plus is worse)" in said
    )


def test_the_expected_rank_is_named_with_what_was_measured_there():
    other = row(rank=4, chosen=False, worse_percent_mean=4.0, worse_percent_low=2.7, worse_percent_high=5.4)
    worse = row(rank=4, chosen=False, worse_percent_mean=30.0, worse_percent_low=26.0, worse_percent_high=35.0)
    svd = row(rank=4, chosen=False, method="svd", worse_percent_mean=1.0)
    said = decision(4, 64, pd.DataFrame([worse, other, row(), svd]))
    assert said.endswith(
        "suggests 4 directions, which was measured to be 4.0 % worse than the teacher (95 % interval from +2.7 % to +5.4 %)."
    )
    assert decision(5, 64, pd.DataFrame([row()])).endswith("suggests 5 directions, which was not tried.")


def test_cut_towers_and_small_pictures_are_said():
    frontier = pd.DataFrame(
        [row(rank=None, terms=None, towers_share=0.5, coarse_input=True, against="control, end to end")]
    )
    said = decision(4, 64, frontier)
    assert said.startswith(
        "Keep all of the first fully connected layer, 50 % of the channels of the convolutions "
        "and pictures of half the size: on validation people"
    )
    assert "than the teacher given the same tuning (95 %" in said


def test_what_else_was_changed_is_said_in_words():
    others = ["stem=2 shared_towers=mean", "factored_conv=depthwise own_kind=3", float("nan")]
    said = [decision(12, 64, pd.DataFrame([row(others=one)])) for one in others]
    assert (
        "first convolutions on averaged pictures and one tower's weights for all towers that are alike: on" in said[0]
    )
    assert "thin kernels in place of large ones and own kind: on" in said[1]
    assert said[2] == decision(12, 64, pd.DataFrame([row()]))


def test_with_none_chosen_the_nearest_rank_that_loses_least_is_taken():
    tried = [row(rank=r, chosen=False, worse_percent_mean=w) for r, w in ((3, 0.1), (5, 9.0), (5, 2.0), (16, 0.0))]
    said = decision(6, 64, pd.DataFrame(tried))
    assert said.startswith("Keep 5 of the 64 directions") and "measured to be 2.0 % worse" in said


def test_one_term_is_a_product():
    said = decision(12, 64, pd.DataFrame([row(terms=1.0)]))
    assert "layer, filters that are the product of a row and a column and all channels of the convolutions: on" in said


@pytest.mark.parametrize("expected", [4, 12])
def test_nothing_is_said_with_a_keyboard_minus_or_square_brackets(expected):
    tried = [row(), row(rank=4, chosen=False, worse_percent_mean=-1.0)]
    said = decision(expected, 64, pd.DataFrame(tried))
    assert "\u2212" in said and not set("[]-") & set(said)


@pytest.mark.parametrize("frontier", [None, pd.DataFrame()])
def test_without_a_frontier_nothing_is_claimed_to_be_measured(frontier):
    said = decision(4, 128, frontier)
    assert said.startswith("Try 4 of the 128 directions") and "not measured yet" in said and "xgaze distill" in said


def test_a_table_that_is_no_frontier_is_refused():
    with pytest.raises(InputError, match=r"budget.csv: no column method, terms, .*, worse_percent_low\."):
        decision(4, 64, pd.DataFrame([{"rank": 4, "fc_parameters": 9, "worse_percent_high": 1.0}]))
