"""What can be wrong with a recording: the kinds of fault in a fixed order, each with its remedy. Finds nothing itself."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from xgaze.errors import InputError

Kind = Literal[
    "definition",
    "nothing found",
    "missing view",
    "all views missing",
    "damaged file",
    "undecodable image",
    "wrong image size",
    "label table",
    "rows against frames",
    "time stamps",
    "missing label",
    "missing number",
    "mixed units",
    "wrong unit",
    "label outside the scene",
    "participant in two splits",
    "name in several classes",
    "names alike",
    "identical images across splits",
    "nearly identical images across splits",
    "one person under two names",
    "empty split",
    "too few",
    "class missing from a split",
    "no participants",
    "missing fixation",
    "fixation outside the stimulus",
    "duration not above zero",
    "duplicated fixations",
    "repeated fixation numbers",
    "too few fixations",
    "blank map",
    "unreadable sample",
    "unlike the model's pictures",
    "labels shifted in time",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHOWN = 20

REMEDIES: dict[Kind, str] = {
    "definition": "Correct the definition file, or move the files to where it says they are.",
    "nothing found": "Check `path`, `layout` and `splits` in the definition against the folders on disk.",
    "missing view": "Restore the picture, or remove the frame's other pictures and its label row; check `views`. Where frames of "
    "a manifest may lack this view, leave the cell empty and say so of the input: `may_be_missing: true`.",
    "all views missing": "Remove these rows: a frame of which nothing is seen has nothing to tell a gaze by.",
    "damaged file": "Unpack or copy the data set again: what the message names is missing, cut short, or of another layout than "
    "the published one.",
    "undecodable image": "Export the picture again, or restore it from the original recording.",
    "wrong image size": "Export all pictures in one size, and state it as `height` and `width` in the definition.",
    "label table": "Check the table's file name and column names against the definition.",
    "rows against frames": "Each frame needs one label row: row i belongs to frame i, unless a `frame` column is named.",
    "time stamps": "Frames and gaze need the times of one clock, a time a frame, ascending: copy or export the recording "
    "again, or leave it out.",
    "missing label": "Fill in the value, or remove the row together with its pictures (of a fixation table: `missing: drop`). "
    "Where nobody knows any, `truth: teacher` lets an adopted teacher say what is true.",
    "missing number": "Fill in the number, or remove the row: every column of an input needs a finite number in every row. Where "
    "samples may lack this input of a manifest, leave its cells empty and say so of it: `may_be_missing: true`.",
    "mixed units": "Convert the numbers of these people into the unit of the others, or leave their rows out.",
    "wrong unit": "State the labels' own unit as `unit` in the definition, or convert them into the one that it says.",
    "label outside the scene": "If most rows fail, check `unit` and `scene`; otherwise correct or remove these rows.",
    "participant in two splits": "Keep all recordings of a person in one split, or give different people different names.",
    "name in several classes": "Set data.participants: across-classes if they are the same people, or per-class if "
    "each class has people of its own, so that participant 1 of one is not participant 1 of the other.",
    "names alike": "Write each name in one way; people who are not the same need names that differ in more.",
    "identical images across splits": "Remove the copies: a model must not be tested on pictures it was trained on.",
    "nearly identical images across splits": "If the names are one person's, give one name in one split; else remove "
    "the copies: a model must not be tested on pictures it was trained on.",
    "one person under two names": "Give one name to one person, or remove the frames that they share: splits and intervals "
    "take every name for a person.",
    "empty split": "Training needs people in train, validation and test: add recordings or check `splits`.",
    "too few": "Validation and test need two each, people or whatever splits keep apart: add more, or divide them anew.",
    "class missing from a split": "Add participants of this class (three or more), or leave the class out.",
    "no participants": "Name the column that says who looked, or put {participant} into `layout`; empty cells, NA, NaN and the "
    "like name nobody: fill them in, or set `missing: drop`.",
    "missing fixation": "Fill in the values, or set `missing: drop` to leave such fixations out; they are counted.",
    "fixation outside the stimulus": "If most rows fail, check size, units and origin; else set `outside: drop`.",
    "duration not above zero": "Correct the durations or their unit, or set `durations: drop`.",
    "duplicated fixations": "Set `duplicates: drop` to keep one row of each; or, if these are several viewings, name the column "
    "that tells them apart as `trial`; a `start` that is too coarse to tell fixations apart is better not named.",
    "repeated fixation numbers": "If these are several viewings, name the column that tells them apart as `trial`; if several "
    "rows belong to one fixation, name the column of its `start`, and set `duplicates: drop`.",
    "too few fixations": "Check that one scanpath holds all fixations of one person on one stimulus.",
    "blank map": "Draw the map again from fixations that lie in the picture, or leave its picture out.",
    "unreadable sample": "Restore what the message names, or remove its row.",
    "unlike the model's pictures": "Do what the message says wherever these pictures are read, before the model sees them.",
    "labels shifted in time": "Shift the labels back by so many frames, or record frames and labels by one clock.",
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong: its kind, and a sentence naming file, row or participant."""

    kind: Kind
    message: str


@dataclass(frozen=True)
class Checked:
    """What looking at a recording found: faults, and in words what was left out, done to pictures or assumed."""

    faults: tuple[Fault, ...]
    remarks: tuple[str, ...] = ()


class FaultsFound(InputError):
    """Faults of one recording, of which the message tells the first."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


def faults_in(error: InputError, kind: Kind = "definition") -> tuple[Fault, ...]:
    """Those that an error was made of; or itself as one of `kind`."""
    return error.faults if isinstance(error, FaultsFound) else (Fault(kind, str(error)),)


@contextmanager
def among(faults: list[Fault], kind: Kind = "damaged file") -> Iterator[None]:
    """What is refused inside becomes one fault among others, so that what comes after it is looked at all the same."""
    try:
        yield
    except InputError as error:
        faults += faults_in(error, kind)


def summarise(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """[{kind, count, first: the first 20 messages}] in the order of `KINDS`; kinds without a fault are left out."""
    messages: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for fault in faults:
        messages[fault.kind].append(fault.message)
    return [{"kind": kind, "count": len(all_), "first": all_[:SHOWN]} for kind, all_ in messages.items() if all_]


def raise_faults(where: Path, faults: Sequence[Fault]) -> None:
    """Raise InputError with the first 20 faults, their count and what to do; return when there are none."""
    if not faults:
        return
    more = f", the first {SHOWN}" if len(faults) > SHOWN else ""
    lines = [f"{where}: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}{more}:"]
    lines += [f"  {fault.message}" for fault in faults[:SHOWN]]
    lines += [f"{group['kind']}: {REMEDIES[group['kind']]}" for group in summarise(faults)]
    raise FaultsFound("\n".join(lines), faults)


def listed(names: Sequence[str], limit: int = SHOWN) -> str:
    """Names in one line: runs of whole numbers as "3-9", and no more than `limit` entries."""
    entries = _runs(names)
    rest = f" and {len(entries) - limit} more" if len(entries) > limit else ""
    return ", ".join(entries[:limit]) + rest


def _runs(names: Sequence[str]) -> list[str]:
    runs: list[list[str]] = []
    for name in names:
        if runs and _follows(runs[-1][-1], name):
            runs[-1] = [runs[-1][0], name]
        else:
            runs.append([name])
    return ["-".join(run) for run in runs]


def _follows(before: str, after: str) -> bool:
    return before.isdecimal() and after.isdecimal() and int(after) == int(before) + 1
