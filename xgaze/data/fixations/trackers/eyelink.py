"""EyeLink: asc files of edf2asc. Fixations are the EFIX lines between a trial's TRIALID and TRIAL_RESULT messages."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.eyelink_eyes import one_eye
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.encoding import numbered_lines, open_text
from xgaze.errors import InputError

MESSAGE = re.compile(r"MSG\s+[\d.]+\s+(?:-?\d+\s+)?(.*)")
COORDS = re.compile(r"(?:DISPLAY|GAZE)_COORDS\b(.*)")
NUMBERED = re.compile(r"(trial)?[\s_#-]*\d+", re.IGNORECASE)
VARIABLE = "TRIAL_VAR "
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
    """What the lines read so far have told; trials are counted from 1, and 0 means outside any trial. variables: of each
    TRIAL_VAR the values, in the order of trials."""

    fixations: list[tuple[str | int, ...]] = field(default_factory=list)
    stimuli: dict[int, list[str]] = field(default_factory=dict)
    variables: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[tuple[int, int], int] = field(default_factory=dict)
    trial: int = 0
    trials: int = 0
    unit: str = "GAZE"


def is_eyelink(first_lines: str) -> bool:
    return first_lines.startswith("** ") and "EYELINK" in first_lines.upper()


def read_eyelink(path: Path, settings: FixationFormat) -> Source:
    """The fixations of one eye; the stimulus is what follows `settings.stimulus_message` in a trial's messages."""
    recording = _Recording()
    with open_text(path, settings.encoding) as text:
        for number, line in numbered_lines(text, str(path)):
            _take(line, number, recording, settings.stimulus_message, path)
    if recording.unit != "GAZE":
        raise InputError(
            f"{path}: fixations are in {recording.unit} units, not px; convert the EDF file with gaze events."
        )
    if not recording.stimuli:
        word = settings.stimulus_message
        raise InputError(f"{path}: no trial has a message '{word}'; say with stimulus_message how yours begins.")
    notes = [*_of_stimuli(recording, settings.stimulus_message, path)]
    frame = pd.DataFrame(recording.fixations, columns=[*FIELDS, "trial"])
    frame, of_eyes = one_eye(frame, recording.trials, settings.eye, path)
    frame["stimulus"] = frame["trial"].map({trial: told[-1] for trial, told in recording.stimuli.items()}).fillna("")
    inside = frame["stimulus"] != ""
    left_out = f"{path.name}: {(~inside).sum()} fixations outside trials, or of trials without stimulus, left out."
    notes += [*of_eyes, *([left_out] if (~inside).any() else [])]
    frame = frame[inside].drop(columns=["eye", "end_ms"]).reset_index(drop=True)
    return Source(frame, overlaid(COLUMNS, settings.columns), _size(recording, settings, path), tuple(notes))


def _take(line: str, number: int, recording: _Recording, stimulus_message: str, path: Path) -> None:
    if line.startswith("EFIX"):
        values = line.split()[1 : 1 + len(FIELDS)]
        recording.fixations.append((*values, *[""] * (len(FIELDS) - len(values)), recording.trial))
    elif line.startswith("EVENTS"):
        recording.unit = (*line.split()[1:], "unknown")[0]
    elif message := MESSAGE.match(line):
        text = message[1].strip()
        _take_message(text, recording, stimulus_message)
        if coords := COORDS.match(text):
            size = _size_px(coords[1], f"{path}: line {number}")
            recording.sizes[size] = number


def _take_message(text: str, recording: _Recording, stimulus_message: str) -> None:
    """Messages to Data Viewer begin with "!V ", which may be left out in the settings (YAML reads it as a tag)."""
    text, stimulus_message = text.removeprefix("!V "), stimulus_message.removeprefix("!V ")
    if text.startswith("TRIALID"):
        recording.trials += 1
        recording.trial = recording.trials
    if _begins_with(text, stimulus_message) and recording.trial:
        told = text.removeprefix(stimulus_message).strip(" =\t")
        recording.stimuli.setdefault(recording.trial, []).append(told)
    if text.startswith(VARIABLE):
        name, _, value = text.removeprefix(VARIABLE).strip().partition(" ")
        recording.variables.setdefault(name, []).append(value.strip())
    if text.startswith("TRIAL_RESULT"):
        recording.trial = 0


def _begins_with(text: str, message: str) -> bool:
    """Of a variable of a trial the whole name: "image" is not "image2"."""
    if not text.startswith(message):
        return False
    following = text[len(message) : len(message) + 1]
    return not message.startswith(VARIABLE) or not (following.isalnum() or following == "_")


def _size_px(corners: str, where: str) -> tuple[int, int]:
    """Width and height from left, top, right, bottom, parted by blanks or commas; a comma may be the decimal sign too."""
    words = [word.rstrip(",") for word in corners.split()]
    words = words if len(words) >= 4 else re.split(r"[\s,]+", corners.strip())
    try:
        left, top, right, bottom = (float(word.replace(",", ".")) for word in words[:4])
        return round(right - left) + 1, round(bottom - top) + 1
    except (ValueError, OverflowError):
        raise InputError(
            f"{where}: expected left, top, right, bottom of the display, found '{corners.strip()}'."
        ) from None


def _size(recording: _Recording, settings: FixationFormat, path: Path) -> tuple[int, int] | None:
    """Of the display. Raises InputError where the file states several, and none was set."""
    if len(recording.sizes) > 1 and settings.size is None:
        told = ", ".join(f"{width}x{height} (line {line})" for (width, height), line in recording.sizes.items())
        raise InputError(f"{path}: states several sizes of the display, {told} px; set size: [width, height].")
    return next(iter(recording.sizes), None)


def _of_stimuli(recording: _Recording, message: str, path: Path) -> list[str]:
    """Stimuli that seem to be the numbers of trials, what else could tell them, and trials that tell several."""
    notes = []
    several = [told for told in recording.stimuli.values() if len(set(told)) > 1]
    if several:
        notes.append(
            f"{path.name}: {len(several)} of {recording.trials} trials have several '{message}' messages; the last counts."
        )
    told = [own[-1] for own in recording.stimuli.values()]
    if not all(NUMBERED.fullmatch(one) for one in told) or len(set(told)) < len(told) or len(told) < 2:
        return notes
    found = [f"{name} ({', '.join(sorted(set(values))[:3])})" for name, values in recording.variables.items()]
    first = next(iter(recording.variables), None)
    other = f"TRIAL_VAR messages found: {', '.join(found)}. For the first, set stimulus_message: {VARIABLE}{first}"
    none = "No TRIAL_VAR message was found; if another message names the picture, set stimulus_message to its beginning"
    return [
        *notes,
        f"Stimuli are numbers of trials ({told[0]} to {told[-1]}, from '{message}'), which are the same picture for "
        f"all participants only if all saw the pictures in the same order. {other if first else none}.",
    ]
