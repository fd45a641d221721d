"""Tables of the embedding sweeps: of the chosen sample, and averaged over many."""

from typing import Any

from xgaze.report.drawing.tables import Cell, Table, table, value


def sweep_tables(report: dict[str, Any]) -> dict[str, Table]:
    """Those whose part of the report is there, by name."""
    tables = {}
    if report["sweep"]:
        tables["sweep"] = _sweep(report)
    if report["sweep_mean"]:
        tables["sweep_mean"] = _sweep_mean(report)
        if report["sweep_mean"].get("paths"):
            tables["sweep_paths"] = _sweep_paths(report["sweep_mean"]["paths"])
    return tables


def _sweep(report: dict[str, Any]) -> Table:
    gaze = report["task"] == "gaze"
    rows = [
        (
            str(one["variable"]),
            value(one["reach_px"] if gaze else one["reach"], 1 if gaze else 3),
            value(one["values"][0], 3),
            value(one["values"][-1], 3),
        )
        for one in report["sweep"]["variables"]
    ]
    columns = ("variable", f"reach, {report['sweep'].get('unit', 'px' if gaze else 'logits')}", "from", "to")
    return table("Sweep", columns, rows, caption="All points of the lines: sweep.csv beside this page.")


def _sweep_mean(report: dict[str, Any]) -> Table:
    gaze = report["task"] == "gaze"
    rows = [
        (str(one["variable"]), value(one.get("reach_px", one.get("reach")), 1 if gaze else 3))
        for one in report["sweep_mean"]["variables"]
    ]
    unit = report["sweep_mean"].get("unit", "px" if gaze else "logits")
    return table("Averaged sweep", ("variable", f"mean reach, {unit}"), rows)


def _sweep_paths(paths: list[dict[str, Any]]) -> Table:
    """Both ends; the points between them lie in sweep_mean_paths.csv."""
    keys = {"x_px": "x, px", "y_px": "y, px"} if "x_px" in paths[0] else {"score": "score"}
    digits = 1 if "x_px" in paths[0] else 3
    ends = [(key, end) for end in (0, -1) for key in keys]
    rows = [(Cell(str(one["variable"])), *(value(one[key][end], digits) for key, end in ends)) for one in paths]
    columns = [f"{word}, at the {end} end" for end in ("low", "high") for word in keys.values()]
    caption = "All points of the lines: sweep_mean_paths.csv beside this page."
    return table("Paths of the averaged sweep", ("variable", *columns), rows, caption=caption)
