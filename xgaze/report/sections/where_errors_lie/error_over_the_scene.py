"""Where in the scene do the models err? Mean errors in a grid of cells."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.drawing.svg import Chart, chart
from xgaze.report.drawing.tables import Table, table, value
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.sections.where_errors_lie.gaze_predictions import ERROR, TRUTH, gaze_predictions
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored

COLUMNS, ROWS = 8, 6
FEWEST_PEOPLE = 3


class SceneCell(Stored):
    """column, row: from the top left. Errors are means over the people who looked there, None of fewer than three."""

    column: int
    row: int
    participants: int
    samples: int
    teacher: float | None
    student: float | None


class SceneErrors(Stored):
    """cell_px: width and height of a cell."""

    cell_px: list[float]
    cells: list[SceneCell]


def scene_errors(scene: list[int], samples: dict[str, pd.DataFrame]) -> dict[str, Any] | None:
    """samples: model -> its predictions on test samples (`gaze_predictions`). None unless several cells have an error to tell.
    Who looked beyond the scene's edge counts in the nearest cell."""
    found = {model: _by_cell(scene, one) for model, one in samples.items()}
    nobody = _Looks(0.0, 0, 0)
    cells = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            own = {model: one.get((column, row), nobody) for model, one in found.items()}
            errors = {model: one.error_px if one.people >= FEWEST_PEOPLE else None for model, one in own.items()}
            told = {"participants": own[TEACHER].people, "samples": own[TEACHER].samples}
            cells.append({"column": column, "row": row, **told, STUDENT: None, **errors})
    if sum(one[TEACHER] is not None for one in cells) < 2:
        return None
    return {"cell_px": [scene[0] / COLUMNS, scene[1] / ROWS], "cells": cells}


class _Looks(NamedTuple):
    """error_px: mean over people of each one's mean."""

    error_px: float
    people: int
    samples: int


def _by_cell(scene: list[int], samples: pd.DataFrame) -> dict[tuple[int, int], _Looks]:
    """By column and row."""
    column, row = (
        np.clip((samples[name].to_numpy(float) * cells / size).astype(int), 0, cells - 1)
        for name, cells, size in zip(TRUTH, (COLUMNS, ROWS), scene, strict=True)
    )
    placed = samples[["group", ERROR]].assign(column=column, row=row)
    means = placed.groupby(["column", "row", "group"])[ERROR].agg(["mean", "size"]).reset_index()
    found = {}
    for place in sorted(set(zip(means["column"].tolist(), means["row"].tolist(), strict=True))):
        own = means[(means["column"] == place[0]) & (means["row"] == place[1])]
        found[place] = _Looks(float(own["mean"].mean()), len(own), int(own["size"].sum()))
    return found


def _gather(run: Run) -> Report:
    samples = gaze_predictions(run)
    return {"scene_errors": scene_errors(run.teacher.spec["scene"], samples)} if samples else {}


def _models(cells: Rows) -> list[str]:
    return [model for model in (TEACHER, STUDENT) if any(one[model] is not None for one in cells)]


def scene_figure(found: dict[str, Any], who: str) -> Chart:
    """A grid for each model on one scale of colours, as the scene lies: its top is above."""
    cells = pd.DataFrame(found["cells"])
    models = _models(found["cells"])
    width, height = found["cell_px"]

    def draw(figure: Figure) -> None:
        import seaborn as sns

        known = cells[models].to_numpy(float)
        scale = {"vmin": float(np.nanmin(known)), "vmax": float(np.nanmax(known)), "cmap": "cividis"}
        for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
            grid = cells.pivot(index="row", columns="column", values=model).astype(float)
            sns.heatmap(grid, ax=axes, annot=True, fmt=".0f", annot_kws={"size": 6}, cbar=False, **scale)
            axes.set(title=model, xlabel="", ylabel="", xticks=[], yticks=[], aspect=height / width)

    return chart(
        "scene_errors",
        "Where in the scene do they err?",
        f"Mean error in px where people looked, over the {who} who looked there; cells of {width:.0f} \u00d7 {height:.0f} px, "
        f"the scene's top above. Empty: fewer than {FEWEST_PEOPLE} {who}.",
        draw,
        height=2.9,
    )


def _table(report: Report) -> Table:
    cells, (width, height) = report["scene_errors"]["cells"], report["scene_errors"]["cell_px"]
    models = _models(cells)
    rows = [
        (
            value(one["column"] * width, 0),
            value(one["row"] * height, 0),
            value(one["participants"], 0),
            value(one["samples"], 0),
            *(value(one[model]) for model in models),
        )
        for one in cells
    ]
    columns = ("from x, px", "from y, px", groups_in_words(report), "samples", *(f"{model}, px" for model in models))
    return table("Error over the scene", columns, rows, words=())


SECTION = Section(
    name="scene",
    place=41,
    label="Error over the scene",
    reads={"scene_errors": SceneErrors | None},
    gather=_gather,
    charts=lambda report: {"scene_errors": scene_figure(report["scene_errors"], groups_in_words(report))},
    tables=lambda report: {"scene_errors": _table(report)},
    csv={"scene_errors": lambda report: (report.get("scene_errors") or {}).get("cells") or []},
)
