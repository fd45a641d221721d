"""Sentences that claim something about a run, each made of what was stored: did it learn, does the budget hold, how often was it
scored, who was kept apart."""

from collections import Counter
from math import ceil
from typing import Any

from xgaze.artifacts import TEACHER
from xgaze.report.drawing.format import MEASURED, number, percent, percent_interval, span, told_apart
from xgaze.units import digits_of

MOST_UNEXPLAINED_PERCENT = 5.0
"""Of the output's change: maps that leave more are not to be read, methods that do are refused."""
PLAIN_NAMES = {
    "mean value": "always guessing the average",
    "mean direction": "always guessing the average direction",
    "mean gaze": "always guessing the average gaze point",
    "majority class": "always guessing the commoner class",
    "ridge on the inputs": "a straight-line fit on the inputs",
}
COSTS = {"max_parameters": "parameters", "max_bytes": "bytes", "max_latency_ms": "ms"}
FRAME_RADII = "frame_radii"
"""Key of a card's figures, see `radii_of`."""
CLASS_CALIBRATION = "class_calibration"
"""Another, see `calibration_of`."""
PROMISED_PERCENT = 90.0
"""Of a new person's frames: the radius that is told first."""
NO_BUDGET = "no budget can hold against it"
NO_COMMANDS = "The commands were not stored: a script made this, or an older version."


def learned_in_words(found: dict[str, Any] | None, groups: str, whose: str = "The teacher") -> str:
    """What is to be said first of a model that is no better than guessing; empty where it is better, or where nothing was stored.

    found: a model's `Learned` as JSON.
    """
    if not found or found["learned"]:
        return ""
    digits = digits_of(found["unit"])
    own, other = told_apart(found["score"], found["baseline"], digits)
    unit = found["unit"]
    own, other = (f"{one} {unit}" if unit in MEASURED else f"{unit} {one}" for one in (own, other))
    against = f"{own} against {other} of {PLAIN_NAMES[found['against']]}"
    worse = found["worse"]
    if worse is None or worse["mean"] >= 0:
        return f"{whose} learned nothing: {against}."
    ends = percent_interval(worse, found["worse_unit"])
    return (
        f"It is not shown that {whose[:1].lower()}{whose[1:]} learned anything: {against}, "
        f"{percent(worse['mean'], found['worse_unit'])} (95 % interval over {groups}: {ends})."
    )


def reference_learned(report: dict[str, Any], groups: str) -> str:
    """`learned_in_words` of what the student is measured against, with what follows for budgets; of the teacher alone where there
    is no student. Empty where it learned something."""
    guessing, own = report.get("against_guessing") or {}, report.get("reference")
    if own is None:
        return learned_in_words(guessing.get("teacher"), groups)
    whose = "The teacher" if own == TEACHER else "The teacher, even given the same extra tuning,"
    told = learned_in_words(guessing.get(own), groups, whose)
    return f"{told[:-1]}; {NO_BUDGET}." if told else ""


def spread_in_words(report: dict[str, Any]) -> str:
    """Beside what disagreement is told: how widely a teacher's outputs spread; empty where there are labels."""
    spread = report.get("spread")
    if not spread:
        return ""
    digits = digits_of(spread["unit"])
    shown = f"{number(spread['mean'], digits)} {spread['unit']}".strip()
    return f"The spread of the teacher's outputs for one person is {shown} on average (95 % interval: {span(spread, digits)})."


def degrees_in_words(error: dict[str, Any]) -> str:
    """As ", which are 1.64 degrees (1.52 to 1.77) of visual angle"; empty where that is not known."""
    told = error.get("degrees")
    if not told:
        return ""
    return f", which are {number(told['mean'], 2)} degrees ({span(told, 2)}) of visual angle"


def over_samples_in_words(error: dict[str, Any]) -> str:
    """As "; mean over all samples, people counting by how many they gave, 17.9 px"; empty where all gave equally many."""
    told, unit = error.get("over_samples"), error["unit"]
    if told is None:
        return ""
    shown = f"{number(told, digits_of(unit))} {unit}".strip()
    return f"; mean over all samples, people counting by how many they gave, {shown}"


def once_calibrated(report: dict[str, Any]) -> str:
    """As ", once each of the people is calibrated by 5 points"; empty where the budget is about people as they come."""
    known = report.get("after_calibration")
    if known is None:
        return ""
    return f", once each is calibrated by {known['points']} point{'s' * (known['points'] != 1)}"


def over_seeds_in_words(report: dict[str, Any], groups: str) -> str:
    """What is lost whichever seed tuned student and control, and whether the budget holds so; empty where one alone did."""
    told = report.get("over_seeds")
    if not told:
        return ""
    worse, unit = told["difference_percent"], report.get("worse_unit") or "%"
    many, others = told["students"], told["references"]
    whose = f"{many} seeds of its tuning" + (f" and {others} of the control's" if others > 1 else "")
    spreads = {"students": told["student_spread"], "controls": told["reference_spread"]}
    shown = " and ".join(f"{number(one)} {name}" for name, one in spreads.items() if one is not None)
    held = "met" if told["held"] else "NOT met"
    return (
        f"With {whose}: {percent(worse['mean'], unit)} (95 % interval over {groups} and seeds: {percent_interval(worse, unit)}; "
        f"standard deviation from seed to seed, in {unit}: {shown}). So, too, the budget is {held}."
    )


def uncalibrated_in_words(report: dict[str, Any]) -> str:
    """How much is lost as long as nobody is calibrated; empty where the budget is about that."""
    known = report.get("after_calibration")
    if known is None:
        return ""
    worse, unit = known["uncalibrated_percent"], report.get("worse_unit") or "%"
    ends = "" if worse["low"] is None else f" [{worse['low']:+.1f}, {worse['high']:+.1f}]"
    own, other = (known["error"][name]["mean"] for name in ("student", report["reference"]))
    shown, beside = told_apart(own, other)
    measured = known["error"]["student"]["unit"]
    return (
        f"Once calibrated, the student errs by {shown} {measured}, what it is compared with by {beside}. As long as nobody is "
        f"calibrated, it loses {worse['mean']:+.1f} {unit}{ends}; all other figures are of that."
    )


def budget_in_words(report: dict[str, Any]) -> str:
    """Whether the budget of error was met, and if not, why: "met", "not met by the upper bound", ..."""
    if report["budget_met"]:
        return "met"
    if report.get("learned") is False:
        return "not met: what it is measured against learned nothing"
    worse, budget = report["difference_percent"], report["budget_percent"]
    if worse["high"] is None:
        return "not met: no upper bound is defined"
    shown, limit = told_apart(worse["high"], budget)
    hidden = f" ({shown})" if shown != f"{worse['high']:.1f}" and limit != shown else ""
    return f"not met by the upper bound{hidden}"


def people_needed(worse: dict[str, Any], people: int, budget: float) -> tuple[int, int | None] | None:
    """How many test people a claim of `budget` takes: for a student that is as good as its reference, and for one that is as much
    worse as this one; None in place of the latter where no number would do. As the interval of these people says: its half
    shrinks with the root of their number. None where it has no upper end, or none was asked."""
    if worse["high"] is None or budget <= 0:
        return None
    half: float = worse["high"] - worse["mean"]

    def enough(room: float) -> int:
        return max(2, ceil(people * (half / room) ** 2))

    return enough(budget), enough(budget - max(worse["mean"], 0.0)) if worse["mean"] < budget else None


def people_needed_in_words(report: dict[str, Any], people: int, who: str) -> str:
    """As "A claim of 2 % takes about 180 test people for a student that is as good, 5,200 for one that is 1.7 % worse."; empty
    where nothing is known of it."""
    worse, budget = report["difference_percent"], report["budget_percent"]
    needed = people_needed(worse, people, budget)
    if needed is None or report.get("spread"):  # a student that is as good as the teacher is the teacher
        return ""
    equal, own = (None if one is None else _roughly(one) for one in needed)
    unit = report.get("worse_unit") or "%"
    told = f"A claim of {budget:g} {unit} takes about {equal} test {who} for a student that is as good as its reference"
    if own is None:
        return f"{told}; for one that loses {number(worse['mean'])} {unit} no number would do."
    if round(worse["mean"], 1) <= 0:
        return f"{told}."
    return f"{told}, {own} for one that loses {number(worse['mean'])} {unit}."


def _roughly(people: int) -> str:
    """Two digits, rounded up: the width of an interval is itself only known so well."""
    step = 10 ** max(0, len(str(people)) - 2)
    return f"{ceil(people / step) * step:,}"


def costs_in_words(report: dict[str, Any]) -> str:
    """Whether the finished student keeps the budgets of size and time that were asked for; empty where none was. Its time is
    measured again at the end, and may differ from that of the search."""
    student, told = report["student"], []
    for key, limit in (report.get("limits") or {}).items():
        timed = key == "max_latency_ms"
        if timed and student["latency_ms"] is None:
            told.append(f"Budget of {limit:,.15g} ms: not measured, since there is no ONNX file.")
            continue
        spent = student["latency_ms"]["median"] if timed else student[COSTS[key]]
        own, most = told_apart(spent, limit, 2) if timed else (f"{spent:,}", f"{limit:,}")
        told.append(f"Budget of {most} {COSTS[key]}: {'kept' if spent <= limit else 'NOT kept'}, {own} {COSTS[key]}.")
    return " ".join(told)


def promised_row(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """The row of PROMISED_PERCENT of a model's frame radii as JSON; None where they promise none."""
    rows = (found or {}).get("rows") or []
    return next((one for one in rows if one["level_percent"] == PROMISED_PERCENT and one["radius"] is not None), None)


def frame_in_words(found: dict[str, Any] | None, groups: str, whose: str) -> str:
    """Within what radius of the prediction one frame lies, and how often it does on test people; empty where there is none."""
    row = promised_row(found)
    if row is None or found is None:
        return ""
    covered = row["coverage_percent"]
    return (
        f"{PROMISED_PERCENT:g} % of the frames of new {groups} should lie within {number(row['radius'])} {found['unit']} of "
        f"{whose} prediction, as {found['validation']} validation {groups} promise; of the frames of the {found['test']} test "
        f"{groups} {number(covered['mean'])} % do (95 % interval over {groups}: {span(covered)})."
    )


def scored_in_words(scorings: list[dict[str, str]] | None, who: str, labels: bool = True) -> str:
    """How often the test people (or what else `who` are) were scored, by what and when; without labels, compared."""
    if not scorings and not labels:
        return f"The test {who} were not scored: there are no labels."
    if not scorings:
        return f"How often the test {who} were scored was not stored."
    counts = Counter(one["what"] for one in scorings)
    told = ", ".join(f"{what} {_times(count)}" for what, count in counts.items())
    often = f"once ({scorings[0]['what']})" if len(scorings) == 1 else f"{_times(len(scorings))} in all ({told})"
    first, last = (scorings[k]["date"][:10] for k in (0, -1))
    when = f"on {first}" if first == last else f"first on {first}, last on {last}"
    seen = "" if max(counts.values()) == 1 else " Who chose again after a look at these figures has seen the test data."
    return f"The test {who} were {'scored' if labels else 'looked at'} {often}, {when}.{seen}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


DISAGREEMENT = (
    "There are no labels: what the teacher puts out is taken for true, and how right it is nobody knows here. Worse means how "
    "far the student is from the teacher, in percent of the spread: the mean distance of the teacher's outputs from their mean "
    "for the same person."
)
ADOPTED = "trained elsewhere: whether these people were in its training data is unknown"


def is_adopted(report: dict[str, Any]) -> bool:
    """Whether the teacher was trained elsewhere; of a card and of a page alike."""
    recipe = report.get("recipe", {})
    return bool(recipe.get("settings", recipe).get("model", {}).get("adopted"))


def unseen(report: dict[str, Any]) -> str:
    """What people are called whom the models were tested on: of those trained elsewhere nobody knows whom they saw."""
    return "test" if is_adopted(report) else "unseen"


def split_in_words(splits: dict[str, Any] | None, groups: str) -> str:
    """Who was kept apart, checked on the stored splits ({split: {"participants": names, "samples": count}})."""
    if splits is None:
        return f"over {groups}; who was in which split was not stored"
    counts = {split: len(own["participants"]) for split, own in splits.items()}
    told = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    return f"over {groups} ({told}); {'none is' if is_disjoint(splits) else 'SOME ARE'} in two splits"


def is_disjoint(splits: dict[str, Any]) -> bool:
    """Whether nobody is in two splits."""
    return not in_two_splits(splits)


def in_two_splits(splits: dict[str, Any]) -> list[str]:
    """Who is, each once."""
    counts = Counter(name for own in splits.values() for name in own["participants"])
    return [name for name, count in counts.items() if count > 1]
