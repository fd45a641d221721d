"""The first screen in plain words: what was trained on whom, how good, how small, what was lost, why, can I trust it."""

from pathlib import Path
from typing import Any

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.recipe.sources import known_source
from xgaze.report.caveats import caveats
from xgaze.report.claims import (
    ADOPTED,
    DISAGREEMENT,
    MOST_UNEXPLAINED_PERCENT,
    NO_BUDGET,
    costs_in_words,
    degrees_in_words,
    is_adopted,
    once_calibrated,
    over_samples_in_words,
    over_seeds_in_words,
    people_needed_in_words,
    reference_learned,
    scored_in_words,
    spread_in_words,
    uncalibrated_in_words,
    unseen,
)
from xgaze.report.drawing.format import (
    changed,
    compared,
    count,
    interval,
    lasting,
    number,
    percent,
    percent_interval,
    score,
    tiny,
    told_apart,
    worse_unit,
)
from xgaze.report.section import Maps, Report, Run, Section, in_reading_order
from xgaze.report.sections.delivered.in_eight_bits import eight_bits_in_words
from xgaze.report.words import completeness_of, groups_in_words, has_labels, plain_name

HARDLY = 0.9
"""Times whose ratio lies above are told as the same: measured again they differ as much."""
FEW_PARTICIPANTS = 8
IN_FLOATS = "the teacher's"


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of question and answer."""
    nothing = reference_learned(report, groups_in_words(report))
    pairs = [("Did it learn?", nothing)] if nothing else []
    pairs += [("Trained on whom?", _whom(report)), ("How good?", _good(report))]
    if report["student"]:
        pairs += [("How small?", _small(report)), ("What was lost?", _lost(report))]
    else:
        pairs.append(("How small?", f"No student yet: run `{_next(report, 'distill')}`."))
    pairs += [pair for one in in_reading_order() for pair in one.answers(report)]
    pairs.append(("Can I trust it?", _trust(report)))
    cannot = caveats(report)
    return [*pairs, ("What can it not show?", " ".join(cannot))] if cannot else pairs


def still_to_come(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(what, command that makes it) of the parts that are not there yet."""
    return [(what, _next(report, verb)) for one in in_reading_order() for what, verb in one.awaits(report)]


def _next(report: dict[str, Any], verb: str) -> str:
    return str(report.get("next", {}).get(verb) or f"xgaze {verb}")


def _whom(report: dict[str, Any]) -> str:
    people, frames, who = report["participants"], report["samples"], groups_in_words(report)
    source = known_source(report["recipe"].get("settings", {}).get("data", {}))
    what = (source.samples if source else "") or ("frames" if report["task"] in ("gaze", "angle") else "pictures")
    tested = f"{count(people['test'])} {who} ({count(frames['test'])} {what})"
    scored = f"scored on {tested}"
    told = (
        f"{count(people['train'])} {who} ({count(frames['train'])} {what}); weights were selected on "
        f"{count(people['validation'])} others and {scored} "
        f"{'that neither had seen' if report['provenance'].get('disjoint', True) else 'SOME of which they had seen'}."
    )
    if is_adopted(report):
        scored = scored if has_labels(report) else f"not scored; the student is compared with it on {tested}"
        told = (
            f"The teacher was {ADOPTED}. It was {scored}; students are tuned on {count(people['train'])} others and chosen on "
            f"{count(people['validation'])} more."
        )
    if who != "people":
        told += f" Splits are by {who}, not by person: the same people may be in all of them."
    if report["rendered"]:
        told += " These people are rendered, not recorded: the figures hold for the rendered recording only."
    return told


def _good(report: dict[str, Any]) -> str:
    error, who = report["teacher"]["error"], groups_in_words(report)
    beside = "; ".join(
        f"{plain_name(one['name'])}, {score(one['error']['mean'], one['error']['unit'])}" for one in report["baselines"]
    )
    if not has_labels(report):
        return f"{DISAGREEMENT} For comparison, the mean disagreement with the teacher of {beside}."
    wide = ""
    if report["scene"] and error["unit"] == "px":
        share = 100 * error["mean"] / report["scene"][0]
        wide = f" That is {number(share)} % of the width of a scene of {report['scene'][0]} × {report['scene'][1]} px."
    return (
        f"The teacher's {report['score']['name']} is {score(error['mean'], error['unit'])} on {unseen(report)} {who} (95 % "
        f"interval over {who}: {interval(error)}{over_samples_in_words(error)}){degrees_in_words(error)}.{wide} For comparison: "
        f"{beside}."
    )


def _small(report: dict[str, Any]) -> str:
    student = report["student"]
    told = (
        f"The student keeps {count(student['fc_parameters'])} parameters in its fully connected layers, "
        f"{changed(report['fc_reduction'], 'fewer', 'as many')}, and {count(student['parameters'])} in all, "
        f"{changed(report['parameter_reduction'], 'fewer', 'as many')}."
    )
    if report["latency_ratio"]:
        told += f" {_time(report)}"
    else:
        told += " Its time was not measured: onnxruntime needs an ONNX file of both, and there is none."
    if report["int8_file_reduction"]:
        told += f" In 8 bits its file is {compared(report['int8_file_reduction'], 'smaller', 'as large', IN_FLOATS)}."
    lost = eight_bits_in_words(report, *["That file"] if report["int8_file_reduction"] else [])
    return f"{told} {lost}" if lost else told


def _time(report: dict[str, Any]) -> str:
    """Both times, and which is shorter by more than a tenth."""
    own, other = (report[model]["latency_ms"]["median"] for model in (STUDENT, TEACHER))
    alike = HARDLY < report["latency_ratio"] < 1 / HARDLY
    ratio = "about the same time" if alike else lasting(report["latency_ratio"])
    shown, beside = told_apart(own, other, 2)
    return f"onnxruntime needs {shown} ms for it on one thread, {beside} ms for the teacher: {ratio}."


def _lost(report: dict[str, Any]) -> str:
    worse, budget, unit = report["difference_percent"], report["budget_percent"], worse_unit(report)
    if not has_labels(report):
        return _apart(report, f"{_verdict(report, budget, unit)}{_costs(report)}")
    against = "the teacher" if report["reference"] == TEACHER else "the teacher given the same extra tuning"
    told = (
        f"{percent(worse['mean'], unit)} against {against}{once_calibrated(report)} "
        f"(95 % interval over {groups_in_words(report)}: "
        f"{percent_interval(worse, unit)}; "
        f"worse is positive). {costs_in_words(report)} ".replace("  ", " ")
    )
    needed = people_needed_in_words(report, report["participants"]["test"], groups_in_words(report))
    seeds, plain = over_seeds_in_words(report, groups_in_words(report)), uncalibrated_in_words(report)
    return " ".join(one for one in (told.strip(), _verdict(report, budget, unit), seeds, needed, plain) if one)


def _apart(report: dict[str, Any], verdict: str) -> str:
    """How far the student is from a teacher that says what is true."""
    error, worse, unit, who = (
        report["student"]["error"],
        report["difference_percent"],
        worse_unit(report),
        groups_in_words(report),
    )
    return (
        f"On test {who} the student is {score(error['mean'], error['unit'])} from the teacher ({interval(error)}), "
        f"{number(worse['mean'])} {unit} (95 % interval over {who}: {percent_interval(worse, unit)}). {spread_in_words(report)} "
        f"{verdict} {over_seeds_in_words(report, who)}"
    ).strip()


def _costs(report: dict[str, Any]) -> str:
    told = costs_in_words(report)
    return f" {told}" if told else ""


def _verdict(report: dict[str, Any], budget: float, unit: str) -> str:
    worse = report["difference_percent"]
    if report["budget_met"]:
        return f"The budget of {budget:g} {unit} is met, by the upper end of the interval too."
    if report.get("learned") is False:
        return f"What it is measured against learned nothing: {NO_BUDGET}, {budget:g} {unit} or any other."
    if worse["high"] is None:
        return f"Whether the budget of {budget:g} {unit} is met cannot be told: too few {groups_in_words(report)}."
    if worse["mean"] <= budget:
        return f"The budget of {budget:g} {unit} is met by the estimate but not by the upper end of its interval."
    return f"The budget of {budget:g} {unit} is not met; this is the student that comes nearest."


def _trust(report: dict[str, Any]) -> str:
    who = groups_in_words(report)
    kept = report["provenance"].get("disjoint")
    told = [] if kept is None else [f"{'None' if kept else 'SOME'} of the {who} are in two of the three groups."]
    if who != "people":
        told.append(f"Splits are by {who}, not by person: this says nothing about new people.")
    told.append(scored_in_words(report.get("scorings"), who, has_labels(report)))
    if report["surgeries"]:
        worst = max(one["proof"]["value"] for one in report["surgeries"])
        told.append(
            f"Each of the {len(report['surgeries'])} surgeries was proved on real inputs (largest deviation {tiny(worst)})."
        )
    if report["attribution"]:
        told.append(_completeness(completeness_of(report["attribution"])))
    if report.get("methods"):
        refused = sorted({one["name"] for one in report["methods"] if not one["offered"]})
        told.append(
            f"Refused after checks on these models: {', '.join(refused)}." if refused else "All methods passed."
        )
    if report["participants"]["test"] < FEW_PARTICIPANTS:
        told.append(f"With only {report['participants']['test']} test {who} the intervals say little.")
    return " ".join(told)


def _completeness(deltas: list[float]) -> str:
    many, worst = sum(delta > MOST_UNEXPLAINED_PERCENT for delta in deltas), number(max(deltas))
    if not many:
        return f"Every attribution leaves at most {worst} % of the output change unexplained: complete enough to read."
    return (
        f"{many} of the {len(deltas)} attributions leave more than {MOST_UNEXPLAINED_PERCENT:g} % of the output change "
        f"unexplained (up to {worst} %): NOT complete, and marked so; do not read these."
    )


def _decision(run: Run) -> dict[str, Any]:
    """None is recommended where there was nothing to learn from."""
    learned = (run.student or run.teacher).metrics.get("learned")
    return {"decision": None if learned is False else run.explanation.get("decision")}


def _shows(report: Report, _maps: Maps) -> dict[str, Any]:
    return {
        "pairs": summary(report),
        "still_to_come": still_to_come(report),
        "unseen": unseen(report),
        "labels": has_labels(report),
    }


SECTION = Section(
    name="summary",
    place=10,
    label="At a glance",
    reads={"decision": str | None},
    gather=_decision,
    always=True,
    shows=_shows,
    template=Path(__file__).with_suffix(".html"),
)
