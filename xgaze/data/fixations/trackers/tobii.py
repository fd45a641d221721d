"""Tobii Pro Lab (and Studio): exports with one row per gaze sample; the rows of a fixation share its index.

Spelling varies by version: "Fixation point X", "Fixation point X [MCS px]", "FixationPointX (MCSpx)".
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.data.fixations.counted import counts_by
from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat, TimeUnit
from xgaze.data.fixations.trackers.generic import asking
from xgaze.data.fixations.trackers.tobii_recordings import one_row_each
from xgaze.data.fixations.trackers.tracker_file import Source, mapped, overlaid
from xgaze.data.tables.decimals import decimal_sign, numbers
from xgaze.data.tables.missing import is_missing
from xgaze.data.tables.reader import columns_of, read_table
from xgaze.errors import InputError

# Spellings without spaces and units, lower case. MCS is the stimulus' own coordinate system, DACS the display's.
SPELLINGS = {
    "type": ("eyemovementtype", "gazeeventtype"),
    "index": ("eyemovementtypeindex", "fixationindex"),
    "x": ("fixationpointx",),
    "y": ("fixationpointy",),
    "duration": ("gazeeventduration", "eyemovementeventduration"),
    "start": ("recordingtimestamp",),
    "participant": ("participantname",),
    "trial": ("recordingname",),
    "stimulus": ("presentedstimulusname", "presentedmedianame", "medianame"),
    "width": ("recordingresolutionwidth",),
    "height": ("recordingresolutionheight",),
}
NEEDED = ("type", "index", "x", "y", "duration")
POINT_UNITS = ("mcspx", "px", "", "dacspx", "mcsnorm")
TIME_UNITS: dict[str, TimeUnit] = {"ms": "ms", "us": "us", "μs": "us", "µs": "us"}


def tobii_columns(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Quantity -> (column, unit in its brackets or ""); of several fixation points the one closest to stimulus px."""
    found: dict[str, tuple[str, str]] = {}
    for quantity, spellings in SPELLINGS.items():
        columns = [
            (name, unit) for name, (base, unit) in zip(header, map(_parts, header), strict=True) if base in spellings
        ]
        if quantity in ("x", "y"):
            known = [one for one in columns if one[1] in POINT_UNITS]
            columns = sorted(known, key=lambda one: POINT_UNITS.index(one[1]))
        if columns:
            found[quantity] = columns[0]
    return found


def is_tobii(header: Sequence[str]) -> bool:
    return set(NEEDED) <= set(tobii_columns(header))


def read_tobii(path: Path, settings: FixationFormat) -> Source:
    """One row per fixation: the first sample of each; fixations while no stimulus was shown are left out and counted."""
    header = columns_of(path, settings)
    found = tobii_columns(header)
    if not set(NEEDED) <= set(found):
        raise InputError(f"{path}: no Tobii export with fixations and their index. {asking(header)}")
    wanted = {column for column, _ in found.values()}
    frame = read_table(path, settings, wanted=wanted.union(mapped(settings.columns).values(), settings.labels or []))
    preset, notes = _columns(path, found, settings.columns.model_fields_set)
    columns = overlaid(preset, settings.columns)
    frame = frame[frame[found["type"][0]].str.lower() == "fixation"]
    frame = one_row_each(frame, found, columns, path)
    if columns.stimulus in frame.columns:
        shown = ~is_missing(frame[columns.stimulus])
        by = [one for one in (columns.participant, columns.trial) if one is not None and one in frame]
        left_out = f"{path.name}: {(~shown).sum()} fixations without a stimulus left out"
        counted = f" ({counts_by(frame, (~shown).to_numpy(bool), by)})" if by else ""
        notes += [f"{left_out}{counted}."] if not shown.all() else []
        frame = frame[shown]
    kept = [*mapped(columns).values(), *(settings.labels or [])]
    size = _display_px(frame, found) if found["x"][1] in ("", "px", "dacspx") else None
    return Source(
        frame[[name for name in frame.columns if name in kept]].reset_index(drop=True), columns, size, tuple(notes)
    )


def _parts(name: str) -> tuple[str, str]:
    """ "Fixation point X [MCS px]" -> ("fixationpointx", "mcspx")."""
    base, _, unit = name.lower().replace(" ", "").replace("[", "(").partition("(")
    return base, re.sub(r"[\])]", "", unit)


def _columns(path: Path, found: dict[str, tuple[str, str]], said: set[str]) -> tuple[FixationColumns, list[str]]:
    notes = []
    told: dict[str, str] = {
        name: found[name][0] for name in ("x", "y", "participant", "stimulus", "trial") if name in found
    }
    duration, unit = found["duration"]
    if unit in TIME_UNITS or duration.lower().startswith("gaze"):  # "Gaze event duration" has always been in ms
        told |= {"duration": duration, "duration_unit": TIME_UNITS.get(unit, "ms")}
    elif "duration_unit" in said:
        told |= {"duration": duration}
    else:
        raise InputError(f"{path}: '{duration}' is in ms or us, by version: set columns: {{duration_unit: ms}} or us.")
    if "start" in found:
        start, unit = found["start"]
        if unit in TIME_UNITS or "timestamp_unit" in said:
            told |= {"start": start, "timestamp_unit": TIME_UNITS.get(unit, "ms")}
        else:
            notes.append(f"{path.name}: '{start}' is in ms or us, by version: onsets left out (set timestamp_unit).")
    if found["x"][1] != found["y"][1]:
        raise InputError(
            f"{path}: '{found['x'][0]}' and '{found['y'][0]}' differ in unit; export both, or map x and y."
        )
    told["coordinates"] = "fraction" if found["x"][1] == "mcsnorm" else "px"
    return FixationColumns.model_validate(told), notes


def _display_px(frame: pd.DataFrame, found: dict[str, tuple[str, str]]) -> tuple[int, int] | None:
    """Width and height of the display, where one and the same is told for all fixations."""
    if not {"width", "height"} <= set(found) or frame.empty:
        return None
    told = {name: frame[found[name][0]] for name in ("width", "height")}
    sign = decimal_sign(told, None, "resolution")
    sides = [np.unique(numbers(values, sign, found[name][0])) for name, values in told.items()]
    if any(len(side) != 1 or not np.isfinite(side[0]) for side in sides):
        return None
    return int(sides[0][0]), int(sides[1][0])
