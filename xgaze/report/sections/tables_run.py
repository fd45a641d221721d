"""Tables of a run: teacher beside student, baselines, people, students tried, surgeries, capacity."""

from typing import Any

from xgaze.report.drawing.format import (
    changed,
    count,
    interval,
    number,
    percent,
    percent_interval,
    score,
    size,
    times,
    tiny,
    worse_unit,
)
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.words import groups_in_words, plain_name

COMPONENTS_SHOWN = 32
NOT_MEASURED = "not measured"
SIZES = (
    ("parameters", "parameters", count),
    ("parameters in fully connected layers", "fc_parameters", count),
    ("multiply-accumulates per sample", "macs", count),
    ("weights file", "bytes", size),
    ("ONNX file", "onnx_bytes", size),
)


def run_tables(report: dict[str, Any]) -> dict[str, Table]:
    """Those whose part of the report is there, by name."""
    tables = {"models": _models(report), "beside": _beside(report)}
    if report["per_participant"]:
        tables["people"] = _people(report)
    if report["candidates"]:
        tables["frontier"] = _candidates(report)
    if report["surgeries"]:
        tables["surgeries"] = _surgeries(report["surgeries"])
    if report["capacity"]:
        tables["capacity"] = _capacity(report["capacity"])
        tables["spectrum"] = _spectrum(report["capacity"])
    return tables


def _models(report: dict[str, Any]) -> Table:
    models = [one for one in (report["teacher"], report["student"]) if one]
    both = len(models) == 2
    unit, classes = report["score"]["unit"], report["task"] == "class"

    def line(label: str, shown: list[str], ratio: str = "") -> list[str]:
        return [label, *shown, *[ratio] * both]

    def ratio(key: str) -> str:
        there = both and models[0][key] and models[1][key]
        less, more = ("smaller", "larger") if "bytes" in key else ("fewer", "more")
        return changed(models[0][key] / models[1][key], less, more, "the same") if there else ""

    rows = [line(f"{report['score']['name']} (95 % interval)", [_scored(one["error"]) for one in models])]
    medians = [m["error"]["median"] for m in models]
    middle = [f"{number(100 * one)} %" if classes else score(one, unit) for one in medians]
    label = (
        f"median of the {groups_in_words(report)}, share of right answers" if classes else "median error over samples"
    )
    rows.append(line("median error over frames" if report["task"] == "gaze" else label, middle))
    for label, key, show in SIZES:
        rows.append(line(label, [NOT_MEASURED if m[key] is None else show(m[key]) for m in models], ratio(key)))
    faster = changed(report["latency_ratio"], "faster", "slower", "the same") if report["latency_ratio"] else ""
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
    return ", which neither model was trained on" if report["provenance"].get("disjoint") else ""


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
        f"Controls and simple methods, on the same {groups_in_words(report)}.",
        sorts=False,
    )


def _people(report: dict[str, Any]) -> Table:
    both = bool(report["student"])
    rows = []
    for row in report["per_participant"]:
        cells = [Cell(row["participant"]), Cell(count(row["samples"]), row["samples"]), value(row["teacher"])]
        rows.append(cells + [value(row["student"]), value(row["difference"])] * both)
    unit = "%" if report["task"] == "class" else report["score"]["unit"]
    more = (f"student, {unit}", f"difference, {unit}") * both
    who = groups_in_words(report)
    label = "Every test participant" if who == "people" else f"All test {who}"
    return table(
        label, ("participant" if who == "people" else "one of them", "samples", f"teacher, {unit}", *more), rows
    )


def _candidates(report: dict[str, Any]) -> Table:
    rows, unit = report["candidates"], report["score"]["unit"]
    columns = (
        "rank",
        "stage",
        "filters",
        "method",
        "towers",
        "parameters",
        "FC parameters",
        f"validation {unit}",
        "worse by",
    )
    shown = [_candidate(row, 1 if unit == "px" else 3, worse_unit(report)) for row in rows]
    # A column that says the same in every row says nothing.
    told = [k for k in range(len(columns)) if k not in (2, 3, 4) or len({row[k].text for row in shown}) > 1]
    return table(
        "Students tried",
        [columns[k] for k in told],
        [[row[k] for k in told] for row in shown],
        [told.index(k) for k in range(5) if k in told],
        chosen=[k for k, row in enumerate(rows) if row["chosen"]],
    )


def _candidate(row: dict[str, Any], digits: int, in_unit: str) -> list[Cell]:
    rank = "all" if row["rank"] is None else str(row["rank"])
    worse = row["difference_percent"]
    towers = f"{100 * row['towers_share']:g} %{', half size' * bool(row['coarse_input'])}"
    return [
        Cell(f"{rank} (chosen)" if row["chosen"] else rank, 1e9 if row["rank"] is None else row["rank"]),
        Cell(row["stage"]),
        Cell(
            "whole" if row["terms"] is None else f"{row['terms']} term{'s' * (row['terms'] > 1)}",
            1e9 if row["terms"] is None else row["terms"],
        ),
        Cell(row["method"]),
        Cell(towers, row["towers_share"]),
        Cell(f"{count(row['parameters'])} ({times(row['parameter_reduction'])})", row["parameters"]),
        Cell(f"{count(row['fc_parameters'])} ({times(row['fc_reduction'])})", row["fc_parameters"]),
        value(row["error"], digits),
        Cell(f"{percent(worse['mean'], in_unit)} ({_bare(worse, in_unit)})", worse["mean"]),
    ]


def _bare(worse: dict[str, Any], unit: str) -> str:
    return percent_interval(worse, unit).replace(f" {unit}", "")


def _surgeries(surgeries: list[dict[str, Any]]) -> Table:
    rows = [
        (
            one.get("words", one["kind"]),
            Cell(one.get("where", ""), look="code"),
            Cell(f"{one['proof']['kind']} ({one['proof']['unit']})", look="long"),
            *_proof(one),
        )
        for one in surgeries
    ]
    return table("Surgeries", ("surgery", "layer", "what was checked", "measured", "limit"), rows, (0, 1, 2))


def _proof(one: dict[str, Any]) -> tuple[Cell, Cell]:
    measured, limit = one["proof"]["value"], one["proof"]["limit"]
    return Cell(tiny(measured), measured), Cell(tiny(limit), limit)


def _capacity(found: dict[str, Any]) -> Table:
    needed = found["components_99"]
    terms = found["chosen_terms"]
    rows = [
        ("components for 99 % of the weight", count(needed["weight"])),
        ("components for 99 % of the layer's output", count(needed["output"])),
        ("components of the output for 99 % of the prediction", count(needed["prediction"])),
        ("active subspace (expected rank)", count(needed["active_subspace"])),
        ("effective rank of the output", number(found["effective_rank"])),
        ("participation ratio of the output", number(found["participation_ratio"])),
        (
            "rank chosen" + (f", with {terms} outer product{'s' * (terms > 1)} per filter" if terms else ""),
            "all" if found["chosen_rank"] is None else count(found["chosen_rank"]),
        ),
    ]
    return Table(
        "Measures of used width",
        ("measure", "value"),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        "Percentages are of variance.",
        frozenset({len(rows) - 1}),
        sorts=False,
    )


def _spectrum(found: dict[str, Any]) -> Table:
    keys = ("singular_share", "output_share", "active_share")
    shown = range(min(COMPONENTS_SHOWN, len(found["output_share"])))
    rows = [[Cell(str(k + 1)), *(value(100 * found[key][k], 4) for key in keys)] for k in shown]
    return table("Spectra", ("component", "weight, %", "output, %", "needed, %"), rows, ())
