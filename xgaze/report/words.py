"""The first screen in plain words: what was trained on whom, how good, how small, what was lost, why, can I trust it."""

from typing import Any

from xgaze.report.caveats import caveats, where_people_look
from xgaze.report.claims import NO_BUDGET, PLAIN_NAMES, costs_in_words, reference_learned, scored_in_words
from xgaze.report.drawing.format import (
    changed,
    count,
    interval,
    number,
    percent,
    percent_interval,
    score,
    tiny,
    told_apart,
    worse_unit,
)

COMPLETENESS_LIMIT_PERCENT = 5.0
HARDLY = 0.9
"""Times whose ratio lies above are told as the same: measured again they differ as much."""
FEW_PARTICIPANTS = 8
PLAIN_STARTS = {"pixel ridge ": "a straight-line fit on pictures of {} pixels"}


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of question and answer."""
    nothing = reference_learned(report, groups_in_words(report))
    pairs = [("Did it learn?", nothing)] if nothing else []
    pairs += [("Trained on whom?", _whom(report)), ("How good?", _good(report))]
    if report["student"]:
        pairs += [("How small?", _small(report)), ("What was lost?", _lost(report))]
    else:
        pairs.append(("How small?", f"No student yet: run `{_next(report, 'distill')}`."))
    if report["capacity"]:
        pairs.append(("Why so small?", _why(report["capacity"])))
    if report.get("anatomy"):
        pairs.append(("What do they look at?", _looked_at(report["anatomy"])))
    if report.get("human"):
        pairs.append(("Where people look?", where_people_look(report["human"])))
    if report.get("agreement") and report["agreement"]["rows"]:
        pairs.append(("For the same reasons?", _reasons(report["agreement"])))
    pairs.append(("Can I trust it?", _trust(report)))
    cannot = caveats(report)
    return [*pairs, ("What can it not show?", " ".join(cannot))] if cannot else pairs


def still_to_come(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(what, command that makes it) of the report's main parts that are not there yet."""
    distill, explain = (_next(report, verb) for verb in ("distill", "explain"))
    parts = (
        ("the student and how it was found", report["student"], distill),
        ("the capacity of the first fully connected layer", report["capacity"], distill),
        ("maps of what the models look at", report["attribution"], explain),
        ("the embedding sweep", report["sweep"], explain),
    )
    return [(what, command) for what, found, command in parts if not found]


def _next(report: dict[str, Any], verb: str) -> str:
    return str(report.get("next", {}).get(verb) or f"xgaze {verb}")


def groups_in_words(report: dict[str, Any]) -> str:
    """Whom or what splits keep apart and intervals are over: "people", "stimuli", "scanpaths", ..."""
    groups = str(report.get("groups", "participants"))
    return "people" if groups == "participants" else groups


def _whom(report: dict[str, Any]) -> str:
    people, frames, who = report["participants"], report["samples"], groups_in_words(report)
    source = report["recipe"].get("settings", {}).get("data", {}).get("source")
    what = "scanpaths" if source == "fixation-table" else "frames" if report["task"] == "gaze" else "pictures"
    told = (
        f"{count(people['train'])} {who} ({count(frames['train'])} {what}); weights were selected on "
        f"{count(people['validation'])} others and scored on {count(people['test'])} {who} ({count(frames['test'])} {what}) "
        f"{'that neither had seen' if report['provenance'].get('disjoint', True) else 'SOME of which they had seen'}."
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
    wide = ""
    if report["scene"] and error["unit"] == "px":
        share = 100 * error["mean"] / report["scene"][0]
        wide = f" That is {number(share)} % of the width of a scene of {report['scene'][0]} × {report['scene'][1]} px."
    return (
        f"The teacher's {report['score']['name']} is {score(error['mean'], error['unit'])} on unseen {who} (95 % "
        f"interval over {who}: {interval(error)}).{wide} For comparison: {beside}."
    )


def plain_name(baseline: str) -> str:
    """A baseline's name in everyday words, where we have them."""
    for start, words in PLAIN_STARTS.items():
        if baseline.startswith(start):
            return words.format(baseline.removeprefix(start).replace("x", " × "))
    return PLAIN_NAMES.get(baseline, baseline)


def _small(report: dict[str, Any]) -> str:
    student = report["student"]
    told = (
        f"The student keeps {count(student['fc_parameters'])} parameters in its fully connected layers, "
        f"{changed(report['fc_reduction'], 'fewer', 'more')}, and {count(student['parameters'])} in all, "
        f"{changed(report['parameter_reduction'], 'fewer', 'more')}."
    )
    if report["latency_ratio"]:
        told += f" {_time(report)}"
    else:
        told += " Its time was not measured: onnxruntime needs an ONNX file of both, and there is none."
    if report["int8_file_reduction"]:
        ratio = changed(report["int8_file_reduction"], "smaller", "larger", "as large")
        told += f" In 8 bits its file is {ratio} {'as' if ratio == 'as large' else 'than'} the teacher's."
    return told


def _time(report: dict[str, Any]) -> str:
    """Both times, and which is shorter by more than a tenth."""
    own, other = (report[model]["latency_ms"]["median"] for model in ("student", "teacher"))
    alike = HARDLY < report["latency_ratio"] < 1 / HARDLY
    ratio = "about the same time" if alike else changed(report["latency_ratio"], "faster", "slower", "the same time")
    shown, beside = told_apart(own, other, 2)
    return f"onnxruntime needs {shown} ms for it on one thread, {beside} ms for the teacher: {ratio}."


def _lost(report: dict[str, Any]) -> str:
    worse, budget, unit = report["difference_percent"], report["budget_percent"], worse_unit(report)
    against = "the teacher" if report["reference"] == "teacher" else "the teacher given the same extra tuning"
    told = (
        f"{percent(worse['mean'], unit)} against {against} (95 % interval over {groups_in_words(report)}: "
        f"{percent_interval(worse, unit)}; "
        f"worse is positive). {costs_in_words(report)} ".replace("  ", " ")
    )
    if report["budget_met"]:
        return told + f"The budget of {budget:g} {unit} is met, by the upper end of the interval too."
    if report.get("learned") is False:
        return told + f"What it is measured against learned nothing: {NO_BUDGET}, {budget:g} {unit} or any other."
    if worse["high"] is None:
        return (
            told + f"Whether the budget of {budget:g} {unit} is met cannot be told: too few {groups_in_words(report)}."
        )
    if worse["mean"] <= budget:
        return (
            told + f"The budget of {budget:g} {unit} is met by the estimate but not by the upper end of its interval."
        )
    return told + f"The budget of {budget:g} {unit} is not met; this is the student that comes nearest."


def _why(capacity: dict[str, Any]) -> str:
    separable = ", each seen through separable filters" if capacity["chosen_terms"] else ""
    kept = "all of them" if capacity["chosen_rank"] is None else capacity["chosen_rank"]
    return (
        f"Of the {count(capacity['out_features'])} directions that the first fully connected layer can use, the prediction "
        f"needs about {capacity['expected_rank']} (99 % of the variance that reaches the output); the student keeps "
        f"{kept}{separable}."
    )


def _looked_at(anatomy: dict[str, Any]) -> str:
    """The region every model needs most: the one whose blanking moves its prediction furthest. And what the student uses more."""
    told = []
    for model in ("teacher", "student"):
        own = [row for row in anatomy["rows"] if row["model"] == model]
        if own:
            first = max(own, key=lambda row: row["deletion"]["mean"])
            told.append(
                f"Blanking the {first['region']} moves the {model}'s prediction furthest, by "
                f"{number(first['deletion']['mean'])} {anatomy['unit']}; {number(first['mass_percent']['mean'])} % of the "
                f"attribution lies there, on {number(first['area_percent'])} % of the picture."
            )
    more = [row for row in anatomy.get("differences") or [] if (row["mass_percent"]["low"] or 0) > 0]
    if more:
        most = max(more, key=lambda row: row["mass_percent"]["mean"])
        told.append(
            f"More than the teacher, the student looks at the {most['region']} "
            f"(+{number(most['mass_percent']['mean'])} percentage points of the attribution)."
        )
    elif anatomy.get("differences"):
        told.append("There is no region at which the student clearly looks more than the teacher does.")
    return " ".join(told)


def _reasons(agreement: dict[str, Any]) -> str:
    found = {row["role"]: row["spearman"]["mean"] for row in agreement["rows"]}
    if "result" not in found:
        return "The student was not compared with the teacher."
    told = f"The student's maps follow the teacher's with a rank correlation of {number(found['result'], 2)}"
    beside = {"floor": "an untrained student reaches {}", "ceiling": "a second teacher {}"}
    words = [text.format(number(found[role], 2)) for role, text in beside.items() if role in found]
    return f"{told} ({', '.join(words)})." if words else f"{told}."


def _trust(report: dict[str, Any]) -> str:
    who = groups_in_words(report)
    kept = report["provenance"].get("disjoint")
    told = [] if kept is None else [f"{'None' if kept else 'SOME'} of the {who} are in two of the three groups."]
    if who != "people":
        told.append(f"Splits are by {who}, not by person: this says nothing about new people.")
    told.append(scored_in_words(report.get("scorings"), who))
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
    many, worst = sum(delta > COMPLETENESS_LIMIT_PERCENT for delta in deltas), number(max(deltas))
    if not many:
        return f"Every attribution leaves at most {worst} % of the output change unexplained: complete enough to read."
    return (
        f"{many} of the {len(deltas)} attributions leave more than {COMPLETENESS_LIMIT_PERCENT:g} % of the output change "
        f"unexplained (up to {worst} %): NOT complete, and marked so; do not read these."
    )


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
