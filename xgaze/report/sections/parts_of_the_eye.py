"""Which parts of the eye the models use: over the test people, and in the samples shown."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.format import number
from xgaze.report.drawing.svg import (
    COLOURS,
    MUTED,
    ORANGE,
    SHAPES,
    Chart,
    chart,
    legend_above,
    legend_over,
)
from xgaze.report.drawing.tables import Table, between, model, table, value
from xgaze.report.section import Report, Section, rows_at
from xgaze.stored import Stored


class Anatomy(Stored):
    """Every region's attribution and what blanking it does, per model; and student minus teacher."""

    samples: int
    participants: int
    target: str
    unit: str
    rows: list[dict[str, Any]]
    differences: list[dict[str, Any]] | None = None


class Region(Stored):
    """A region's share of the attribution of the samples shown."""

    model: str
    target: str
    region: str
    share_percent: float
    area_percent: float


def _charts(report: Report) -> dict[str, Chart]:
    charts, anatomy, found = {}, report["anatomy"], report["attribution"]
    if anatomy:
        charts["anatomy"] = anatomy_figure(anatomy)
        if anatomy.get("differences"):
            charts["differences"] = differences_figure(anatomy)
    if report["regions"] and found:
        charts["regions"] = regions_figure(report["regions"], found["targets"][-1])
    return charts


def anatomy_figure(anatomy: dict[str, Any]) -> Chart:
    """Attribution mass, its density and the effect of deleting, per region, teacher and student."""
    rows = anatomy["rows"]
    regions = list(dict.fromkeys(row["region"] for row in rows))
    models = [model for model in COLOURS if any(row["model"] == model for row in rows)]
    found = {(row["model"], row["region"]): row for row in rows}
    panels_of = (
        ("mass_percent", "attribution, %", None),
        ("density", "density (1 = even)", 1.0),
        ("deletion", f"moved when blanked, {anatomy['unit']}", 0.0),
    )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(panels_of), sharey=True)
        for axes, (key, label, zero) in zip(panels, panels_of, strict=True):
            series = [
                Series(m, COLOURS[m], SHAPES[m], [found.get((m, one), {}).get(key) for one in regions]) for m in models
            ]
            forest(axes, series, zero)
            axes.set(xlabel=label)
            name_rows(axes, regions)
        areas = [found[models[0], one]["area_percent"] for one in regions]
        panels[0].plot(areas, range(len(regions)), "|", color=MUTED, markersize=14, markeredgewidth=2, label="area")
        legend_over(figure, panels[0])

    return chart(
        "anatomy",
        "What part of the eye the models use",
        f"Share of the attribution of the {anatomy['target']} in each region (grey bar: the region's share of the picture), how "
        "dense it is there, and how far the prediction moves when the region is blanked; 95 % intervals over people.",
        draw,
        height=height(len(regions)),
    )


def differences_figure(anatomy: dict[str, Any]) -> Chart:
    """Student minus teacher, paired within people."""
    rows = anatomy["differences"]
    panels_of = (
        ("mass_percent", "attribution, percentage points"),
        ("deletion", f"moved when blanked, {anatomy['unit']}"),
    )

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(panels_of), sharey=True)
        for axes, (key, label) in zip(panels, panels_of, strict=True):
            forest(axes, [Series("student minus teacher", ORANGE, "s", [row[key] for row in rows])], 0.0)
            axes.set(xlabel=label)
            name_rows(axes, [row["region"] for row in rows])

    return chart(
        "differences",
        "What the student uses more, or less, than the teacher",
        "Student minus teacher on the same people; 95 % intervals. An interval across the dotted line is no evidence of a "
        "difference.",
        draw,
        height=height(len(rows)) - 0.25,
    )


def regions_figure(rows: list[dict[str, Any]], target: str) -> Chart:
    """Share of attribution per anatomical region, teacher and student, beside the region's share of the picture."""
    own = [row for row in rows if row["target"] == target]
    names = list(dict.fromkeys(row["region"] for row in own))
    models = [model for model in COLOURS if any(row["model"] == model for row in own)]
    areas = {row["region"]: row["area_percent"] for row in own}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        place, bar = np.arange(len(names)), 0.8 / (len(models) + 1)
        for k, role in enumerate(models):
            shares = {row["region"]: row["share_percent"] for row in own if row["model"] == role}
            values = [shares.get(name, 0) for name in names]
            axes.bar(place + k * bar, values, bar * 0.92, color=COLOURS[role], label=f"attribution, {role}")
        beside = [areas[name] for name in names]
        axes.bar(place + len(models) * bar, beside, bar * 0.92, color=MUTED, label="area of the picture")
        axes.set_xticks(place + bar * len(models) / 2, names)
        axes.tick_params(axis="x", length=0)
        axes.set(ylabel="share, %")
        legend_above(axes)

    return chart(
        "regions",
        f"Where on the eye the attribution of these samples lies ({target})",
        "A region whose attribution stands above its area gets more than an even share.",
        draw,
        height=2.9,
    )


def _tables(report: Report) -> dict[str, Table]:
    tables, anatomy = {}, report["anatomy"]
    if anatomy:
        tables["anatomy"] = _anatomy(anatomy)
        if anatomy.get("differences"):
            tables["differences"] = _differences(anatomy)
    return tables | ({"regions": _regions(report["regions"])} if report["regions"] else {})


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


def _answers(report: Report) -> list[tuple[str, str]]:
    return [("What do they look at?", _looked_at(report["anatomy"]))] if report.get("anatomy") else []


def _looked_at(anatomy: dict[str, Any]) -> str:
    """The region every model needs most: the one whose blanking moves its prediction furthest. And what the student uses more."""
    told = []
    for role in (TEACHER, STUDENT):
        own = [row for row in anatomy["rows"] if row["model"] == role]
        if own:
            first = max(own, key=lambda row: row["deletion"]["mean"])
            told.append(
                f"Blanking the {first['region']} moves the {role}'s prediction furthest, by "
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


SECTION = Section(
    name="anatomy",
    place=120,
    label="Parts of the eye",
    reads={"anatomy": Anatomy | None, "regions": list[Region] | None},
    charts=_charts,
    tables=_tables,
    csv={
        "anatomy": rows_at("anatomy", "rows"),
        "anatomy_differences": rows_at("anatomy", "differences"),
        "regions": rows_at("regions"),
    },
    answers=_answers,
    template=Path(__file__).with_suffix(".html"),
)
