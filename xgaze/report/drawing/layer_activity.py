"""The chart of how active layers are: a bar for each."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from xgaze.report.drawing.forest import height, name_rows
from xgaze.report.drawing.svg import BLUE, Chart, chart


def features_figure(layers: Sequence[Mapping[str, Any]], samples: int) -> Chart:
    """layers: `layer` and `mean_absolute`, in their order."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.barh(range(len(layers)), [one["mean_absolute"] for one in layers], color=BLUE, height=0.7)
        axes.set(xlabel="mean absolute activation")
        name_rows(axes, [one["layer"] for one in layers])

    return chart(
        "features",
        "How active each layer is",
        f"Mean absolute value of what each layer puts out, over {samples} samples.",
        draw,
        height=height(len(layers)),
    )
