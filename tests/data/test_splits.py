"""Every participant in exactly one split."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.contract import SPLITS
from xgaze.data.splits import (
    assert_disjoint,
    assign_splits,
    require_enough,
    split_summary,
    too_few,
    validation_of,
    write_splits,
)
from xgaze.errors import InputError

PEOPLE = st.lists(st.text("0123456789ab", min_size=1, max_size=3), min_size=3, max_size=30, unique=True)
FRACTION = st.floats(0.01, 0.49)


def samples_of(people, labels=None):
    """Three samples per participant, interleaved."""
    return list(people) * 3, None if labels is None else list(labels) * 3


@settings(deadline=None, max_examples=60)
@given(PEOPLE, FRACTION, FRACTION, st.integers(-5, 1000), st.data())
def test_everyone_is_in_one_split_and_none_is_empty(people, validation, test, seed, data):
    labels = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(people), max_size=len(people)))
    participants, classes = samples_of(people, labels)
    splits = assign_splits(participants, classes, validation, test, seed)
    assert set(splits) == set(SPLITS)
    assert len(set(zip(participants, splits, strict=True))) == len(people)


@settings(deadline=None, max_examples=40)
@given(PEOPLE, st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(people, seed, random):
    participants, _ = samples_of(people)
    before = dict(zip(participants, assign_splits(participants, None, 0.15, 0.25, seed), strict=True))
    random.shuffle(participants)
    after = dict(zip(participants, assign_splits(participants, None, 0.15, 0.25, seed), strict=True))
    assert after == before


@settings(deadline=None, max_examples=40)
@given(PEOPLE, FRACTION, FRACTION, st.integers(0, 1000))
def test_a_seed_gives_the_same_splits_again(people, validation, test, seed):
    first = assign_splits(people, None, validation, test, seed)
    assert (first == assign_splits(people, None, validation, test, seed)).all()


def test_another_seed_gives_other_splits():
    people = [str(k) for k in range(40)]
    drawn = {tuple(assign_splits(people, None, 0.15, 0.25, seed)) for seed in range(5)}
    assert len(drawn) == 5


def test_fractions_are_shares_of_participants_in_each_class():
    people = [str(k) for k in range(60)]
    labels = ["rare" if k < 20 else "common" for k in range(60)]
    table = pd.DataFrame({"split": assign_splits(people, labels, 0.15, 0.25, 0), "label": labels})
    counts = table.groupby(["label", "split"]).size().to_dict()
    assert counts == {
        ("common", "train"): 24,
        ("common", "validation"): 6,
        ("common", "test"): 10,
        ("rare", "train"): 12,
        ("rare", "validation"): 3,
        ("rare", "test"): 5,
    }


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_class_of_three_or_more_is_in_every_split(count):
    people = [str(k) for k in range(count + 20)]
    labels = ["rare"] * count + ["common"] * 20
    splits = assign_splits(people, labels, 0.15, 0.25, 0)
    assert set(splits[:count]) == set(SPLITS)


def test_a_class_of_two_is_trained_on_and_tested_on():
    people = [str(k) for k in range(22)]
    splits = assign_splits(people, ["rare"] * 2 + ["common"] * 20, 0.15, 0.25, 0)
    assert sorted(splits[:2]) == ["test", "train"]


def test_participants_with_several_classes_are_split_together():
    people = [str(k) for k in range(20)] * 2
    labels = ["before"] * 20 + ["after"] * 20
    splits = assign_splits(people, labels, 0.15, 0.25, 0)
    assert (splits[:20] == splits[20:]).all() and (splits == "validation").sum() == 6


@settings(deadline=None, max_examples=60)
@given(PEOPLE, FRACTION, FRACTION, st.integers(0, 1000), st.data())
def test_nobody_validates_or_tests_alone_where_there_are_five(people, validation, test, seed, data):
    labels = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(people), max_size=len(people)))
    table = pd.DataFrame({"group": people, "split": assign_splits(people, labels, validation, test, seed)})
    assert bool(too_few(table)) == (len(people) < 5)


@pytest.mark.parametrize("count", range(2, 8))
def test_nobody_validates_alone_where_three_train(count):
    groups = [str(k) for k in range(count)]
    held = validation_of(groups, ["a", "b"] * 4, 0.15, 0)
    assert len(held) == min(2, count - 1) and held < set(groups)


def test_too_few_are_told_by_split_with_what_would_do():
    few = table_of([("a", "train"), ("b", "validation"), ("c", "test"), ("c", "test")])
    assert too_few(few, "stimuli") == [
        "validation: 1 of 3 stimuli (b), and 2 are needed: one alone has no spread, so that no interval and no choice can "
        "rest on it; add at least 2.",
        "test: 1 of 3 stimuli (c), and 2 are needed: one alone has no spread, so that no interval and no choice can rest on it; "
        "add at least 2.",
    ]
    many = table_of([(f"t{k}", "train") for k in range(9)] + [("b", "validation"), ("c", "validation"), ("d", "test")])
    (told,) = too_few(many)
    assert told.startswith("test: 1 of 12 participants (d)") and told.endswith("; move more of them to test.")
    with pytest.raises(InputError, match=r"^too few participants: test: 1 of 12"):
        require_enough(many)
    with pytest.raises(InputError, match=r"^too few stimuli: test: none of the stimuli\. validation: 1 of 2"):
        require_enough(table_of([("a", "train"), ("b", "validation")]), "stimuli")
    require_enough(table_of([("a", "train"), *((f"{split}{k}", split) for split in SPLITS[1:] for k in "12")]))


def test_one_is_not_eleven():
    splits = assign_splits(["1", "11", "111"], None, 0.3, 0.3, 0)
    assert sorted(splits) == ["test", "train", "validation"]


def test_too_few_participants_are_named():
    with pytest.raises(InputError, match=r"2 participant\(s\) found \(4, 7\).*five or more"):
        assign_splits(["7", "4", "7"], None, 0.15, 0.25, 0)


def test_fractions_must_leave_participants_for_training():
    with pytest.raises(InputError, match=r"validation 0\.5 and test 0\.5 leave no participant for training"):
        assign_splits(["1", "2", "3"], None, 0.5, 0.5, 0)


def table_of(pairs):
    return pd.DataFrame(pairs, columns=["group", "split"])


def test_a_participant_in_two_splits_is_named():
    table = table_of([("1", "train"), ("2", "test"), ("1", "test"), ("11", "train"), ("3", "validation")])
    with pytest.raises(InputError, match=r"^1 participant\(s\) in two splits: 1 \(train and test\)\. "):
        assert_disjoint(table)
    assert_disjoint(table.iloc[[0, 1, 3, 4]])


def test_of_many_shared_participants_twenty_are_named():
    table = table_of([(f"p{k:02}", split) for k in range(25) for split in ("train", "test")])
    with pytest.raises(InputError, match=r"^25 participant\(s\).*p19 \(train and test\) and 5 more\. "):
        assert_disjoint(table)


def test_the_summary_is_written(tmp_path):
    table = table_of([("2", "train"), ("1", "train"), ("2", "train"), ("3", "test")])
    write_splits(tmp_path / "splits.json", table)
    stored = json.loads((tmp_path / "splits.json").read_text())
    assert stored == split_summary(table)
    assert stored == {
        "train": {"participants": ["1", "2"], "samples": 3},
        "validation": {"participants": [], "samples": 0},
        "test": {"participants": ["3"], "samples": 1},
    }


def test_splits_are_strings_numpy_can_compare():
    splits = assign_splits(["a", "b", "c"], None, 0.3, 0.3, 0)
    assert isinstance(splits, np.ndarray) and (splits == "train").sum() == 1
