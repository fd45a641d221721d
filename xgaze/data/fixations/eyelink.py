"""EyeLink: asc files of edf2asc. Fixations are the EFIX lines between a trial's TRIALID and TRIAL_RESULT messages."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from xgaze.data.fixations.files import open_text
from xgaze.data.fixations.source import Source, overlaid
from xgaze.errors import InputError
from xgaze.recipe.fixation_format import FixationColumns, FixationFormat

MESSAGE = re.compile(r"MSG\s+[\d.]+\s+(?:-?\d+\s+)?(.*)")
SIZE = re.compile(r"(?:DISPLAY|GAZE)_COORDS\s+([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)")
FIELDS = ("eye", "start_ms", "end_ms", "duration_ms", "x_px", "y_px")
COLUMNS = FixationColumns(
    stimulus="stimulus",
    trial="trial",
    x="x_px",
    y="y_px",
    duration="duration_ms",
    start="start_ms",
    timestamp_unit="ms",
)


@dataclass
class _Recording:
    """What the lines read so far have told; trials are counted from 1, and 0 means outside any trial."""

    fixations: list[tuple[str | int, ...]] = field(default_factory=list)
    stimuli: dict[int, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    trial: int = 0
    trials: int = 0
    unit: str = "GAZE"


def is_eyelink(first_lines: str) -> bool:
    return first_lines.startswith("** ") and "EYELINK" in first_lines.upper()


def read_eyelink(path: Path, settings: FixationFormat) -> Source:
    """The fixations of one eye; the stimulus is what follows `settings.stimulus_message` in a trial's messages."""
    recording = _Recording()
    with open_text(path) as lines:
        for line in lines:
            _take(line, recording, settings.stimulus_message)
    if recording.unit != "GAZE":
        raise InputError(
            f"{path}: fixations are in {recording.unit} units, not px; convert the EDF file with gaze events."
        )
    if not recording.stimuli:
        word = settings.stimulus_message
        raise InputError(f"{path}: no trial has a message '{word}'; say with stimulus_message how yours begins.")
    frame = pd.DataFrame(recording.fixations, columns=[*FIELDS, "trial"])
    frame = _one_eye(frame, settings.eye, path)
    frame["stimulus"] = frame["trial"].map(recording.stimuli).fillna("")
    inside = frame["stimulus"] != ""
    left_out = f"{path.name}: {(~inside).sum()} fixations outside trials, or of trials without stimulus, left out."
    notes = (left_out,) if (~inside).any() else ()
    frame = frame[inside].drop(columns=["eye", "end_ms"]).reset_index(drop=True)
    return Source(frame, overlaid(COLUMNS, settings.columns), recording.size, notes)


def _take(line: str, recording: _Recording, stimulus_message: str) -> None:
    if line.startswith("EFIX"):
        values = line.split()[1 : 1 + len(FIELDS)]
        recording.fixations.append((*values, *[""] * (len(FIELDS) - len(values)), recording.trial))
    elif line.startswith("EVENTS"):
        recording.unit = line.split()[1]
    elif message := MESSAGE.match(line):
        _take_message(message[1].strip(), recording, stimulus_message)


def _take_message(text: str, recording: _Recording, stimulus_message: str) -> None:
    if text.startswith("TRIALID"):
        recording.trials += 1
        recording.trial = recording.trials
    if text.startswith(stimulus_message) and recording.trial:
        recording.stimuli[recording.trial] = text.removeprefix(stimulus_message).strip(" =\t")
    if text.startswith("TRIAL_RESULT"):
        recording.trial = 0
    if corners := SIZE.match(text):
        left, top, right, bottom = (float(value) for value in corners.groups())
        recording.size = (round(right - left) + 1, round(bottom - top) + 1)


def _one_eye(frame: pd.DataFrame, eye: str | None, path: Path) -> pd.DataFrame:
    counts = frame["eye"].value_counts()
    if eye is None and len(counts) > 1:
        both = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        raise InputError(f"{path}: fixations of both eyes ({both}); set eye: left or right.")
    return frame if eye is None else frame[frame["eye"] == eye[0].upper()]
