"""One eye of an EyeLink recording: the one asked for, or in each trial the one there is."""

from pathlib import Path
from typing import Literal

import pandas as pd

from xgaze.errors import InputError

NAMES = {"L": "left", "R": "right"}


def one_eye(
    frame: pd.DataFrame, trials: int, eye: Literal["left", "right", "available"] | None, path: Path
) -> tuple[pd.DataFrame, list[str]]:
    """Fixations of one eye in each trial, and which trials have none, in words. frame: with columns `eye` (L or R) and `trial`.

    "available": where a trial has both eyes, the one that has more fixations in all. Raises InputError where none was asked for
    and there are two.
    """
    counts = frame["eye"].value_counts().sort_index()
    eyes_of: dict[int, set[str]] = {}
    for trial, name in zip(frame["trial"], frame["eye"], strict=True):
        if trial:
            eyes_of.setdefault(int(trial), set()).add(str(name))
    none = trials - len(eyes_of)
    notes = [f"{path.name}: {none} of {trials} trials have no fixation: left out."] if none else []
    if eye is None and len(counts) > 1:
        both = ", ".join(f"{name} {count}" for name, count in counts.items())
        never = "" if any(len(own) > 1 for own in eyes_of.values()) else ", never of both in one trial"
        raise InputError(
            f"{path}: fixations of both eyes ({both}){never}; set eye: left or right, or available (in each trial the eye there "
            "is)."
        )
    if eye is None:
        return frame, notes
    if eye == "available":
        return _available(frame, eyes_of, path, notes)
    own = eye[0].upper()
    without = [trial for trial, eyes in eyes_of.items() if own not in eyes]
    if without:
        other = NAMES[next(name for name in NAMES if name != own)]
        shown = ", ".join(map(str, without[:10])) + (" ..." if len(without) > 10 else "")
        notes.append(
            f"{path.name}: {len(without)} of {trials} trials have no {eye}-eye fixations, only of the {other} eye: left out "
            f"(trials {shown}); eye: available takes the other eye there."
        )
    return frame[frame["eye"] == own], notes


def _available(
    frame: pd.DataFrame, eyes_of: dict[int, set[str]], path: Path, notes: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    counts = frame["eye"].value_counts().sort_index()
    preferred = str(counts.idxmax()) if len(counts) else "L"
    taken = {trial: preferred if preferred in eyes else next(iter(eyes)) for trial, eyes in eyes_of.items()}
    told = pd.Series(list(taken.values()), dtype=object).value_counts().sort_index()
    words = ", ".join(f"{NAMES.get(str(name), name)} eye in {count}" for name, count in told.items())
    kept = frame["eye"] == frame["trial"].map(taken).fillna(preferred)
    return frame[kept], [*notes, f"{path.name}: of {len(taken)} trials, {words}."]
