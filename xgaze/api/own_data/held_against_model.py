"""A recording held against a model that shall read it: its pictures, and its labels in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.api.stored_model import StoredModel, load
from xgaze.artifacts import TEACHER, read_card
from xgaze.data.contract import Recording, targets_of
from xgaze.data.fault_kinds import Checked, Fault
from xgaze.data.open import as_trained
from xgaze.evaluation.lag import Lagged, errors_by_lag
from xgaze.models.inference import predict
from xgaze.progress import Advance
from xgaze.recorded_targets import BY_TEACHER
from xgaze.report.claims import is_adopted
from xgaze.training.seen.against import faults_against, held_against
from xgaze.training.seen.seen_pictures import EMBEDDING, SEEN_FILE, Reference, read_seen

MOST_FRAMES, OF_A_SESSION = 6000, 400
"""Predicted for the error by lag: the first of each session, of sessions evenly spaced."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model, and what it was trained on, where that is known."""

    network: StoredModel
    seen: Mapping[str, Reference] | None


def model_of(folder: Path, trust_import: bool = False) -> Model:
    """A teacher with what it keeps; a student with what the teacher beside it keeps of its pictures. Raises InputError."""
    network = load(folder, trust_import)
    own, beside = folder / SEEN_FILE, folder.resolve().parent / TEACHER / SEEN_FILE
    if own.is_file():
        return Model(network, read_seen(own, network.spec.inputs))
    if not beside.is_file():
        return Model(network, None)
    seen = read_seen(beside, network.spec.inputs)
    return Model(network, {name: one for name, one in seen.items() if name != EMBEDDING})


def faults_with(model: Model, recording: Recording, advance: Advance | None) -> Checked:
    """Raises InputError for a recording that the model cannot read."""
    folder = model.network.folder
    fitting = as_trained(recording, model.network.spec, "the recording")
    faults, told = list[Fault](), list[str]()
    if model.seen is None:
        told = [
            f"{folder}: it keeps nothing of what it was trained on ({SEEN_FILE}), so pictures are not compared with those; "
            "`xgaze train-teacher --force` or `xgaze adopt --force` makes one that does."
        ]
    else:
        faults, told = faults_against(held_against(model.network.net, model.seen, fitting))
        told = [*told, *_adopted_told(folder)]
    # Of pictures that the model cannot read, no error says anything.
    return Checked((*faults, *(() if faults else _lag_faults(model.network, fitting, advance))), tuple(told))


def _adopted_told(folder: Path) -> list[str]:
    """Of a model that was trained elsewhere nobody knows on what."""
    teachers = [one for one in (folder, folder.resolve().parent / TEACHER) if (one / SEEN_FILE).is_file()]
    if not any(is_adopted(vars(read_card(one))) for one in teachers[:1]):
        return []
    return [
        f"{folder}: it was trained elsewhere, on what is unknown; pictures are held against those of the people it was adopted "
        "on."
    ]


def _lag_faults(network: StoredModel, recording: Recording, advance: Advance | None) -> list[Fault]:
    lagged = lagged_errors(network, recording, advance)
    shift = lagged.shift() if lagged else None
    if lagged is None or shift is None:
        return []
    unit, groups, many = recording.spec.measured, recording.spec.groups, abs(shift.lag)
    frames, when = "frame" if many == 1 else "frames", "later" if shift.lag > 0 else "earlier"
    low, high = shift.difference.low, shift.difference.high
    ends = "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"
    message = (
        f"frames fit the labels of {many} {frames} {when}: with these, {shift.shifted:.3g} {unit} of the model's outputs stay "
        f"unexplained, not {shift.error:.3g} ({shift.difference.mean:+.3g}{ends} over {len(lagged.errors)} {groups}, "
        f"{lagged.frames:,} frames; lags of {lagged.lags[0]} to {lagged.lags[-1]} tried)."
    )
    return [Fault("labels shifted in time", message)]


def lagged_errors(network: StoredModel, recording: Recording, advance: Advance | None = None) -> Lagged | None:
    """The model's error by lag, of rows that are in the order of time within a session; None where nothing can be shifted, or
    there are no labels."""
    if recording.spec.kind == "class" or recording.spec.truth == BY_TEACHER or not recording.in_time:
        return None
    rows = _of_sessions(recording)
    own = recording.table.iloc[rows]
    people, sessions = (list(own[name].astype(str)) for name in ("group", "session"))
    if len(set(zip(people, sessions, strict=True))) == len(rows):
        return None
    outputs = predict(network.net, recording, rows, advance=advance, name=str(network.folder))
    spec, targets = recording.spec, targets_of(recording, rows)
    return errors_by_lag(spec.main, spec.own(outputs), spec.own(targets), people, sessions)


def _of_sessions(recording: Recording) -> NDArray[np.int64]:
    """Rows of each session one after the other, in their order."""
    _, numbers = np.unique(
        recording.table[["group", "session"]].astype(str).agg("\n".join, axis=1), return_inverse=True
    )
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    sessions = [one[:OF_A_SESSION] for one in np.split(order, starts[1:])]
    kept = max(1, min(len(sessions), MOST_FRAMES * len(sessions) // max(1, sum(map(len, sessions)))))
    return np.concatenate([sessions[k] for k in np.unique(np.linspace(0, len(sessions) - 1, kept).astype(int))])
