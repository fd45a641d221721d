"""Surgeries are told as they tell themselves; of one that does not, what is stored."""

from xgaze.report.page.page import render_page
from xgaze.report.sections.students_tried import surgeries_table, surgery_in_words, where_in_words

PROOF = {"kind": "largest change", "value": 1e-7, "limit": 1e-5, "unit": "px"}


def test_a_surgery_that_brings_words_is_told_in_them():
    one = {"kind": "new", "layer": "head.0", "words": "halved twice", "where": "all towers", "proof": PROOF}
    assert (surgery_in_words(one), where_in_words(one)) == ("halved twice", "all towers")


def test_unknown_fields_never_break_the_table(gaze_run, undrawn):
    strange = {
        "kind": "shared_towers",
        "terms": None,
        "removed": {"a": [1]},
        "deep": [1, 2],
        "share": 0.5,
        "proof": PROOF,
    }
    assert surgery_in_words(strange) == "shared towers"
    assert where_in_words(strange) == "removed a, deep 1, 2, share 0.5"
    assert where_in_words({"kind": "bare", "proof": PROOF}) == ""
    report, maps = gaze_run
    report["surgeries"] = [strange, {"kind": "bare", "proof": PROOF}]
    assert surgeries_table(report["surgeries"]).rows[0][1].text == "removed a, deep 1, 2, share 0.5"
    assert "shared towers" in render_page(report, maps)
