"""Does the error grow towards the edge? Means by distance from the centre of the scene or of where people looked, or by the angle
to straight ahead, and a line through them."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xgaze.artifacts import TEACHER
from xgaze.report.drawing.format import number
from xgaze.report.drawing.svg import COLOURS, SHAPES, Chart, chart, legend_above
from xgaze.report.drawing.tables import Table, table, value
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.sections.where_errors_lie.gaze_predictions import ERROR, gaze_predictions
from xgaze.report.words import groups_in_words
from xgaze.stored import Stored
from xgaze.units import DIGITS

RINGS, FEWEST_SAMPLES = 4, 8
BOOTSTRAPS = 300
STRIDES = {"px": 100.0, "cm": 1.0, "mm": 10.0, "degrees": 10.0}
"""How much further out slopes are told of, by unit."""
HUNDREDTH = 100


class Ring(Stored):
    """A quarter of the test samples by eccentricity, from `nearest` to `farthest`; errors are means over the people in it."""

    nearest: float
    farthest: float
    participants: int
    samples: int
    teacher: float
    student: float | None


class Slope(Stored):
    """Of the line through all people's means: how much the error grows per `stride`; low and high: quartiles of the slopes of
    single people."""

    model: str
    growth: float
    low: float | None
    high: float | None


class Eccentricity(Stored):
    """unit: of all figures. centre: from where eccentricity counts, in words. people: columns, a row for every person and
    ring."""

    unit: str
    centre: str
    stride: float
    rings: list[Ring]
    slopes: list[Slope]
    people: dict[str, list[Any]]


def eccentricity(samples: dict[str, pd.DataFrame], unit: str, centre: str) -> dict[str, Any] | None:
    """samples: model -> its predictions on test samples (`gaze_predictions`), in a field of this unit and centre. None where all
    looked equally far out."""
    shown = {model: _with_rings(one, samples[TEACHER]) for model, one in samples.items()}
    teacher = shown[TEACHER]
    if len(teacher) < FEWEST_SAMPLES or teacher["ring"].nunique() < RINGS:
        return None
    grouped = {model: one.groupby(["group", "ring"]) for model, one in shown.items()}
    distance = grouped[TEACHER]["eccentricity"]
    means = {model: grouped[model][ERROR].mean() if model in grouped else None for model in COLOURS}
    counted = {_column(unit): distance.mean(), "samples": distance.size()}
    people = pd.DataFrame({**counted, **means}).reset_index()
    slopes = [_slope(model, people, shown[model], unit) for model in shown]
    stored = {name: [None if pd.isna(one) else one for one in people[name].tolist()] for name in people}
    rings = [_ring(people, teacher, ring) for ring in range(RINGS)]
    return {
        "unit": unit,
        "centre": centre,
        "stride": STRIDES[unit],
        "rings": rings,
        "slopes": slopes,
        "people": stored,
    }


def _column(unit: str) -> str:
    return f"eccentricity_{unit}"


def _with_rings(samples: pd.DataFrame, teacher: pd.DataFrame) -> pd.DataFrame:
    """Both models' rings end where quarters of the teacher's samples do."""
    ends = np.quantile(teacher["eccentricity"], np.arange(1, RINGS) / RINGS) if len(teacher) else []
    return samples.assign(ring=np.searchsorted(ends, samples["eccentricity"], side="right"))


def _ring(people: pd.DataFrame, teacher: pd.DataFrame, ring: int) -> dict[str, Any]:
    own, distance = people[people["ring"] == ring], teacher.loc[teacher["ring"] == ring, "eccentricity"]
    means = {model: None if own[model].isna().all() else float(own[model].mean()) for model in COLOURS}
    counts = {"participants": len(own), "samples": len(distance)}
    return {"nearest": float(distance.min()), "farthest": float(distance.max()), **counts, **means}


def _slope(model: str, people: pd.DataFrame, samples: pd.DataFrame, unit: str) -> dict[str, Any]:
    alone = [_steepness(own["eccentricity"], own[ERROR], unit) for _, own in samples.groupby("group")]
    known = [one for one in alone if one is not None]
    low, high = (float(np.quantile(known, end)) if known else None for end in (0.25, 0.75))
    whole = _steepness(people[_column(unit)], people[model].astype(float), unit) or 0.0
    return {"model": model, "growth": whole, "low": low, "high": high}


def _steepness(distance: pd.Series, error: pd.Series, unit: str) -> float | None:
    """Of error per stride of distance, by least squares; None of fewer than three samples, or all at one distance."""
    if len(distance) < 3 or np.ptp(distance) < STRIDES[unit] / HUNDREDTH:
        return None
    return STRIDES[unit] * float(np.polyfit(distance, error, 1)[0])


def _gather(run: Run) -> Report:
    found = gaze_predictions(run)
    if found is None:
        return {}
    field, samples = found
    return {"eccentricity": eccentricity(samples, field.unit, field.centre_in_words)}


def _people(report: Report) -> Rows:
    columns = (report.get("eccentricity") or {}).get("people") or {}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _words(report: Report) -> list[str]:
    found, told = report["eccentricity"], []
    unit, digits = found["unit"], DIGITS[found["unit"]]
    for one in found["slopes"]:
        ends = "" if one["low"] is None else f" ({number(one['low'], digits)} to {number(one['high'], digits)})"
        told.append(f"the {one['model']}'s error by {number(one['growth'], digits)} {unit}{ends}")
    far = "the angle between where somebody looked and" if unit == "degrees" else "how far somebody looked from"
    return [
        f"Eccentricity is {far} {found['centre']}. For every {found['stride']:g} {unit} further out the line rises: "
        f"{'; '.join(told)}. In brackets: the middle half of the {groups_in_words(report)}, each with a line of their own."
    ]


def _distance_in_words(found: dict[str, Any]) -> str:
    return f"{'angle to' if found['unit'] == 'degrees' else 'distance from'} {found['centre']}, {found['unit']}"


def eccentricity_figure(found: dict[str, Any], who: str) -> Chart:
    """Means in rings, and for each model a straight line with its 95 % band over people."""
    people, far = pd.DataFrame(found["people"]), _column(found["unit"])
    models = [one["model"] for one in found["slopes"]]

    def draw(figure: Figure) -> None:
        import seaborn as sns

        axes = figure.subplots()
        for model in models:
            own = people.dropna(subset=[model])
            asked = {"units": own["group"], "n_boot": BOOTSTRAPS, "seed": 0, "scatter": False, "truncate": True}
            look = {"color": COLOURS[model], "line_kws": {"linewidth": 1.5}}
            sns.regplot(x=own[far], y=own[model].astype(float), ax=axes, **asked, **look)
            rings = own.groupby("ring")[[far, model]].mean().astype(float)
            axes.plot(*rings.to_numpy().T, SHAPES[model], color=COLOURS[model], markersize=5, label=model)
        axes.set(xlabel=_distance_in_words(found), ylabel=f"mean error, {found['unit']}")
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
    found = report["eccentricity"]
    unit, digits = found["unit"], DIGITS[found["unit"]]
    rows = [
        (
            f"{number(one['nearest'], digits - 1)} to {number(one['farthest'], digits - 1)}",
            str(one["participants"]),
            str(one["samples"]),
            value(one["teacher"], digits),
            value(one["student"], digits),
        )
        for one in found["rings"]
    ]
    told = 5 if report["student"] else 4
    columns = (_distance_in_words(found), groups_in_words(report), "samples", f"teacher, {unit}", f"student, {unit}")
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
