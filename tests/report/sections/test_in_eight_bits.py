"""The file in 8 bits on the page, in the model card and as checks: known figures."""

import pytest

from xgaze.report.conditions import conditions
from xgaze.report.page.model_card import model_card
from xgaze.report.page.page import render_page
from xgaze.report.section import with_every_key
from xgaze.report.sections.delivered.in_eight_bits import SECTION, eight_bits_in_words
from xgaze.report.verdicts import judged

TOLD = (
    "In 8 bits its file has 74 kB, takes 1.86 ms per sample (2.5 times as fast as in floats) and loses +0.2 % against floats "
    "(95 % interval over people: +0.1 % to +0.4 %)."
)


@pytest.fixture
def report(gaze_run, eight_bits):
    return with_every_key({**gaze_run[0], "eight_bits": eight_bits})


def test_sizes_times_losses_and_forms_are_told(report):
    assert eight_bits_in_words(report) == TOLD
    words = SECTION.words(report)
    assert words[0] == TOLD and words[1].startswith("Form: all but the last, tuned so. Tuned in 8 bits")
    tables = SECTION.tables(report)
    assert [cell.text for cell in tables["files"].rows[1]] == [
        "model.int8.onnx",
        "74 kB",
        "1.86",
        "31.2 px (29.7 to 32.8)",
    ]
    assert [[cell.text for cell in row][1:] for row in tables["forms"].rows] == [
        ["0.42 (0.40 to 0.44)", "+1.9 % (+1.5 % to +2.3 %)", "loses too much"],
        ["0.45 (0.43 to 0.47)", "+1.2 % (+0.9 % to +1.6 %)", "loses too much, but for its tuning"],
        ["1.05 (1.02 to 1.08)", "not asked", "no faster"],
    ]
    assert SECTION.csv["eight_bit_forms"](report)[2] == {
        "form": "the first and last in floats",
        "time_ratio_mean": 1.05,
        "time_ratio_low": 1.02,
        "time_ratio_high": 1.08,
        **dict.fromkeys(("worse_percent_mean", "worse_percent_low", "worse_percent_high")),
    }


def test_page_and_card_hold_it(report, gaze_run):
    page, card = render_page(report, gaze_run[1]), model_card(report)
    assert 'id="eight-bits"' in page and page.count("takes 1.86") == 2  # at a glance too
    assert f"`model.int8.onnx`: {TOLD} Form: all but the last, tuned so." in card


@pytest.mark.parametrize(
    ("typed", "measured", "verdict"),
    [
        ("int8.bytes <= 80 kB", 74_000, "passed"),
        ("int8.latency < 1.5 ms", 1.86, "failed"),
        ("int8.worse.mean <= 0.3", 0.21, "passed"),
        ("int8.worse.high <= 0.3 %", 0.38, "failed"),
        ("reduction.int8_latency >= 1.5", 2.5, "passed"),
    ],
)
def test_conditions_can_be_put_to_it(report, typed, measured, verdict):
    row = judged(report, conditions([typed]))[0]
    assert row["measured"] == pytest.approx(measured) and row["verdict"] == verdict


def test_without_such_a_file_nothing_is_told(gaze_run):
    report = with_every_key(gaze_run[0])
    assert not SECTION.there(report) and eight_bits_in_words(report) == "" and "int8" not in model_card(report)
    row = judged(report, conditions(["int8.bytes <= 80 kB"]))[0]
    assert row["verdict"] == "not run" and "xgaze export --to int8" in row["told"]
    old = {"bytes": 74_000, "latency_ms": {"median": 1.86, "p95": 2.0}, "form": "all", "note": ""}
    told = with_every_key({**report, "eight_bits": old})
    assert eight_bits_in_words(told) == "In 8 bits its file has 74 kB, takes 1.86 ms per sample."
    assert list(SECTION.tables(told)) == ["files"] and render_page(told, gaze_run[1])
