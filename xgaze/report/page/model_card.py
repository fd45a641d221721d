"""report.json -> a model card in Markdown, to lie beside the student: what it is, for whom, how good, what it cannot do."""

import re
from typing import Any

from xgaze.artifacts import BESIDE, STUDENT, TEACHER
from xgaze.report.claims import DISAGREEMENT, NO_COMMANDS, budget_in_words, once_calibrated, unseen
from xgaze.report.drawing.format import (
    compared,
    count,
    interval,
    number,
    percent,
    percent_interval,
    score,
    size,
    span,
    worse_unit,
)
from xgaze.report.sections.at_a_glance import summary
from xgaze.report.sections.delivered.in_eight_bits import KEY, eight_bits_in_words
from xgaze.report.sections.students_tried import surgery_in_words
from xgaze.report.words import groups_in_words, has_labels
from xgaze.units import digits_of

MOST_SLICES = 12
SMALLEST_P = 1e-3


def model_card(report: dict[str, Any]) -> str:
    """The student's card. The same report gives the same text. Raises ValueError when the report has no student."""
    if not report["student"]:
        raise ValueError("a model card describes a student, and this report has none")
    parts = [
        _head(report),
        _figures(report),
        _use(report),
        _data(report),
        _slices(report),
        _limits(report),
        _making(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def plain(text: str) -> str:
    """Names from outside as text: no Markdown, no HTML, one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", " ".join(text.split()))


def _head(report: dict[str, Any]) -> str:
    words = dict(summary(report))
    first = [f"**{words['Did it learn?']}**"] if "Did it learn?" in words else []
    lines = [f"# {plain(report['recipe']['name'])}: student", *first, words["How small?"], words["What was lost?"]]
    if report.get("decision"):
        lines.append(f"**{plain(report['decision'])}**")
    if report["rendered"]:
        lines.append(
            "> **Rendered data.** Trained and scored on computer graphics; no figure is a claim about real eyes."
        )
    return "\n\n".join(lines)


def _figures(report: dict[str, Any]) -> str:
    teacher, student, unit = report["teacher"], report["student"], report["score"]["unit"]
    labels = has_labels(report)
    rows = [
        (
            report["score"]["name"],
            *(
                f"{score(m['error']['mean'], unit)} ({interval(m['error'])})"
                if m is student or labels
                else "compared with"
                for m in (teacher, student)
            ),
        ),
        *_beside(report),
        ("parameters", *(count(m["parameters"]) for m in (teacher, student))),
        ("parameters in fully connected layers", *(count(m["fc_parameters"]) for m in (teacher, student))),
        ("multiply-accumulates per sample", *(count(m["macs"]) for m in (teacher, student))),
        ("weights file", *(size(m["bytes"]) for m in (teacher, student))),
        ("time per sample (onnxruntime, one thread)", *(_latency(m["latency_ms"]) for m in (teacher, student))),
    ]
    table = [
        f"| on {unseen(report)} {groups_in_words(report)} | teacher | student |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    lost, unit_lost = report["difference_percent"], worse_unit(report)
    against = "Student against its reference" if labels else f"{DISAGREEMENT} Student against teacher"
    told = (
        f"{against}: {percent(lost['mean'], unit_lost)} ({percent_interval(lost, unit_lost)}); budget "
        f"{report['budget_percent']:g} {unit_lost}{once_calibrated(report)}, {budget_in_words(report)}. Intervals are 95 % "
        f"over {groups_in_words(report)}."
    )
    lost = eight_bits_in_words(report)
    small = f"`model.int8.onnx`: {lost} Form: {plain(report[KEY].get('form') or 'not stored')}." if lost else ""
    return "\n".join(["## Figures", "", *table, "", told, *(["", small] if small else [])])


def _beside(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A row for each target beside the main one; what the student lost of it stands with its figure."""
    rows = []
    for row in report.get(BESIDE) or []:
        teacher, student = (
            f"{number(row[name]['mean'], digits_of(row['unit']))} {row['unit']} ({span(row[name], digits_of(row['unit']))})"
            for name in (TEACHER, STUDENT)
        )
        lost = "" if row["worse_percent"] is None else f", {percent(row['worse_percent']['mean'])} worse"
        rows.append((f"{plain(row['name'])}, mean error", teacher, f"{student}{lost}"))
    return rows


def _gaze(report: dict[str, Any]) -> str:
    unit = report["score"]["unit"]
    scene = report["scene"]
    of = f" of a scene of {scene[0]} × {scene[1]} {unit}, origin top left" if scene else ""
    return f"a gaze point in {unit}{of}"


def _latency(latency: dict[str, float] | None) -> str:
    return f"{number(latency['median'], 2)} ms" if latency else "not measured"


def _use(report: dict[str, Any]) -> str:
    inputs = ", ".join(f"{plain(one['name'])} ({'×'.join(map(str, one['shape']))})" for one in report["inputs"])
    if report["task"] == "gaze":
        out = _gaze(report)
    elif report["task"] == "angle":
        out = "a direction of gaze, in the order and unit of its recording"
    elif report["task"] == "value":
        out = f"a number in {report['score']['unit']}"
    else:
        out = f"a class: {', '.join(plain(one) for one in report['classes'])}"
    if report.get(BESIDE):
        out += f", and after it {', '.join(plain(row['name']) for row in report[BESIDE])}"
    onnx = report["student"].get("onnx_bytes")
    alone = "`model.onnx` runs without xgaze" if onnx else "there is no ONNX file of it"
    return (
        f"## Use\n\nTakes {inputs}; gives {out}. `xgaze predict FOLDER INPUT --out predictions.csv` runs it; {alone}. "
        "Meant for research on recordings like those it was trained on; it was not tested for decisions about "
        "single people."
    )


def _data(report: dict[str, Any]) -> str:
    told = f"{dict(summary(report))['Trained on whom?']} Split: {report['provenance']['split']}."
    return f"## Data\n\n{told}\n\n{_licence(report)}"


def _licence(report: dict[str, Any]) -> str:
    """Of the data: as the recipe tells it, or that nobody did."""
    told = (report["recipe"]["settings"].get("data") or {}).get("licence")
    if told:
        return f"Licence of the data: {plain(told)}."
    if report["rendered"]:
        return "Licence of the data: they are rendered by xgaze; no recording of anybody is in them."
    return "Licence of the data: not told (`data.licence` in the recipe). Ask who recorded them before you pass this model on."


def _slices(report: dict[str, Any]) -> str:
    """Where the student loses most against the teacher; empty where nothing is known of the samples."""
    found = report.get("slices") or {"rows": []}
    rows = sorted(
        (one for one in found["rows"] if one["worse_percent"] is not None),
        key=lambda one: -one["worse_percent"]["mean"],
    )
    if not rows:
        return ""
    unit, who = found["unit"], groups_in_words(report)
    table = [
        f"| slice | {who} | teacher, {unit} | student, {unit} | worse | p, corrected |",
        "|---|---|---|---|---|---|",
        *(_slice(one) for one in rows[:MOST_SLICES]),
    ]
    left = len(rows) - MOST_SLICES
    more = f"\n\n{left} more, in which it loses less, stand in the report." if left > 0 else ""
    return "\n".join(["## Slices of the test samples, the largest loss first", "", *table]) + more


def _slice(one: dict[str, Any]) -> str:
    """A row of the table."""
    cells = (
        f"{plain(one['condition'])} {plain(one['where'])}",
        count(one["participants"]),
        *(number(one[model]["mean"]) for model in (TEACHER, STUDENT)),
        f"{percent(one['worse_percent']['mean'])} ({percent_interval(one['worse_percent'])})",
        "< 0.001" if one["p"] < SMALLEST_P else number(one["p"], 3),
    )
    return f"| {' | '.join(cells)} |"


def _limits(report: dict[str, Any]) -> str:
    words = dict(summary(report))
    asked = ("What do they look at?", "For the same reasons?", "How sure is one frame?", "Can I trust it?")
    told = [words[name] for name in asked if name in words]
    worst = max(report["per_participant"], key=_worse(report), default=None)
    if worst:
        unit, who = "% right answers" if report["task"] == "class" else report["score"]["unit"], groups_in_words(report)
        hardest = "the hardest test participant" if who == "people" else "the hardest"
        unit = unit if has_labels(report) else f"{unit} from the teacher"
        told.append(f"The test {who} differ: {hardest} has {number(worst['student'])} {unit}.")
    return "## Limits\n\n" + " ".join(plain(one) for one in told)


def _worse(report: dict[str, Any]) -> Any:
    sign = -1 if report["score"]["higher_is_better"] else 1
    return lambda row: sign * row["student"]


def _step(surgery: dict[str, Any]) -> str:
    proof = surgery["proof"]
    return f"- {surgery_in_words(surgery)}: proved, {proof['value']:.1e} (limit {proof['limit']:.1e})"


def _making(report: dict[str, Any]) -> str:
    steps = [_step(one) for one in report["surgeries"]]
    versions = ", ".join(f"{name} {number}" for name, number in report["provenance"]["created_with"].items())
    smaller = (
        f"Parameters: {compared(report['parameter_reduction'], 'fewer', 'as many', 'the teacher')}, by these surgeries:"
    )
    commands = "\n".join(["```", *report["commands"], "```"]) if report["commands"] else NO_COMMANDS
    recipe = (
        f"Recipe {plain(report['recipe']['name'])}, hash {report['recipe']['hash']}, seed {report['recipe']['seed']}."
    )
    return "\n\n".join(["## How it was made", smaller, "\n".join(steps), f"{recipe} Versions: {versions}.", commands])
