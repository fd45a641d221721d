"""Does the error grow towards the edge of the scene? Means by distance from its centre, and a line through them."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xgaze.artifacts import TEACHER
from xgaze.report.drawing.format import number
from xgaze.report.drawing.svg import COLOURS, SHAPES, Chart, chart, legend_above
from xgaze.report.drawing.tables import Table, table, value
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.sections.where_errors_lie.gaze_predictions import TRUTH, gaze_predictions
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored

RINGS, FEWEST_SAMPLES = 4, 8
BOOTSTRAPS = 300


class Ring(Stored):
    """A quarter of the test samples by eccentricity; errors are means over the people in it."""

    from_px: float
    to_px: float
    participants: int
    samples: int
    teacher: float
    student: float | None


class Slope(Stored):
    """Of the line through all people's means; low and high: quartiles of the slopes of single people."""

    model: str
    px_per_100_px: float
    low: float | None
    high: float | None


class Eccentricity(Stored):
    """people: columns, a row for every person and ring."""

    rings: list[Ring]
    slopes: list[Slope]
    people: dict[str, list[Any]]


def eccentricity(scene: list[int], samples: dict[str, pd.DataFrame]) -> dict[str, Any] | None:
    """samples: model -> its predictions on test samples (`gaze_predictions`). None where all looked equally far out."""
    shown = {model: _with_rings(scene, one, samples[TEACHER]) for model, one in samples.items()}
    teacher = shown[TEACHER]
    if len(teacher) < FEWEST_SAMPLES or teacher["ring"].nunique() < RINGS:
        return None
    grouped = {model: one.groupby(["group", "ring"]) for model, one in shown.items()}
    distance = grouped[TEACHER]["distance_px"]
    means = {model: grouped[model]["error_px"].mean() if model in grouped else None for model in COLOURS}
    people = pd.DataFrame({"eccentricity_px": distance.mean(), "samples": distance.size(), **means}).reset_index()
    slopes = [_slope(model, people, shown[model]) for model in shown]
    stored = {name: [None if pd.isna(one) else one for one in people[name].tolist()] for name in people}
    return {"rings": [_ring(people, teacher, ring) for ring in range(RINGS)], "slopes": slopes, "people": stored}


def _distance_px(scene: list[int], samples: pd.DataFrame) -> np.ndarray:
    x, y = (samples[name].to_numpy(float) for name in TRUTH)
    return np.asarray(np.hypot(x - scene[0] / 2, y - scene[1] / 2))


def _with_rings(scene: list[int], samples: pd.DataFrame, teacher: pd.DataFrame) -> pd.DataFrame:
    """Both models' rings end where quarters of the teacher's samples do."""
    ends = np.quantile(_distance_px(scene, teacher), np.arange(1, RINGS) / RINGS) if len(teacher) else []
    distance = _distance_px(scene, samples)
    return samples.assign(distance_px=distance, ring=np.searchsorted(ends, distance, side="right"))


def _ring(people: pd.DataFrame, teacher: pd.DataFrame, ring: int) -> dict[str, Any]:
    own, distance = people[people["ring"] == ring], teacher.loc[teacher["ring"] == ring, "distance_px"]
    means = {model: None if own[model].isna().all() else float(own[model].mean()) for model in COLOURS}
    counts = {"participants": len(own), "samples": len(distance)}
    return {"from_px": float(distance.min()), "to_px": float(distance.max()), **counts, **means}


def _slope(model: str, people: pd.DataFrame, samples: pd.DataFrame) -> dict[str, Any]:
    alone = [_steepness(own["distance_px"], own["error_px"]) for _, own in samples.groupby("group")]
    known = [one for one in alone if one is not None]
    low, high = (float(np.quantile(known, end)) if known else None for end in (0.25, 0.75))
    whole = _steepness(people["eccentricity_px"], people[model].astype(float)) or 0.0
    return {"model": model, "px_per_100_px": whole, "low": low, "high": high}


def _steepness(distance: pd.Series, error: pd.Series) -> float | None:
    """px of error per 100 px of distance, by least squares; None of fewer than three samples, or all at one distance."""
    if len(distance) < 3 or np.ptp(distance) < 1:
        return None
    return 100 * float(np.polyfit(distance, error, 1)[0])


def _gather(run: Run) -> Report:
    samples = gaze_predictions(run)
    return {"eccentricity": eccentricity(run.teacher.spec["scene"], samples)} if samples else {}


def _people(report: Report) -> Rows:
    columns = (report.get("eccentricity") or {}).get("people") or {}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _words(report: Report) -> list[str]:
    told = []
    for one in report["eccentricity"]["slopes"]:
        ends = "" if one["low"] is None else f" ({number(one['low'])} to {number(one['high'])})"
        told.append(f"the {one['model']}'s error by {number(one['px_per_100_px'])} px{ends}")
    return [
        "Eccentricity is how far from the centre of the scene somebody looked. For every 100 px further out the line rises: "
        f"{'; '.join(told)}. In brackets: the middle half of the {groups_in_words(report)}, each with a line of their own."
    ]


def eccentricity_figure(found: dict[str, Any], who: str) -> Chart:
    """Means in rings, and for each model a straight line with its 95 % band over people."""
    people = pd.DataFrame(found["people"])
    models = [one["model"] for one in found["slopes"]]

    def draw(figure: Figure) -> None:
        import seaborn as sns

        axes = figure.subplots()
        for model in models:
            own = people.dropna(subset=[model])
            asked = {"units": own["group"], "n_boot": BOOTSTRAPS, "seed": 0, "scatter": False, "truncate": True}
            look = {"color": COLOURS[model], "line_kws": {"linewidth": 1.5}}
            sns.regplot(x=own["eccentricity_px"], y=own[model].astype(float), ax=axes, **asked, **look)
            rings = own.groupby("ring")[["eccentricity_px", model]].mean().astype(float)
            axes.plot(*rings.to_numpy().T, SHAPES[model], color=COLOURS[model], markersize=5, label=model)
        axes.set(xlabel="distance from the centre of the scene, px", ylabel="mean error, px")
        legend_above(axes)

    return chart(
        "eccentricity",
        "Does the error grow towards the edge?",
        f"Marks: means over {who} of each quarter of the test samples. Lines: least squares through the means of all {who}, with "
        f"bands of 95 % by bootstrap over {who}.",
        draw,
        height=3.0,
    )


def _table(report: Report) -> Table:
    rows = [
        (
            f"{number(one['from_px'], 0)} to {number(one['to_px'], 0)}",
            str(one["participants"]),
            str(one["samples"]),
            value(one["teacher"]),
            value(one["student"]),
        )
        for one in report["eccentricity"]["rings"]
    ]
    told = 5 if report["student"] else 4
    columns = ("distance, px", groups_in_words(report), "samples", "teacher, px", "student, px")
    return table("Error by eccentricity", columns[:told], [row[:told] for row in rows])


SECTION = Section(
    name="eccentricity",
    place=40,
    label="Error by eccentricity",
    reads={"eccentricity": Eccentricity | None},
    gather=_gather,
    words=_words,
    charts=lambda report: {"eccentricity": eccentricity_figure(report["eccentricity"], groups_in_words(report))},
    tables=lambda report: {"eccentricity": _table(report)},
    csv={"eccentricity": _people},
)
