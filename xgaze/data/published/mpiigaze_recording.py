"""MPIIGaze's normalised eyes as a `Recording`: an eye and where the head points; the direction of gaze."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Sample, Spec
from xgaze.data.fault_kinds import Fault, among, raise_faults
from xgaze.data.published.listed_recording import asked_of, picture_spec, vector_spec
from xgaze.data.published.mpiigaze_days import EYES, SIDE, Eyes, read_day
from xgaze.data.published.published_sections import MpiiGazeData
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

NORMALISED, LISTS = Path("Data/Normalized"), Path("Evaluation Subset/sample list for eye image")
Wanted = dict[tuple[str, str], list[str]]
"""(day, side) -> the frames to take of it, in order."""


def spec_of_mpiigaze(data: MpiiGazeData) -> Spec:
    known = (picture_spec("eye", 1, *SIDE), vector_spec("head", 2))
    return Spec(asked_of(known, data.inputs), "angle", "rad")


@dataclass(frozen=True, eq=False)
class MpiiGazeRecording(Recording):
    """Row i is eye i: of people, their days and sides in order. eyes: of all rows; sides (n,)."""

    spec: Spec
    table: pd.DataFrame
    eyes: Eyes
    sides: NDArray[np.str_]

    def __getitem__(self, row: int) -> Sample:
        line = self.table.iloc[row]
        known = {"eye": self.eyes.pictures[row][None], "head": self.eyes.head[row].astype(np.float32)}
        inputs = {one.name: known[one.name] for one in self.spec.inputs}
        groups = {"group": str(line["group"]), "session": str(line["session"])}
        return Sample(str(line["id"]), groups, inputs, self.eyes.gaze[row].astype(np.float32))

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        pitch, yaw = np.degrees(self.eyes.head[rows]).T
        light = self.eyes.pictures[rows].mean(axis=(1, 2))
        return {"eye": self.sides[rows], "head pitch, degrees": pitch, "head yaw, degrees": yaw, "mean grey": light}


def open_mpiigaze(data: MpiiGazeData, progress: Advance | None = None) -> MpiiGazeRecording:
    """Raises InputError with all that is missing of what is listed, and for files that are none."""
    people = sorted(one.name for one in (data.path / NORMALISED).glob("p*") if one.is_dir())
    if not people:
        raise InputError(
            f"{data.path / NORMALISED}: holds no folder of a person (p00, p01, ...). Give the folder MPIIGaze as `path`."
        )
    faults: list[Fault] = []
    parts = []
    for done, person in enumerate(people, start=1):
        folder = data.path / NORMALISED / person
        with among(faults):
            listed = _listed(data.path / LISTS / f"{person}.txt") if data.samples == "evaluation" else None
            parts += [(person, *one) for one in _person(folder, listed, faults)]
        if progress:
            progress(done, len(people))
    raise_faults(data.path, faults)
    if not parts:
        raise InputError(f"{data.path / NORMALISED}: its days hold no frame.")
    return _recording(parts, data)


def _listed(file: Path) -> Wanted:
    """What the evaluation list of a person names. Raises InputError."""
    try:
        lines = file.read_text(encoding="ascii").split("\n")
    except (OSError, ValueError):
        raise InputError(f"{file}: no such list. Unpack `Evaluation Subset` too, or set `samples: all`.") from None
    wanted: Wanted = {}
    for number, line in enumerate(lines, start=1):
        frame, _, side = line.strip().partition(" ")
        day, _, name = frame.partition("/")
        if not line.strip():
            continue
        if side not in EYES or not name:
            raise InputError(f"{file}: line {number} is '{line[:40]}', not `day01/0001.jpg left` or `right`.")
        wanted.setdefault((day, side), []).append(name)
    return wanted


def _person(folder: Path, wanted: Wanted | None, faults: list[Fault]) -> Iterator[tuple[str, str, Eyes]]:
    """(day, side, eyes) of those that are wanted; of all where nothing is listed. What is missing is added to the faults."""
    days = sorted(folder.glob("day*.mat")) if wanted is None else [folder / f"{day}.mat" for day in _days(wanted)]
    if not days:
        faults.append(Fault("nothing found", f"{folder.name}: no day of this person."))
    for file in days:
        if not file.is_file():
            told = f"{folder.name}: no such file ({file.name}), though the evaluation list names it."
            faults.append(Fault("missing view", told))
            continue
        read: dict[str, Eyes] = {}
        with among(faults):
            read = read_day(file)
        for side, eyes in read.items():
            taken = _taken(file, side, eyes, wanted, faults)
            if len(taken.frames):
                yield file.stem, side, taken


def _taken(file: Path, side: str, eyes: Eyes, wanted: Wanted | None, faults: list[Fault]) -> Eyes:
    """Those of a day's eyes that are wanted; frames that it lacks, and directions that are none, are added to the faults."""
    day = f"{file.parent.name}/{file.name}"
    frames = eyes.frames if wanted is None else wanted.get((file.stem, side), [])
    place = {name: k for k, name in enumerate(eyes.frames)}
    faults += [
        Fault("missing view", f"{day}: holds no frame {name}, though the list names it.")
        for name in frames
        if name not in place
    ]
    taken = eyes.taken([place[name] for name in frames if name in place])
    for what, own in (("gaze", taken.gaze), ("head", taken.head)):
        faults += [
            Fault("missing label", f"{day}: {name}, {side} eye: its {what} is no direction.")
            for name in np.array(taken.frames)[~np.isfinite(own).all(axis=1)]
        ]
    return taken


def _days(wanted: Wanted) -> list[str]:
    return sorted({day for day, _ in wanted})


def _recording(parts: list[tuple[str, str, str, Eyes]], data: MpiiGazeData) -> MpiiGazeRecording:
    """parts: (person, day, side, eyes)."""
    lengths = [len(eyes.frames) for *_, eyes in parts]
    people, days, sides = (np.repeat([part[k] for part in parts], lengths) for k in range(3))
    eyes = Eyes(
        np.concatenate([one.pictures for *_, one in parts]),
        np.concatenate([one.gaze for *_, one in parts]),
        np.concatenate([one.head for *_, one in parts]),
        [name for *_, one in parts for name in one.frames],
    )
    ids = [
        f"{person}/{day}/{name}/{side}"
        for person, day, name, side in zip(people, days, eyes.frames, sides, strict=True)
    ]
    splits = assign_splits(list(people), None, data.split.validation, data.split.test, data.seed)
    table = pd.DataFrame({"id": ids, "group": people, "session": days, "split": splits})
    named = dict(zip(gaze_columns("rad"), eyes.gaze.T, strict=True))
    return MpiiGazeRecording(spec_of_mpiigaze(data), table.assign(**named), eyes, sides)
