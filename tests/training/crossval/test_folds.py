"""Folds over participants: everyone tested once, nobody on two sides, balanced, and refused where they cannot be."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.errors import InputError
from xgaze.training.crossval.folds import Person, nested_folds, paper_folds, people_of


def persons(count, classes=("a", "b"), samples=lambda k: 1 + k % 5):
    return [
        Person(str(k), frozenset({classes[k % len(classes)]} if classes else set()), samples(k)) for k in range(count)
    ]


@st.composite
def crowds(draw):
    """People without classes, of one class each, or all of both classes."""
    count = draw(st.integers(8, 40))
    kind = draw(st.sampled_from(["none", "one each", "both"]))
    sizes = draw(st.lists(st.integers(1, 30), min_size=count, max_size=count))
    classes = {
        "none": [frozenset()] * count,
        "one each": [frozenset({"ab"[k % 2]}) for k in range(count)],
        "both": [frozenset("ab")] * count,
    }[kind]
    return [Person(f"p{k}", own, size) for k, (own, size) in enumerate(zip(classes, sizes, strict=True))]


@settings(max_examples=60, deadline=None)
@given(crowds(), st.integers(2, 4), st.integers(1, 2), st.integers(-3, 1000))
def test_everyone_is_tested_once_and_never_on_two_sides(people, outer, inner, seed):
    folds = nested_folds(people, outer, inner, seed)
    everyone = {person.id for person in people}
    assert Counter(name for fold in folds for name in fold.test) == Counter(everyone)
    for fold in folds:
        assert set(fold.train) == everyone - set(fold.test)
        assert len(fold.inner) == inner
        for one in fold.inner:
            assert one.train and one.validation
            assert set(one.train) | set(one.validation) == set(fold.train)
            assert not set(one.train) & set(one.validation)
        if inner > 1:
            assert Counter(name for one in fold.inner for name in one.validation) == Counter(fold.train)


@settings(max_examples=60, deadline=None)
@given(crowds(), st.integers(2, 4), st.integers(0, 1000))
def test_folds_differ_by_at_most_one_person_in_all_and_of_every_class(people, outer, seed):
    folds = nested_folds(people, outer, 1, seed)
    classes = {person.id: person.classes for person in people}
    for counts in (
        [len(fold.test) for fold in folds],
        *([sum(name in classes[one] for one in fold.test) for fold in folds] for name in "ab"),
    ):
        assert max(counts) - min(counts) <= 1


@given(st.permutations(persons(12)), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_the_order_of_people_does_not_matter(shuffled, seed):
    assert nested_folds(shuffled, 3, 2, seed) == nested_folds(persons(12), 3, 2, seed)


def test_samples_are_balanced_too():
    people = persons(40, ("a", "b"), samples=lambda k: 100 if k < 8 else 1)
    sizes = {person.id: person.samples for person in people}
    totals = [sum(sizes[name] for name in fold.test) for fold in nested_folds(people, 4, 1, 0)]
    assert max(totals) - min(totals) <= 1 and sum(totals) == 832


def test_another_seed_draws_other_folds():
    assert nested_folds(persons(20), 4, 2, 0) == nested_folds(persons(20), 4, 2, 0)
    assert nested_folds(persons(20), 4, 2, 0) != nested_folds(persons(20), 4, 2, 1)


def test_no_participant_is_dropped_with_30_people_and_8_folds_but_the_published_slices_drop_6():
    people = persons(30, ())
    assert {name for fold in nested_folds(people, 8, 7, 0) for name in fold.test} == {str(k) for k in range(30)}
    tested = [name for fold in paper_folds(people, 8, 7) for name in fold.test]
    assert len(tested) == len(set(tested)) == 24


def test_published_folds_are_slices_of_names_sorted_as_strings():
    folds = paper_folds(persons(32), 8, 7)
    assert folds[0].test == ("0", "1", "10", "11") and folds[1].test == ("12", "13", "14", "15")
    assert [len(one.validation) for one in folds[0].inner] == [4] * 7
    assert folds[0].inner[0].validation == ("12", "13", "14", "15") and len(folds[0].inner[0].train) == 24


def test_participant_1_is_not_participant_11():
    people = people_of(["1", "11", 11, "2", "111"], ["C", "C", "P", "P", "C"])
    assert people == [
        Person("1", frozenset("C"), 1),
        Person("11", frozenset("CP"), 2),
        Person("111", frozenset("C"), 1),
        Person("2", frozenset("P"), 1),
    ]


@pytest.mark.parametrize("make", [lambda k: nested_folds(persons(6), k, 1, 0), lambda k: paper_folds(persons(6), k, 2)])
def test_more_folds_than_people_are_refused(make):
    with pytest.raises(InputError, match=r"^--outer 7: only 6 participants to divide"):
        make(7)


def test_more_inner_folds_than_people_left_are_refused():
    with pytest.raises(InputError, match=r"^--inner 5: only 4 participants to divide"):
        nested_folds(persons(6), 3, 5, 0)


def test_a_fold_with_one_class_is_refused_with_the_most_folds_that_work():
    people = [Person(f"p{k}", frozenset({"ASD" if k < 3 else "TD"}), 4) for k in range(12)]
    with pytest.raises(
        InputError, match=r"fold \d would hold one class only \('TD'\).*ASD: 3, TD: 9; give at most --outer 3"
    ):
        nested_folds(people, 4, 1, 0)
    with pytest.raises(InputError, match=r"^--inner 3: fold \d would hold one class only \('TD'\).*at most --inner 2"):
        nested_folds(people, 3, 3, 0)
    assert len(nested_folds(people, 3, 2, 0)) == 3


def test_one_class_in_all_is_refused():
    with pytest.raises(InputError, match=r"one class only \('a'\).*record more participants"):
        nested_folds(persons(9, ("a",)), 3, 1, 0)


def test_what_is_kept_apart_is_called_by_its_name():
    with pytest.raises(InputError, match="only 6 stimuli to divide"):
        nested_folds(persons(6), 7, 1, 0, "stimuli")
