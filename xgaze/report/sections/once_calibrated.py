"""How good are both models once they know the person? Error against the number of calibration points."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, WEIGHTS_FILE, file_hash
from xgaze.report.drawing.forest import ends
from xgaze.report.drawing.format import number, percent, percent_interval
from xgaze.report.drawing.svg import COLOURS, SHAPES, Chart, chart, legend_above
from xgaze.report.drawing.tables import Table, between, model, table, value
from xgaze.report.remedies import CALIBRATE
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored, read_mapping
from xgaze.units import digits_of

CALIBRATION_FILE = "calibration.json"


class Ends(Stored):
    """A figure with its interval over people."""

    mean: float
    low: float | None
    high: float | None


class Calibrated(Stored):
    """One model, calibrated by one kind of map on so many points of each person. unit: of the errors before and after."""

    model: str
    how: str
    points: int
    unit: str
    before: Ends
    after: Ends
    gain_percent: Ends
    people: int
    people_helped: int
    worse_before_percent: Ends | None = None
    worse_after_percent: Ends | None = None


class Calibrations(Stored):
    """models: hashes of the weights that were calibrated."""

    models: dict[str, str]
    rows: list[Calibrated]


def _gather(run: Run) -> Report:
    file = run.folder / CALIBRATION_FILE
    if not file.is_file():
        return {}
    stored = read_mapping(file, Calibrations, CALIBRATE)
    weights = {role: run.folder / role / WEIGHTS_FILE for role in stored["models"]}
    now = {role: file_hash(file) for role, file in weights.items() if file.is_file()}
    return (
        {"calibration": stored["rows"]} if now == stored["models"] else {}
    )  # of models that there are no more: nothing


def _words(report: Report) -> list[str]:
    who = groups_in_words(report)
    rows = report["calibration"]
    told = [
        f"A map of each of the {rows[0]['people']} test {who} was fitted on some frames and scored on frames at other target "
        "points, the same whatever the number of points; how far it may bend was chosen on validation people."
    ]
    if student := [one for one in rows if one.get("worse_after_percent")]:
        most = max(student, key=lambda one: one["points"])
        told.append(
            f"With {most['points']} {'point' if most['points'] == 1 else 'points'} ({most['how']}) the student is "
            f"{_told(most['worse_after_percent'])} worse than the teacher; before, on the same frames, "
            f"{_told(most['worse_before_percent'])}."
        )
    return told


def _told(figure: dict[str, Any]) -> str:
    return f"{percent(figure['mean'])} ({percent_interval(figure)})"


def calibration_figure(rows: Rows, who: str) -> Chart:
    """Error with its interval, a line per model; the first mark is without calibration."""
    kinds = list(dict.fromkeys(one["how"] for one in rows))

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        for panel, how in zip(axes, kinds, strict=True):
            _panel(panel, [one for one in rows if one["how"] == how])
            panel.set(title=how if len(kinds) > 1 else "", xlabel="calibration points")
        axes[0].set(ylabel=f"error, {rows[0]['unit']}".rstrip(", "), ylim=(0, None))
        legend_above(axes[0])

    return chart(
        "calibration",
        "Error once the person is known",
        f"Means over {who} with 95 % intervals, on frames at other target points. 0: without calibration.",
        draw,
        height=3.0,
    )


def _panel(axes: Any, rows: Rows) -> None:
    for k, (name, colour) in enumerate(COLOURS.items()):
        own = sorted((one for one in rows if one["model"] == name), key=lambda one: one["points"])
        if not own:
            continue
        figures = [own[0]["before"], *(one["after"] for one in own)]
        places = [x + 0.12 * (k - 0.5) for x in [0, *(one["points"] for one in own)]]
        means, lows, highs = np.array([ends(one) for one in figures]).T
        axes.errorbar(
            places,
            means,
            (means - lows, highs - means),
            fmt=f"{SHAPES[name]}-",
            color=colour,
            markersize=4,
            label=name,
            capsize=2,
        )
    axes.set_xticks([0, *sorted({one["points"] for one in rows})])


def _table(report: Report) -> Table:
    rows = [
        (
            model(one["model"]),
            one["how"],
            value(one["points"], 0),
            value(one["before"]["mean"], digits_of(one["unit"])),
            between(one["after"], digits_of(one["unit"])),
            between(one["gain_percent"]),
            f"{one['people_helped']} of {one['people']}",
        )
        for one in report["calibration"]
    ]
    before, after = (f"{when}, {report['calibration'][0]['unit']}".rstrip(", ") for when in ("before", "after"))
    columns = ("model", "map", "points", before, after, "gain, %", "better for")
    return table("Calibration", columns, rows, words=(0, 1))


def flat(rows: Rows) -> Rows:
    """Every figure as three columns."""
    return [
        {
            name: one
            for key, figure in row.items()
            for name, one in (
                {f"{key}_{end}": figure[end] for end in ("mean", "low", "high")}
                if isinstance(figure, dict)
                else {key: figure}
            ).items()
        }
        for row in rows
    ]


def _answers(report: Report) -> list[tuple[str, str]]:
    rows = report.get("calibration") or []
    if not rows:
        return []
    best = min(rows, key=lambda one: (one["model"] != STUDENT, one["after"]["mean"]))
    before, after = (number(best[when]["mean"], digits_of(best["unit"])) for when in ("before", "after"))
    told = f"The {best['model']}: {before} to {after} {best['unit']}".rstrip()
    return [("How good once it knows the person?", f"{told}, with {best['points']} points ({best['how']}).")]


SECTION = Section(
    name="calibrated",
    place=45,
    label="Once the person is known",
    reads={"calibration": list[Calibrated] | None},
    gather=_gather,
    words=_words,
    charts=lambda report: {"calibration": calibration_figure(report["calibration"], groups_in_words(report))},
    tables=lambda report: {"calibration": _table(report)},
    csv={"calibration": lambda report: flat(report.get("calibration") or [])},
    answers=_answers,
)
