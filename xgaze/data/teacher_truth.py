"""Recordings without labels: what an adopted teacher puts out is their truth; students are tuned to it, and compared with it."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, RecordingView, Sample, Spec, targets_of
from xgaze.errors import InputError
from xgaze.recipe.data_sections import DataSection
from xgaze.recorded_targets import BY_TEACHER, LABEL_COLUMN
from xgaze.stored import read_table

TRUTH_FILE = "truth.csv"
"""In a teacher's folder: what it puts out for every sample, in the order of the recording."""
ADOPT = "`xgaze adopt MODEL --weights FILE --data DATA`"
AGAIN = "Adopt the teacher again with --force."


@dataclass(frozen=True, eq=False)
class Unlabelled(RecordingView):
    """A recording whose labels are hidden."""

    def __getitem__(self, row: int) -> Sample:
        return replace(self.recording[row], target=_no_target(self.spec))


@dataclass(frozen=True, eq=False)
class JudgedByTeacher(RecordingView):
    """A recording whose table holds the teacher's outputs as targets, and so do its samples."""

    def __getitem__(self, row: int) -> Sample:
        return replace(self.recording[row], target=np.asarray(self.targets[row]))

    @cached_property
    def targets(self) -> NDArray[Any]:
        """Of all rows."""
        return targets_of(self)


def hidden_labels(spec: Spec) -> dict[str, Any]:
    """The target's columns of a table, with nothing in them."""
    return {LABEL_COLUMN: -1} if spec.kind == "class" else dict.fromkeys(spec.targets, np.float32(np.nan))


def without_truth(recording: Recording) -> Recording:
    """The same samples, their labels hidden, for a teacher to say what is true. Raises InputError for classes."""
    spec = replace(recording.spec, truth=BY_TEACHER)
    if spec.kind == "class":
        raise InputError(
            "data.truth: teacher is for gaze points, directions and values; disagreement about classes is not measured. Give "
            "labels, or add people without labels as data.unlabelled."
        )
    return Unlabelled(spec, recording.table.assign(**hidden_labels(spec)), recording)


def told_by(data: DataSection, recording: Recording) -> Recording:
    """What was opened of a section, its labels hidden where that says that a teacher tells what is true."""
    return without_truth(recording) if data.truth == BY_TEACHER else recording


def judged_by(recording: Recording, outputs: NDArray[Any]) -> Recording:
    """The recording with what a teacher puts out (samples, outputs) as its targets. Raises InputError where that is not
    finite."""
    lost = int((~np.isfinite(outputs).all(axis=1)).sum())
    if lost:
        raise InputError(
            f"the teacher's outputs for {lost} of {len(outputs)} samples are not finite, so that nothing can be learned from it: "
            "check its weights, and mean and std of the inputs."
        )
    columns = dict(zip(recording.spec.targets, outputs.astype(np.float32).T, strict=True))
    return JudgedByTeacher(recording.spec, recording.table.assign(**columns), recording)


def truth_table(recording: Recording) -> pd.DataFrame:
    """What `TRUTH_FILE` holds."""
    return recording.table[["id", *recording.spec.targets]]


def judged_by_stored(recording: Recording, teacher: Path) -> Recording:
    """A recording whose truth is a teacher's, with the outputs that lie in that teacher's folder; any other as it is. Raises
    InputError where there are none, or they are of other samples."""
    if recording.spec.truth != BY_TEACHER:
        return recording
    file = teacher / TRUTH_FILE
    if not file.is_file():
        raise InputError(
            f"the recording has no labels (data.truth: teacher), and {teacher} holds no teacher that was adopted on it. Adopt a "
            f"trained network first, with {ADOPT}; to train one, give labels and leave `truth` out."
        )
    stored = read_table(file, recording.spec.targets, AGAIN, ["id"])
    own = recording.table["id"].astype(str)
    if list(stored["id"].astype(str)) != list(own):
        raise InputError(
            f"{file}: holds {len(stored)} samples, and the recording {len(own)}, or others: it was edited since. {AGAIN}"
        )
    return judged_by(recording, stored[recording.spec.targets].to_numpy(np.float32))


def require_labels(recording: Recording, what: str) -> None:
    """Raises InputError, naming `what` was asked for, where nobody knows what is true."""
    if recording.spec.truth == BY_TEACHER:
        raise InputError(f"{what} needs labels, and this recording has none (data.truth: teacher).")


def require_one_target(recording: Recording, what: str) -> None:
    """Raises InputError, naming `what` was asked for, where there are several targets."""
    if recording.spec.beside:
        names = ", ".join(one.name for one in recording.spec.beside)
        raise InputError(f"{what} is for one target; leave targets_beside ({names}) out.")


def _no_target(spec: Spec) -> NDArray[Any]:
    return np.array(-1, np.int64) if spec.kind == "class" else np.full(spec.outputs, np.nan, np.float32)
