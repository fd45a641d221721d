"""Tables of what `xgaze explain` stored. Every part may be missing; its table is then left out."""

from typing import Any

from xgaze.report.drawing.format import DASH, count, general, number, size, spread
from xgaze.report.drawing.tables import Cell, Table, between, model, table, value
from xgaze.report.sections.tables_human import human_tables
from xgaze.report.sections.tables_sweep import sweep_tables

FLOWS_SHOWN = 30
ROLE_WORDS = {"floor": "floor: knows nothing", "result": "the student", "ceiling": "ceiling: as good as it gets"}


def explanation_tables(report: dict[str, Any]) -> dict[str, Table]:
    """Those whose part of the report is there, by name."""
    makers = {
        "methods": lambda: _methods(report["methods"]),
        "agreement": lambda: _agreement(report["agreement"]),
        "anatomy": lambda: _anatomy(report["anatomy"]),
        "regions": lambda: _regions(report["regions"]),
        "layers": lambda: _layers(report["layers"]),
    }
    tables = {name: make() for name, make in makers.items() if report[name]}
    if report["agreement"] and report["agreement"].get("curves"):
        tables["curves"] = _curves(report["agreement"])
    if report["anatomy"] and report["anatomy"].get("differences"):
        tables["differences"] = _differences(report["anatomy"])
    return tables | sweep_tables(report) | _embedding(report) | human_tables(report)


def _methods(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (
            row["name"],
            model(row["role"]),
            row.get("target") or DASH,
            Cell("passed", look="met") if row["offered"] else Cell("refused", look="missed"),
            value(row["completeness_percent"], 2),
            value(row["randomised_similarity"], 2),
            value(row["milliseconds"], 0),
            Cell(row["reason"] or "", look="long"),
        )
        for row in rows
    ]
    columns = (
        "method",
        "model",
        "asked about",
        "check",
        "unexplained, %",
        "likeness after randomising",
        "ms per sample",
        "why refused",
    )
    # A column that says the same in every row says nothing.
    told = [k for k in range(len(columns)) if k != 2 or len({row[2] for row in shown}) > 1]
    words = [told.index(k) for k in (0, 1, 2, 3, 7) if k in told]
    return table("Checks of the methods", [columns[k] for k in told], [[row[k] for k in told] for row in shown], words)


def _agreement(found: dict[str, Any]) -> Table:
    rows = [
        (row["pair"], ROLE_WORDS.get(row["role"], row["role"]), between(row["spearman"], 2), between(row["top_iou"], 2))
        for row in found["rows"]
    ]
    parts = "pixels" if found.get("pixels", True) else "values"
    return table(
        "Likeness to the teacher's maps",
        (
            "compared with the teacher",
            "stands for",
            "rank correlation",
            f"overlap of strongest {parts}",
        ),
        rows,
        (0, 1),
    )


def _curves(found: dict[str, Any]) -> Table:
    rows = [(model(row["model"]), between(row["deletion"]), between(row["insertion"])) for row in found["curves"]]
    return table(
        "Deletion and insertion", ("order of", f"deletion, {found['unit']}", f"insertion, {found['unit']}"), rows
    )


def _anatomy(found: dict[str, Any]) -> Table:
    grows = any(row.get("error_growth") for row in found["rows"])  # classes have no error in this unit
    rows = [
        (
            row["region"],
            model(row["model"]),
            between(row["mass_percent"]),
            value(row["area_percent"]),
            between(row["density"], 2),
            between(row["deletion"]),
            *((between(row["error_growth"]),) if grows else ()),
        )
        for row in found["rows"]
    ]
    columns = [
        "region",
        "model",
        "attribution, %",
        "area, %",
        "density",
        f"prediction moved when blanked, {found['unit']}",
    ]
    columns += [f"error grown when blanked, {found['unit']}"] * grows
    return table("Anatomy", columns, rows, (0, 1))


def _differences(found: dict[str, Any]) -> Table:
    rows = [(row["region"], between(row["mass_percent"]), between(row["deletion"])) for row in found["differences"]]
    columns = ("region", "attribution, percentage points", f"prediction moved when blanked, {found['unit']}")
    return table("Student minus teacher", columns, rows)


def _regions(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (
            model(row["model"]),
            row["target"],
            row["region"],
            value(row["share_percent"]),
            value(row["area_percent"]),
            value(row["share_percent"] / row["area_percent"] if row["area_percent"] else None),
        )
        for row in rows
    ]
    return table("Regions", ("model", "target", "region", "attribution, %", "area, %", "density"), shown, (0, 1, 2))


def _layers(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (
            model(row["model"]),
            Cell(row["layer"], look="code"),
            row["kind"],
            Cell(count(row["parameters"]), row["parameters"]),
            Cell(count(row["macs"]), row["macs"]),
            Cell(DASH, -1) if row["bytes"] is None else Cell(size(row["bytes"]), row["bytes"]),
            value(row["latency_percent"]),
        )
        for row in rows
    ]
    columns = ("model", "layer", "kind", "parameters", "multiply-accumulates", "bytes", "share of time, %")
    return table("Layers", columns, shown, (0, 1, 2))


def _embedding(report: dict[str, Any]) -> dict[str, Table]:
    found = report["embedding"] or {}
    tables = {}
    if found.get("measures") or found.get("cka") is not None:
        tables["measures"] = _measures(found)
    if found.get("probes"):
        tables["probes"] = _probes(found["probes"])
    importance = found.get("importance") or {}
    if importance.get("rows"):
        tables["importance"] = _importance(importance)
    if importance.get("agreement"):
        tables["rankings"] = _rankings(importance)
    if importance.get("refit"):
        tables["refit"] = _refit(importance["refit"], importance.get("refit_unit", report["score"]["unit"]))
    return tables


def _measures(found: dict[str, Any]) -> Table:
    rows = [(name.replace("_", " "), general(one)) for name, one in (found.get("measures") or {}).items()]
    if found.get("cka") is not None:
        rows.append(("likeness of teacher's and student's embedding (unbiased CKA)", spread(found["cka"], 3)))
    return Table(
        "Measures of the embedding",
        ("measure", "value"),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        sorts=False,
    )


def _probes(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (row["what"], model(row["model"]), between(row["score"], 2), row["unit"], value(row["r2"], 3)) for row in rows
    ]
    return table("Probes", ("property", "model", "error of the probe", "unit", "R²"), shown, (0, 1, 3))


def _importance(found: dict[str, Any]) -> Table:
    methods = found["methods"]
    rows = [[Cell(str(row["variable"])), *(_figure(row.get(one)) for one in methods)] for row in found["rows"]]
    return table("Importance of the embedding's variables", ("variable", *methods), rows)


def _figure(one: float | None) -> Cell:
    return Cell(general(one), float("-inf") if one is None else float(one))


def _rankings(found: dict[str, Any]) -> Table:
    rows = [(row["a"], row["b"], value(row["spearman"], 2)) for row in found["agreement"]]
    tied = [f"{name} {number(ties, 0)}" for name, ties in (found.get("ties") or {}).items() if ties]
    caption = f"Variables that share their rank with another: {', '.join(tied)}." if tied else "No ranking has ties."
    return table("Agreement of rankings", ("ranking", "and", "rank correlation"), rows, (0, 1), caption)


def _refit(rows: list[dict[str, Any]], unit: str) -> Table:
    shown = [
        (row["order"], Cell(count(row["kept"]), row["kept"]), value(row["error"], 1 if unit == "px" else 3))
        for row in rows
    ]
    return table("Refit", ("kept in the order of", "variables kept", f"error after refit, {unit}"), shown)


def strongest(flows: list[float]) -> list[tuple[int, float]]:
    """(variable, flow) of the variables that carry most, in their order; all lie in report.json."""
    kept = sorted(range(len(flows)), key=lambda k: -abs(flows[k]))[:FLOWS_SHOWN]
    return [(k, flows[k]) for k in sorted(kept)]


def sample_tables(name: str, sample: dict[str, Any], unit: str) -> dict[str, Table]:
    """Shapley values and conductance of one sample, by the names of their charts."""
    tables = {}
    if sample.get("shapley"):
        rows = [
            (model(role), target, one, value(worth, 1 if unit == "px" else 3))
            for role, by_target in sample["shapley"].items()
            for target, by_input in by_target.items()
            for one, worth in by_input.items()
        ]
        tables[f"{name}-shapley"] = table("Shapley values", ("model", "target", "input", unit), rows, (0, 1, 2))
    if sample.get("conductance"):
        flows_of = [
            (model(role), Cell(str(k), k), value(flow, 2 if unit == "px" else 4))
            for role, flows in sample["conductance"].items()
            for k, flow in strongest(flows)
        ]
        tables[f"{name}-conductance"] = table("Conductance", ("model", "variable", unit), flows_of, (0,))
    return tables
