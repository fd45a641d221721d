"""Where each model's parameters, calculations and time go, layer by layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import DASH, count, size
from xgaze.report.drawing.svg import (
    BLUE,
    COLOURS,
    MARK,
    MUTED,
    ORANGE,
    Chart,
    chart,
    legend_above,
)
from xgaze.report.drawing.tables import Cell, Table, model, table, value
from xgaze.report.drawing.treemap import Tile, treemap
from xgaze.report.section import Report, Section, rows_at
from xgaze.stored import Stored

SHARED = "shared_towers"
"""The surgery by which a layer reads another's weights."""
LAYERS_SHOWN, TILES_SHOWN = 12, 80
FEWEST_NAMED = 0.9
"""Of the student's bytes: where fewer lie in layers of the teacher's names, nothing is said of what was kept."""
COSTS = (
    ("parameters", "parameters", BLUE, "o"),
    ("macs", "calculations (MACs)", ORANGE, "s"),
    ("latency_percent", "time", MARK, "^"),
)


class Layer(Stored):
    """A layer of teacher or student and its costs."""

    model: str
    layer: str
    kind: str
    parameters: int
    macs: int
    bytes: int | None
    latency_percent: float | None


def _charts(report: Report) -> dict[str, Chart]:
    rows = report["layers"]
    models = [one for one in COLOURS if any(row["model"] == one for row in rows)]
    weighed = [one for one in models if any(row["bytes"] for row in rows if row["model"] == one)]
    owners = owners_of(report)
    maps = {f"bytes-{one}": bytes_map(rows, one, owners) for one in weighed}
    return maps | {f"layers-{one}": layers_figure(rows, one) for one in models}


def owners_of(report: Report) -> dict[str, str]:
    """Layer of the student that computes with another's weights -> that other."""
    shared = [one.get("layers") for one in report.get("surgeries") or [] if one["kind"] == SHARED]
    return {layer: owner for one in shared if isinstance(one, dict) for layer, owner in one.items()}


def bytes_map(rows: list[dict[str, Any]], model: str, owners: Mapping[str, str] | None = None) -> Chart:
    """Where a model's bytes lie, layer by layer; in the teacher's tiles, how much of each the student still holds. owners: of
    the student's layers, see `owners_of`."""
    owners = owners or {}
    own = [row for row in rows if row["model"] == model and row["bytes"]]
    whole = sum(row["bytes"] for row in own)
    kept = kept_shares(rows) if model == "teacher" else None
    own = sorted(own, key=lambda row: -row["bytes"])
    tiles = [_tile(row, whole, None if kept is None else kept[row["layer"]], owners) for row in own[:TILES_SHOWN]]
    if rest := own[TILES_SHOWN:]:
        left = sum(row["bytes"] for row in rest)
        words = f"{len(rest)} smaller layers"
        tiles.append(Tile(words, left, size(left), f"{words}: {size(left)}", MUTED))
    told = f"{size(whole)} in all; areas are bytes. Blue: convolutions; orange: fully connected; green: all else."
    if kept is not None:
        told += " Filled: what the student holds in the layer of this name; pale: what it does without."
    if owners:
        told += (
            " The student's towers share weights: a layer that several of them read is stored once, by its first name."
        )
    return treemap(f"bytes-{model}", f"Where the {model}'s bytes lie", told, tiles)


def kept_shares(rows: list[dict[str, Any]]) -> dict[str, float] | None:
    """Layer of the teacher -> which part of its bytes the student holds in layers of its name; None without a student, or where
    its layers have other names."""
    student = {row["layer"]: row["bytes"] or 0 for row in rows if row["model"] == "student"}
    whole = sum(student.values())
    names = [row["layer"] for row in rows if row["model"] == "teacher" and row["bytes"]]
    held = {
        name: sum(one for other, one in student.items() if other == name or other.startswith(f"{name}."))
        for name in names
    }
    if not whole or sum(held.values()) < FEWEST_NAMED * whole:
        return None
    return {
        row["layer"]: held[row["layer"]] / row["bytes"]
        for row in rows
        if row["layer"] in held and row["model"] == "teacher"
    }


def _tile(row: dict[str, Any], whole: int, kept: float | None, owners: Mapping[str, str]) -> Tile:
    layer, share = row["layer"], f"{100 * row['bytes'] / whole:.1f} %"
    told = f"{layer} ({row['kind']}): {size(row['bytes'])}, {share}, {count(row['parameters'])} parameters"
    readers = [one for one, owner in owners.items() if owner == layer and row["model"] == "student"]
    if readers:
        told += f"; also the weights of {', '.join(readers)}"
    if kept is not None and layer in owners and not kept:
        told += f"; the student reads its {owners[layer]} here"
    elif kept is not None:
        told += f"; the student holds {100 * kept:.0f} % of it"
    return Tile(
        f"{layer}, for {1 + len(readers)}" if readers else layer,
        row["bytes"],
        f"{size(row['bytes'])}, {share}",
        told,
        _colour(row["kind"]),
        1.0 if kept is None else kept,
    )


def _colour(kind: str) -> str:
    return BLUE if kind.startswith("Conv") else ORANGE if kind.startswith("Linear") else MARK


def layers_figure(rows: list[dict[str, Any]], model: str) -> Chart:
    """Every layer's share of its model's parameters, multiply-accumulates and time; the costliest layers only."""
    own = [row for row in rows if row["model"] == model]
    shares = {key: _shares(own, key) for key, *_ in COSTS}
    weight = np.max([np.nan_to_num(one) for one in shares.values()], axis=0)
    shown = sorted(np.argsort(-weight, kind="stable")[:LAYERS_SHOWN])
    names = [own[k]["layer"] for k in shown]
    most = max(10.0, 10 * np.ceil(weight.max() / 10))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        series = [
            Series(label, colour, shape, [None if np.isnan(shares[key][k]) else shares[key][k] for k in shown])
            for key, label, colour, shape in COSTS
        ]
        forest(axes, series)
        axes.set(xlabel=f"share of the {model}, %", xlim=(-0.02 * most, 1.02 * most))
        name_rows(axes, names)
        legend_above(axes)

    more = "" if len(own) == len(names) else f" The {len(names)} costliest of {len(own)} layers."
    return chart(
        f"layers-{model}",
        f"Where the {model}'s parameters and time go",
        f"Storage and time go into different layers: a layer may hold most parameters and cost little time.{more}",
        draw,
        height=height(len(names)),
    )


def _shares(rows: list[dict[str, Any]], key: str) -> np.ndarray:
    values = np.array([np.nan if row[key] is None else row[key] for row in rows], float)
    return values if key.endswith("percent") else 100 * values / max(np.nansum(values), 1e-12)


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


SECTION = Section(
    name="layers",
    place=80,
    label="Layers",
    reads={"layers": list[Layer] | None},
    charts=_charts,
    tables=lambda report: {"layers": _layers(report["layers"])},
    csv={"layers": rows_at("layers")},
    template=Path(__file__).with_suffix(".html"),
)
