"""Words that several sections and commands share: whom figures are of, what baselines are called, how complete maps are."""

from collections.abc import Mapping, Sequence
from typing import Any

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.claims import PLAIN_NAMES
from xgaze.report.drawing.format import number, percent, percent_interval, span
from xgaze.units import digits_of

PIXEL_RIDGE, VECTOR_RIDGE = "pixel ridge ", "ridge on "


def groups_in_words(report: dict[str, Any]) -> str:
    """Whom or what splits keep apart and intervals are over: "people", "stimuli", "scanpaths", ..."""
    groups = str(report.get("groups", "participants"))
    return "people" if groups == "participants" else groups


def has_labels(report: dict[str, Any]) -> bool:
    """Whether anybody but the teacher says what is true."""
    return bool(report.get("truth", "recorded") == "recorded")


def error_in_words(report: dict[str, Any]) -> str:
    """What figures of samples are: errors, or where the teacher says what is true, disagreement with it."""
    return "error" if has_labels(report) else "disagreement"


def plain_name(baseline: str) -> str:
    """A baseline's name in everyday words, where we have them."""
    if baseline.startswith(PIXEL_RIDGE):
        return f"a straight-line fit on pictures of {baseline.removeprefix(PIXEL_RIDGE).replace('x', ' × ')} pixels"
    if baseline.startswith(VECTOR_RIDGE) and baseline not in PLAIN_NAMES:
        return f"a straight-line fit on {baseline.removeprefix(VECTOR_RIDGE)} alone"
    return PLAIN_NAMES.get(baseline, baseline)


def worst_completeness(attribution: dict[str, Any]) -> float:
    """The largest completeness delta shown, %."""
    return max(completeness_of(attribution))


def completeness_of(attribution: dict[str, Any]) -> list[float]:
    """The completeness delta of every map, %."""
    return [
        float(value)
        for sample in attribution["samples"]
        for by_target in sample["completeness_percent"].values()
        for value in by_target.values()
    ]


def beside_in_words(rows: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """A sentence for each target beside the main one."""
    return [_of_one_target(row) for row in rows or ()]


def _of_one_target(row: Mapping[str, Any]) -> str:
    digits = digits_of(row["unit"])

    def told(figure: Mapping[str, Any]) -> str:
        return f"{number(figure['mean'], digits)} {row['unit']}".strip() + f" ({span(dict(figure), digits)})"

    words = [f"{row['name']}: teacher {told(row[TEACHER])}"]
    if row[STUDENT] is not None:
        words.append(f"student {told(row[STUDENT])}")
    if (worse := row["worse_percent"]) is not None:
        words.append(f"{percent(worse['mean'])} worse ({percent_interval(worse)})")
    return f"{', '.join(words)}; always the mean {told(row['mean'])}."
