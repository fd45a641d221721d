"""The report's charts. Each takes a part of report.json and returns inline SVG."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from xgaze.report.format import number
from xgaze.report.svg import MARK, MUTED, OTHERS, STUDENT, TEACHER, WHOLE, figure_svg, legend_above

SPECTRUM_SHOWN = 32


def participants_figure(rows: list[dict[str, Any]], what: str) -> str:
    """Every test participant: teacher and student, joined, in the order of the teacher."""
    rows = sorted(rows, key=lambda row: row["teacher"])
    place = np.arange(len(rows))
    teacher = np.array([row["teacher"] for row in rows])
    student = np.array([row["student"] for row in rows], float) if rows[0]["student"] is not None else None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if student is not None:
            axes.vlines(place, teacher, student, color=MUTED, linewidth=1, alpha=0.6)
            axes.plot(place, student, "o", color=STUDENT, markersize=3.5, label="student")
        axes.plot(place, teacher, "o", color=TEACHER, markersize=3.5, label="teacher")
        axes.set(xlabel="participants, sorted by the teacher's figure", ylabel=what, xlim=(-1, len(rows)))
        axes.set_ylim(bottom=0)
        legend_above(axes)

    spread = f"Teacher from {number(teacher.min())} to {number(teacher.max())}."
    return figure_svg("people", f"{what} of every test participant", spread, draw)


def candidates_figure(rows: list[dict[str, Any]], budget_percent: float) -> str:
    """Students tried: size against the loss on validation participants; all parameters, or those of FC layers where the towers
    stay."""
    whole = any(row["towers_share"] < 1 for row in rows)
    size, words = ("parameters", "parameters") if whole else ("fc_parameters", "parameters in fully connected layers")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for label, colour, own in _series(rows):
            own = sorted(own, key=lambda row: row[size])
            x = np.array([row[size] for row in own])
            y, low, high = (
                np.array([row["difference_percent"][end] for row in own]) for end in ("mean", "low", "high")
            )
            axes.errorbar(x, y, (y - low, high - y), fmt="o", color=colour, markersize=5, capsize=3, label=label)
        chosen = next(row for row in rows if row["chosen"])
        spot = (chosen[size], chosen["difference_percent"]["mean"])
        axes.plot(*spot, "o", markersize=14, fillstyle="none", color=MARK, markeredgewidth=2, label="chosen")
        axes.axhline(budget_percent, color=MARK, linestyle="--", linewidth=1, label=f"budget {budget_percent:g} %")
        axes.set_xscale("log")
        axes.set(xlabel=f"{words} (log scale)", ylabel="worse by, %")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        # One student that lost everything must not flatten the curve of all others.
        top = 1.3 * max(row["difference_percent"]["high"] for row in rows if row["stage"] != "no training")
        axes.set_ylim(bottom=1.2 * min(0, *(row["difference_percent"]["low"] for row in rows)))
        axes.set_ylim(top=max(min(top, 30), 2 * budget_percent, 1.2 * chosen["difference_percent"]["high"]))
        legend_above(axes, columns=3)

    return figure_svg(
        "frontier",
        "Students tried on validation participants",
        f"Loss against the reference in percent with 95 % intervals, by number of {words}.",
        draw,
    )


def _series(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(label, colour, rows) of what there is to show; separable filters before tuning are of no interest."""
    own = [row for row in rows if row["method"] == "xgaze"]

    def of(stage: str, separable: bool) -> list[dict[str, Any]]:
        return [row for row in own if row["stage"] == stage and (row["terms"] is not None) == separable]

    whole = [row for row in own if row["stage"] == "tuned end to end"]
    found = [
        ("low rank, untuned", MUTED, of("no training", False)),
        ("low rank, tuned", TEACHER, of("head tuned", False)),
        ("low rank and separable, tuned", STUDENT, of("head tuned", True)),
        ("tuned end to end", WHOLE, whole),
        ("other ways", OTHERS, [row for row in rows if row["method"] != "xgaze"]),
    ]
    return [one for one in found if one[2]]


def spectrum_figure(capacity: dict[str, Any]) -> str:
    """Cumulative share of variance over components, three spectra; the 99 % line and the chosen rank."""
    names = (
        ("singular_share", "weight", MUTED),
        ("output_share", "layer's output", TEACHER),
        ("active_share", "what the prediction needs", STUDENT),
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for key, label, colour in names:
            lost = 1 - np.cumsum(capacity[key])[:SPECTRUM_SHOWN]
            axes.plot(
                np.arange(1, len(lost) + 1),
                100 * np.clip(lost, 1e-7, None),
                "o-",
                color=colour,
                markersize=3,
                label=label,
            )
        axes.axhline(1, color=MUTED, linestyle=":", linewidth=1)
        axes.axvline(
            capacity["chosen_rank"],
            color=MARK,
            linestyle="--",
            linewidth=1.2,
            label=f"chosen rank {capacity['chosen_rank']}",
        )
        axes.set_yscale("log")
        axes.set_ylim(1e-4, 120)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="components kept", ylabel="variance not covered, %")
        legend_above(axes)

    return figure_svg(
        "spectrum",
        "How many directions the first fully connected layer uses",
        "Percent of variance not covered after keeping so many components; the dotted line marks 1 %.",
        draw,
    )


def sweep_figure(sweep: dict[str, Any], scene: list[int] | None) -> str:
    """Where the prediction goes when one embedding variable moves over its observed range."""
    gaze = "x_px" in sweep["variables"][0]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        colours = [f"C{k}" for k in range(len(sweep["variables"]))]
        for one, colour in zip(sweep["variables"], colours, strict=True):
            x, y = (one["x_px"], one["y_px"]) if gaze else (np.linspace(1, 99, len(one["values"])), one["score"])
            axes.plot(x, y, "-", color=colour, linewidth=1.8, label=f"{one['variable']}")
        if gaze:
            axes.plot(*sweep["prediction"], "o", color=TEACHER, markersize=8, label="prediction")
            axes.plot(*sweep["truth"], "x", color=MARK, markersize=9, markeredgewidth=2.5, label="truth")
            x, y = _window(sweep, scene or [1, 1])
            axes.set(xlim=x, ylim=y, xlabel="x in the scene, px", ylabel="y in the scene, px", aspect="equal")
        else:
            axes.set(xlabel="percentile of the variable's observed range", ylabel="logit difference of the classes")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title="variable", fontsize=9)

    return figure_svg(
        "sweep",
        "Embedding sweep",
        "Each line: the predicted point while one embedding variable moves over its observed 1 to 99 percent range.",
        draw,
        height=4.4,
    )


def _window(sweep: dict[str, Any], scene: list[int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of the scene that the paths cross, 4:3, y downwards: the whole scene would shrink them to a blot."""
    points = [np.column_stack((one["x_px"], one["y_px"])) for one in sweep["variables"]]
    cloud = np.concatenate([*points, [sweep["prediction"]], [sweep["truth"]]])
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    half_height = 0.6 * max((high[0] - low[0]) * 0.75, high[1] - low[1], 0.05 * scene[1])
    x, y = (low + high) / 2
    return (x - half_height / 0.75, x + half_height / 0.75), (y + half_height, y - half_height)


def regions_figure(rows: list[dict[str, Any]], target: str) -> str:
    """Share of attribution per anatomical region, teacher and student, beside the region's share of the picture."""
    own = [row for row in rows if row["target"] == target]
    names = list(dict.fromkeys(row["region"] for row in own))
    series = [
        (model, colour)
        for model, colour in (("teacher", TEACHER), ("student", STUDENT))
        if any(r["model"] == model for r in own)
    ]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        place, bar = np.arange(len(names)), 0.8 / (len(series) + 1)
        for k, (model, colour) in enumerate(series):
            shares = {row["region"]: row["share_percent"] for row in own if row["model"] == model}
            axes.bar(
                place + k * bar,
                [shares.get(name, 0) for name in names],
                bar,
                color=colour,
                label=f"attribution, {model}",
            )
        areas = {row["region"]: row["area_percent"] for row in own}
        axes.bar(
            place + len(series) * bar, [areas[name] for name in names], bar, color=MUTED, label="area of the picture"
        )
        axes.set_xticks(place + bar * len(series) / 2, names)
        axes.set(ylabel="share, %")
        legend_above(axes)

    description = f"Attribution of the target {target} per region, beside the region's share of area."
    return figure_svg("regions", f"Where on the eye the attribution lies ({target})", description, draw, height=3.0)
