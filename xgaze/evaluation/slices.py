"""Whom did it cost? Errors of teacher and student in slices of the test samples: by what the recording knows of them.

Numbers are cut into quarters of the samples, words are taken as they are. Whoever looks at many slices finds some by chance:
the p-values of "the student is no worse or better here" are corrected for all slices looked at, in whatever way these hang
together (Benjamini & Yekutieli 2001).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.data.contract import Recording, targets_of
from xgaze.data.missing_views import missing_condition
from xgaze.evaluation.intervals.participants import ERRORS, difference_percent, mean_interval, participant_means
from xgaze.evaluation.score import sample_errors
from xgaze.geometry.gaze_field import GazeField

QUARTERS, FEWEST_PEOPLE, MOST_WORDS = 4, 5, 12
ECCENTRICITY = "eccentricity"


class Cut(NamedTuple):
    """A slice: which of the samples are in it."""

    condition: str
    where: str
    inside: NDArray[np.bool_]


def slices_of(
    recording: Recording, rows: NDArray[np.int64], outputs: Mapping[str, NDArray[Any]]
) -> list[dict[str, Any]]:
    """`measured_slices` of the test samples `rows`, from what the models say of them (n, outputs), by name, the teacher first."""
    targets = targets_of(recording, rows)
    errors = {name: sample_errors(recording.spec, one, targets) for name, one in outputs.items()}
    people = recording.table["group"].to_numpy(str)[rows]
    return measured_slices(known_of(recording, rows), errors, people)


def known_of(recording: Recording, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """What is known of every sample: the recording's conditions, its sessions, the views that it lacks, how far from the centre
    it is looked (see `GazeField`)."""
    spec, table = recording.spec, recording.table
    lacking = {missing_condition(name): missing for name, missing in recording.missing(rows).items()}
    known = {"session": table["session"].to_numpy(str)[rows], **recording.conditions(rows), **lacking}
    if spec.kind in ("gaze", "angle") and len(rows):
        targets = spec.own(targets_of(recording, rows))
        field = GazeField.of(spec.kind, spec.unit, spec.scene, targets)
        known[f"{ECCENTRICITY}, {field.unit}"] = field.eccentricity(targets)
    return known


def measured_slices(
    known: Mapping[str, NDArray[Any]], errors: Mapping[str, NDArray[Any]], people: NDArray[Any]
) -> list[dict[str, Any]]:
    """Rows {condition, where, participants, samples, teacher, student, worse_percent, p}: mean errors and the student's loss with
    their intervals over the people in the slice; p corrected. Slices of fewer than five people are left out, and what all
    samples have in common. Without a student its figures are None.

    known: (n,) numbers or words by condition. errors: (n,) by model, the teacher first.
    """
    rows, ps = [], []
    for cut in _cuts(known):
        own = people[cut.inside]
        if len(set(own.tolist())) < FEWEST_PEOPLE:
            continue
        each = {name: one[cut.inside] for name, one in errors.items()}
        row, p = _row(each, own)
        rows.append({"condition": cut.condition, "where": cut.where, **row})
        ps.append(p)
    if STUDENT not in errors or not rows:
        return rows
    corrected = stats.false_discovery_control(ps, method="by")
    return [{**row, "p": float(p)} for row, p in zip(rows, corrected, strict=True)]


def _row(errors: Mapping[str, NDArray[Any]], people: NDArray[Any]) -> tuple[dict[str, Any], float]:
    """The figures of one slice, and the p-value of equal errors, paired over people."""
    teacher, student = errors[TEACHER], errors.get(STUDENT)
    row = {
        "participants": len(set(people.tolist())),
        "samples": len(people),
        TEACHER: asdict(mean_interval(teacher, people, within=ERRORS)),
        STUDENT: None,
        "worse_percent": None,
        "p": None,
    }
    if student is None:
        return row, 1.0
    if teacher.any():
        row["worse_percent"] = asdict(difference_percent(student, teacher, people))
    return {**row, STUDENT: asdict(mean_interval(student, people, within=ERRORS))}, _p_of(student - teacher, people)


def _p_of(differences: NDArray[Any], people: NDArray[Any]) -> float:
    """Two-sided, of a mean over people that is zero; 1 where all differ by the same, since nothing is known of chance then."""
    means = participant_means(differences, people)
    if np.ptp(means) == 0:
        return 1.0
    return float(stats.ttest_1samp(means, 0.0).pvalue)


def _cuts(known: Mapping[str, NDArray[Any]]) -> Iterator[Cut]:
    for condition, values in known.items():
        cuts = list(_quarters(condition, values) if values.dtype.kind in "fiu" else _words(condition, values))
        if len(cuts) > 1:
            yield from cuts


def _quarters(condition: str, values: NDArray[Any]) -> Iterator[Cut]:
    """Numbers of few different values are taken as words are."""
    told = values[np.isfinite(values)]
    distinct = np.unique(told)
    if len(distinct) <= QUARTERS:
        for one in distinct:
            yield Cut(condition, f"{one:g}", values == one)
        return
    ends = np.unique(np.quantile(told, np.arange(1, QUARTERS) / QUARTERS))
    place = np.where(np.isfinite(values), np.searchsorted(ends, values, side="right"), -1)
    for k in range(len(ends) + 1):
        inside = place == k
        if inside.any():
            yield Cut(condition, f"{values[inside].min():.3g} to {values[inside].max():.3g}", inside)


def _words(condition: str, values: NDArray[Any]) -> Iterator[Cut]:
    """The most frequent ones; truth values as yes and no."""
    words = np.where(values, "yes", "no") if values.dtype.kind == "b" else values.astype(str)
    names, counts = np.unique(words[words != ""], return_counts=True)
    for name in sorted(names[np.argsort(-counts, kind="stable")][:MOST_WORDS]):
        yield Cut(condition, str(name), words == name)
