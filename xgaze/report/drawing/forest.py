"""Dots with 95 % intervals in rows, one or more series to a row: the report's most common drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from xgaze.report.drawing.svg import MUTED

ROW_INCHES, FRAME_INCHES = 0.3, 0.95
SPREAD = 0.5  # of a row's height: how far its series lie apart
LABEL_LIMIT = 34


@dataclass(frozen=True)
class Series:
    """One colour and shape; an interval, a number, or None for every row."""

    label: str
    colour: str
    shape: str
    figures: Sequence[Any]


def ends(figure: Any) -> tuple[float, float, float]:
    """(mean, low, high) of an interval or a bare number; ends that are not there fall on the mean."""
    if not isinstance(figure, dict):
        return float(figure), float(figure), float(figure)
    mean = float(figure["mean"])
    low, high = (mean if figure[end] is None else float(figure[end]) for end in ("low", "high"))
    return mean, low, high


def forest(axes: Axes, series: Sequence[Series], zero: float | None = None) -> None:
    """Draw every series' rows, first row on top; `zero` draws a line that stands for no effect.

    Rows of several series lie on faint lines of their own, or their marks could be taken for the next row's.
    """
    for row in range(len(series[0].figures)) if len(series) > 1 else ():
        axes.axhline(row, color=MUTED, linewidth=0.4, alpha=0.5)
    if zero is not None:
        axes.axvline(zero, color=MUTED, linewidth=0.9, linestyle=":")
    for k, one in enumerate(series):
        shift = 0.0 if len(series) == 1 else SPREAD * (k / (len(series) - 1) - 0.5)
        rows = [row for row, figure in enumerate(one.figures) if figure is not None]
        if not rows:
            continue
        mean, low, high = np.array([ends(one.figures[row]) for row in rows]).T
        place = np.array(rows) + shift
        axes.hlines(place, low, high, color=one.colour, linewidth=1.5)
        axes.plot(mean, place, one.shape, color=one.colour, markersize=5, label=one.label)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows and put the first on top."""
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def shortened(name: str) -> str:
    """A long name keeps its two ends."""
    half = LABEL_LIMIT // 2
    return name if len(name) <= LABEL_LIMIT else f"{name[:half]}…{name[-half + 1 :]}"


def height(rows: int) -> float:
    """Inches for so many rows."""
    return FRAME_INCHES + ROW_INCHES * rows
