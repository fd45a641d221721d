"""Teacher beside student, and what else stands beside them: scores, sizes, time."""

from pathlib import Path
from typing import Any

from xgaze.report.claims import ADOPTED, is_adopted
from xgaze.report.drawing.format import (
    changed,
    count,
    interval,
    lasting,
    number,
    score,
    size,
    span,
    tiny,
)
from xgaze.report.drawing.tables import Cell, Table
from xgaze.report.section import Report, Section
from xgaze.report.words import error_in_words, groups_in_words, has_labels, plain_name

NOT_MEASURED, ITSELF = "not measured", "compared with"
SIZES = (
    ("parameters", "parameters", count),
    ("parameters in fully connected layers", "fc_parameters", count),
    ("multiply-accumulates per sample", "macs", count),
    ("weights file", "bytes", size),
    ("ONNX file", "onnx_bytes", size),
)


def models_tables(report: Report) -> dict[str, Table]:
    return {"models": _models(report), "beside": _beside(report)}


def _models(report: dict[str, Any]) -> Table:
    models = [one for one in (report["teacher"], report["student"]) if one]
    both = len(models) == 2
    unit, classes = report["score"]["unit"], report["task"] == "class"

    def line(label: str, shown: list[str], ratio: str = "") -> list[str]:
        return [label, *shown, *[ratio] * both]

    def ratio(key: str) -> str:
        there = both and models[0][key] and models[1][key]
        less, much = ("smaller", "as large") if "bytes" in key else ("fewer", "as many")
        return changed(models[0][key] / models[1][key], less, much, "the same") if there else ""

    itself = [] if has_labels(report) else [ITSELF]
    others = models[len(itself) :]
    rows = [line(f"{report['score']['name']} (95 % interval)", itself + [_scored(one["error"]) for one in others])]
    if degrees := _degrees(others):
        rows.append(line("the same as visual angle (95 % interval)", itself + degrees))
    medians = [m["error"]["median"] for m in others]
    middle = [f"{number(100 * one)} %" if classes else score(one, unit) for one in medians]
    label = f"median {error_in_words(report)} over {'frames' if report['task'] == 'gaze' else 'samples'}"
    if classes:
        label = f"median of the {groups_in_words(report)}, share of right answers"
    rows.append(line(label, itself + middle))
    for label, key, show in SIZES:
        rows.append(line(label, [NOT_MEASURED if m[key] is None else show(m[key]) for m in models], ratio(key)))
    faster = lasting(report["latency_ratio"]) if report["latency_ratio"] else ""
    rows.append(line("time per sample, median (95th percentile)", [_latency(m["latency_ms"]) for m in models], faster))
    parity = [NOT_MEASURED if m["onnx_parity"] is None else tiny(m["onnx_parity"]) for m in models]
    rows.append(line("ONNX against torch, largest deviation", parity))
    return Table(
        "Teacher and student",
        ("", "teacher", *("student", "against the teacher") * both),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        f"On the test {groups_in_words(report)}{_unseen(report)}. Time: onnxruntime, one thread, one sample.",
        sorts=False,
    )


def _unseen(report: dict[str, Any]) -> str:
    if is_adopted(report):
        return f"; the teacher was {ADOPTED}"
    return ", which neither model was trained on" if report["provenance"].get("disjoint") else ""


def _degrees(models: list[dict[str, Any]]) -> list[str]:
    """Errors as visual angles; none where it is not known from where gaze points are looked at."""
    angles = [one["error"]["degrees"] for one in models if one["error"].get("degrees")]
    return [f"{number(one['mean'], 2)} degrees ({span(one, 2)})" for one in angles]


def _scored(error: dict[str, Any]) -> str:
    return f"{score(error['mean'], error['unit'])} ({interval(error)})"


def _latency(latency: dict[str, float] | None) -> str:
    return f"{number(latency['median'], 2)} ms ({number(latency['p95'], 2)})" if latency else NOT_MEASURED


def _beside(report: dict[str, Any]) -> Table:
    taught = report.get("labels_only")
    alone = [{"name": "the same student, taught by labels alone", "error": taught["error"]}] if taught else []
    named = [*([report["control"]] if report["control"] else []), *alone, *report["baselines"]]
    rows = [
        (plain_name(one["name"]), score(one["error"]["mean"], one["error"]["unit"]), interval(one["error"]))
        for one in named
    ]
    return Table(
        "What stands beside them",
        ("for comparison", report["score"]["name"], "95 % interval"),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        f"{'Controls and simple' if has_labels(report) else 'Simple'} methods, on the same {groups_in_words(report)}.",
        sorts=False,
    )


SECTION = Section(
    name="models",
    place=20,
    label="Teacher and student",
    always=True,
    tables=models_tables,
    template=Path(__file__).with_suffix(".html"),
)
