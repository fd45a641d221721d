"""Sentences that claim something are made of what was stored."""

import pytest

from xgaze.report.claims import (
    budget_in_words,
    costs_in_words,
    is_disjoint,
    learned_in_words,
    people_needed,
    people_needed_in_words,
    reference_learned,
    scored_in_words,
    split_in_words,
)
from xgaze.report.drawing.format import changed, compared, lasting, told_apart
from xgaze.report.page.model_card import model_card
from xgaze.report.page.page import render_page
from xgaze.report.sections.at_a_glance import summary


def guessing(score, baseline, worse=None, unit="px", learned=False):
    against = {"px": "mean gaze", "AUC": "majority class", "ms": "mean value"}[unit]
    kind = "points" if unit == "AUC" else "%"
    return {
        "learned": learned,
        "against": against,
        "unit": unit,
        "score": score,
        "baseline": baseline,
        "worse": worse,
        "worse_unit": kind,
    }


def ends(mean, low=None, high=None):
    return {"mean": mean, "low": low, "high": high}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            guessing(474.1, 238.2, ends(99.0, 60.0, 140.0)),
            "The teacher learned nothing: 474.1 px against 238.2 px of always guessing the average gaze point.",
        ),
        (
            guessing(0.5, 0.5, ends(0.0, 0.0, 0.0), "AUC"),
            "The teacher learned nothing: AUC 0.500 against AUC 0.500 of always guessing the commoner class.",
        ),
        (
            guessing(54.44, 54.41, None, "ms"),
            "The teacher learned nothing: 54.44 ms against 54.41 ms of always guessing the average.",
        ),
        (
            guessing(0.61, 0.5, ends(-11.0, -30.0, 8.0), "AUC"),
            "It is not shown that the teacher learned anything: AUC 0.610 against AUC 0.500 of always guessing the commoner "
            "class, −11.0 points (95 % interval over stimuli: −30.0 to +8.0 points).",
        ),
        (guessing(20.0, 240.0, ends(-91.0, -92.0, -90.0), learned=True), ""),
        (None, ""),
    ],
)
def test_a_model_that_is_no_better_than_guessing_learned_nothing(found, told):
    assert learned_in_words(found, "stimuli") == told


def test_no_budget_holds_against_what_learned_nothing():
    nothing = guessing(474.0, 238.0, ends(99.0, 60.0, 140.0))
    better = guessing(100.0, 238.0, ends(-58.0, -70.0, -50.0), learned=True)
    teacher = reference_learned({"reference": "teacher", "against_guessing": {"teacher": nothing}}, "people")
    assert teacher.endswith("of always guessing the average gaze point; no budget can hold against it.")
    both = {"reference": "control", "against_guessing": {"teacher": nothing, "control": nothing}}
    assert reference_learned(both, "people").startswith(
        "The teacher, even given the same extra tuning, learned nothing"
    )
    tuned = {"reference": "control", "against_guessing": {"teacher": nothing, "control": better}}
    assert reference_learned(tuned, "people") == ""
    assert "budget" not in reference_learned({"against_guessing": {"teacher": nothing}}, "people")


@pytest.mark.parametrize(
    ("met", "learned", "worse", "told"),
    [
        (True, True, ends(0.5, -1.0, 1.9), "met"),
        (False, False, ends(0.5, -1.0, 1.9), "not met: what it is measured against learned nothing"),
        (False, True, ends(0.5), "not met: no upper bound is defined"),
        (False, True, ends(0.5, -1.0, 2.9), "not met by the upper bound"),
        (False, True, ends(0.5, -1.0, 2.04), "not met by the upper bound (2.04)"),
        (False, None, ends(0.5, -1.0, 2.9), "not met by the upper bound"),
    ],
)
def test_the_verdict_says_why_and_does_not_contradict_itself_by_rounding(met, learned, worse, told):
    report = {"budget_met": met, "learned": learned, "difference_percent": worse, "budget_percent": 2.0}
    assert budget_in_words(report) == told


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (None, ""),
        ({"max_latency_ms": 0.15}, "Budget of 0.150 ms: NOT kept, 0.152 ms."),
        (
            {"max_latency_ms": 0.2, "max_bytes": 9000},
            "Budget of 0.20 ms: kept, 0.15 ms. Budget of 9,000 bytes: kept, 8,000 bytes.",
        ),
        ({"max_parameters": 1999}, "Budget of 1,999 parameters: NOT kept, 2,000 parameters."),
    ],
)
def test_budgets_of_size_and_time_are_held_against_the_finished_student(limits, told):
    student = {"parameters": 2000, "bytes": 8000, "latency_ms": {"median": 0.152, "p95": 0.2}}
    assert costs_in_words({"student": student, "limits": limits}) == told


def scoring(what, day):
    return {"date": f"2026-11-{day:02}T10:00:00+00:00", "what": what, "command": ""}


@pytest.mark.parametrize(
    ("mean", "high", "budget", "needed"),
    [
        (0.0, 2.0, 2.0, (160, 160)),
        (1.0, 3.0, 2.0, (160, 640)),
        (-1.0, 1.0, 2.0, (160, 160)),  # better by chance is not counted upon
        (2.5, 3.5, 2.0, (40, None)),
        (0.5, None, 2.0, None),
        (0.5, 1.0, 0.0, None),
    ],
)
def test_a_claim_takes_so_many_people_as_make_half_an_interval_fit(mean, high, budget, needed):
    assert people_needed({"mean": mean, "low": -9.0, "high": high}, 160, budget) == needed


@pytest.mark.parametrize(
    ("mean", "high", "told"),
    [
        (
            1.7,
            3.8,
            "A claim of 2 % takes about 180 test people for a student that is as good as its reference, 7,900 for one that loses "
            "1.7 %.",
        ),
        (-0.4, 1.2, "A claim of 2 % takes about 110 test people for a student that is as good as its reference."),
        (
            4.0,
            5.0,
            "A claim of 2 % takes about 40 test people for a student that is as good as its reference; for one that loses 4.0 % "
            "no number would do.",
        ),
        (1.0, None, ""),
    ],
)
def test_how_many_people_a_claim_takes_is_told(mean, high, told):
    report = {"difference_percent": {"mean": mean, "low": -9.0, "high": high}, "budget_percent": 2.0}
    assert people_needed_in_words(report, 160, "people") == told


def test_scorings_are_counted_and_dated():
    assert scored_in_words([], "people") == "How often the test people were scored was not stored."
    assert scored_in_words([scoring("teacher", 3)], "stimuli") == (
        "The test stimuli were scored once (teacher), on 2026-11-03."
    )
    log = [scoring("teacher", 3), scoring("student", 3), scoring("student", 4), scoring("student", 9)]
    assert scored_in_words(log[:2], "people") == (
        "The test people were scored twice in all (teacher once, student once), on 2026-11-03."
    )
    assert scored_in_words(log, "people") == (
        "The test people were scored 4 times in all (teacher once, student 3 times), first on 2026-11-03, last on 2026-11-09. "
        "Who chose again after a look at these figures has seen the test data."
    )


def test_who_was_kept_apart_is_read_off_the_stored_splits():
    splits = {split: {"participants": names, "samples": 9} for split, names in (("train", ["a", "b"]), ("test", ["c"]))}
    assert split_in_words(splits, "stimuli") == "over stimuli (2 train, 1 test); none is in two splits"
    splits["test"]["participants"].append("a")
    assert not is_disjoint(splits) and split_in_words(splits, "people").endswith("SOME ARE in two splits")
    assert split_in_words(None, "people") == "over people; who was in which split was not stored"


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        (21.2, "21× fewer"),
        (2.86, "2.9× fewer"),
        (1.02, "as many"),
        (0.98, "as many"),
        (0.8, "1.2 times as many"),
        (0.05, "20 times as many"),
    ],
)
def test_a_ratio_is_told_in_honest_words_both_ways(ratio, told):
    assert changed(ratio, "fewer", "as many") == told


@pytest.mark.parametrize(
    ("ratio", "size", "time"),
    [
        (21.2, "21× smaller than the teacher's", "21 times as fast"),
        (1.0, "as large as the teacher's", "as long"),
        (0.77, "1.3 times as large as the teacher's", "1.3 times as long"),
    ],
)
def test_a_comparison_is_a_sentence_both_ways(ratio, size, time):
    assert compared(ratio, "smaller", "as large", "the teacher's") == size and lasting(ratio) == time


def test_numbers_that_differ_are_told_with_digits_that_differ():
    assert told_apart(0.152, 0.15, 2) == ("0.152", "0.150")
    assert told_apart(2.0, 2.0) == ("2.0", "2.0") and told_apart(1234.5, 2.0) == ("1,234.5", "2.0")
    assert len(told_apart(1.0, 1.0 + 1e-15)[0]) < 20


@pytest.mark.parametrize(
    ("ratio", "own", "other", "told"),
    [
        (3.37 / 1.66, 1.66, 3.37, "1.66 ms for it on one thread, 3.37 ms for the teacher: 2.0 times as fast"),
        (0.8, 4.0, 3.2, "4.00 ms for it on one thread, 3.20 ms for the teacher: 1.2 times as long"),
        (0.95, 3.553, 3.375, "about the same time"),
    ],
)
def test_a_slower_student_is_called_slower(gaze_run, ratio, own, other, told):
    report, _ = gaze_run
    report["latency_ratio"] = ratio
    report["student"]["latency_ms"]["median"], report["teacher"]["latency_ms"]["median"] = own, other
    assert told in dict(summary(report))["How small?"]


def test_page_and_card_say_first_that_nothing_was_learned_and_how_often_was_scored(gaze_run, undrawn):
    report, maps = gaze_run
    assert "Did it learn?" not in dict(summary(report))
    nothing = guessing(474.1, 238.2, ends(99.0, 60.0, 140.0))
    report |= {"learned": False, "against_guessing": {"control": nothing}, "budget_met": False, "next": {}}
    report |= {
        "scorings": [scoring("teacher", 3), scoring("student", 4)],
        "commands": ["xgaze distill 'my recipe.yaml'"],
    }
    report["provenance"] |= {"split": "over participants (9 train); none is in two splits", "disjoint": True}
    told = summary(report)
    assert told[0][0] == "Did it learn?" and "no budget can hold against it" in told[0][1]
    assert "None of the people are in two of the three groups." in dict(told)["Can I trust it?"]
    page, card = render_page(report, maps).replace("\u00a0", " "), model_card(report)
    assert page.index("474.1 px against 238.2 px") < page.index('class="cards"')
    for text in (page, card):
        assert "not met: what it is measured against learned nothing" in text
        assert "scored twice in all (teacher once, student once), first on 2026-11-03, last on 2026-11-04" in text
    assert card.index("learned nothing") < card.index("parameters") and "xgaze distill 'my recipe.yaml'" in card
    assert "xgaze distill &#39;my recipe.yaml&#39;" in page
    report["commands"] = []
    assert "commands were not stored" in render_page(report, maps) and "commands were not stored" in model_card(report)
