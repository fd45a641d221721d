"""Horizontal bars from zero, in rows, a colour for each model."""

import numpy as np
from matplotlib.axes import Axes

from xgaze.report.drawing.svg import (
    COLOURS,
    INK,
)


def bars(axes: Axes, values: list[tuple[str, list[float]]]) -> None:
    """Horizontal bars from zero, in rows, one colour per model."""
    bar = 0.76 / len(values)
    for k, (model, own) in enumerate(values):
        place = np.arange(len(own)) + (k - (len(values) - 1) / 2) * bar
        axes.barh(place, own, bar * 0.9, color=COLOURS[model], label=model)
    axes.axvline(0, color=INK, linewidth=0.7)
