"""Where in the scene, or of what people looked at, do the models err? Mean errors in a grid of cells."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.geometry.gaze_field import GazeField
from xgaze.report.drawing.svg import Chart, chart
from xgaze.report.drawing.tables import Table, table, value
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.sections.where_errors_lie.gaze_predictions import ERROR, X, Y, gaze_predictions
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored
from xgaze.units import DIGITS

COLUMNS, ROWS = 8, 6
FEWEST_PEOPLE = 3


class SceneCell(Stored):
    """column, row: from the smallest x and y (yaw and pitch), in a scene from the top left. Errors are means over the people who
    looked there, None of fewer than three."""

    column: int
    row: int
    participants: int
    samples: int
    teacher: float | None
    student: float | None


class SceneErrors(Stored):
    """In `unit`. across, down: what is told from left to right, and from row to row. low: of the first cell, where it begins;
    cell: width and height of one. scene: whether the cells fill a scene, and not what people looked at."""

    unit: str
    across: str
    down: str
    low: list[float]
    cell: list[float]
    scene: bool
    cells: list[SceneCell]


def scene_errors(field: GazeField, samples: dict[str, pd.DataFrame]) -> dict[str, Any] | None:
    """samples: model -> its predictions on test samples (`gaze_predictions`). None unless several cells have an error to tell.
    Who looked beyond the edge counts in the nearest cell."""
    found = {model: _by_cell(field, one) for model, one in samples.items()}
    nobody = _Looks(0.0, 0, 0)
    cells = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            own = {model: one.get((column, row), nobody) for model, one in found.items()}
            errors = {model: one.error if one.people >= FEWEST_PEOPLE else None for model, one in own.items()}
            told = {"participants": own[TEACHER].people, "samples": own[TEACHER].samples}
            cells.append({"column": column, "row": row, **told, STUDENT: None, **errors})
    if sum(one[TEACHER] is not None for one in cells) < 2:
        return None
    across, down = field.names
    size = list(field.cell_size((COLUMNS, ROWS)))
    edges = {"unit": field.unit, "across": across, "down": down, "low": list(field.low), "cell": size}
    return {**edges, "scene": field.scene, "cells": cells}


class _Looks(NamedTuple):
    """error: mean over people of each one's mean."""

    error: float
    people: int
    samples: int


def _by_cell(field: GazeField, samples: pd.DataFrame) -> dict[tuple[int, int], _Looks]:
    """By column and row."""
    column, row = field.cells_of_places(samples[[X, Y]].to_numpy(float), (COLUMNS, ROWS)).T
    placed = samples[["group", ERROR]].assign(column=column, row=row)
    means = placed.groupby(["column", "row", "group"])[ERROR].agg(["mean", "size"]).reset_index()
    found = {}
    for place in sorted(set(zip(means["column"].tolist(), means["row"].tolist(), strict=True))):
        own = means[(means["column"] == place[0]) & (means["row"] == place[1])]
        found[place] = _Looks(float(own["mean"].mean()), len(own), int(own["size"].sum()))
    return found


def _gather(run: Run) -> Report:
    found = gaze_predictions(run)
    return {} if found is None else {"scene_errors": scene_errors(*found)}


def _models(cells: Rows) -> list[str]:
    return [model for model in (TEACHER, STUDENT) if any(one[model] is not None for one in cells)]


def scene_figure(found: dict[str, Any], who: str) -> Chart:
    """A grid for each model on one scale of colours. A scene lies as it is, its top above; all else has y or pitch upwards."""
    cells, models = pd.DataFrame(found["cells"]), _models(found["cells"])
    width, height = found["cell"]

    def draw(figure: Figure) -> None:
        import seaborn as sns

        known = cells[models].to_numpy(float)
        scale = {"vmin": float(np.nanmin(known)), "vmax": float(np.nanmax(known)), "cmap": "cividis"}
        for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
            grid = cells.pivot(index="row", columns="column", values=model).astype(float)
            look = {"annot": True, "fmt": f".{_digits(found)}f", "annot_kws": {"size": 6}, "cbar": False}
            sns.heatmap(grid, ax=axes, **look, **scale)
            axes.set(title=model, xlabel="", ylabel="", xticks=[], yticks=[])
            if height > 0 and width > 0:
                axes.set(aspect=height / width)
            if not found["scene"]:
                _mark(axes, found)

    return chart("scene_errors", _title(found), _caption(found, who), draw, height=2.9)


def _mark(axes: Any, found: dict[str, Any]) -> None:
    """Where rows and columns begin and end, of what has no edges of its own."""
    places: dict[str, Any] = {}
    for name, low, size, many in zip("xy", found["low"], found["cell"], (COLUMNS, ROWS), strict=True):
        shown = (0, many // 2, many)
        places |= {f"{name}ticks": shown, f"{name}ticklabels": [f"{low + k * size:.3g}" for k in shown]}
    axes.set(**places, xlabel=f"{found['across']}, {found['unit']}", ylabel=f"{found['down']}, {found['unit']}")
    axes.invert_yaxis()


def _digits(found: dict[str, Any]) -> int:
    """In cells, where there is little room."""
    return DIGITS[found["unit"]] - 1


def _title(found: dict[str, Any]) -> str:
    return "Where in the scene do they err?" if found["scene"] else "Where people looked, where do they err?"


def _caption(found: dict[str, Any], who: str) -> str:
    width, height = (f"{one:.{_digits(found)}f}" for one in found["cell"])
    lies = (
        "the scene's top above"
        if found["scene"]
        else f"together they span what the test {who} looked at; {found['down']} grows upwards"
    )
    return (
        f"Mean error in {found['unit']} where people looked, over the {who} who looked there; cells of {width} \u00d7 {height} "
        f"{found['unit']}, {lies}. Empty: fewer than {FEWEST_PEOPLE} {who}."
    )


def _starts(report: Report) -> Rows:
    """Cells, each with where it begins, in columns that bear the unit."""
    found = report.get("scene_errors")
    if not found:
        return []
    axes = list(zip(("column", "row"), (found["across"], found["down"]), found["low"], found["cell"], strict=True))
    return [
        {**{f"from_{name}_{found['unit']}": low + one[key] * size for key, name, low, size in axes}, **one}
        for one in found["cells"]
    ]


def _table(report: Report) -> Table:
    found = report["scene_errors"]
    unit, digits, models = found["unit"], DIGITS[found["unit"]], _models(found["cells"])
    starts = [f"from_{found[key]}_{unit}" for key in ("across", "down")]
    rows = [
        (
            *(value(one[name], digits - 1) for name in starts),
            value(one["participants"], 0),
            value(one["samples"], 0),
            *(value(one[model], digits) for model in models),
        )
        for one in _starts(report)
    ]
    froms = (f"from {found[key]}, {unit}" for key in ("across", "down"))
    columns = (*froms, groups_in_words(report), "samples", *(f"{model}, {unit}" for model in models))
    return table(_label(report), columns, rows, words=())


def _label(report: Report) -> str:
    found = report["scene_errors"]
    if found["scene"]:
        return "Error over the scene"
    return "Error over directions" if found["unit"] == "degrees" else "Error over where people looked"


SECTION = Section(
    name="scene",
    place=41,
    label=_label,
    reads={"scene_errors": SceneErrors | None},
    gather=_gather,
    charts=lambda report: {"scene_errors": scene_figure(report["scene_errors"], groups_in_words(report))},
    tables=lambda report: {"scene_errors": _table(report)},
    csv={"scene_errors": _starts},
)
