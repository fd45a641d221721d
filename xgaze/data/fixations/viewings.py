"""Which rows of all files are one person's viewing of one stimulus, under an id that no other viewing has."""

import pandas as pd

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.standard_units import TRIAL
from xgaze.data.tables.spellings import one_spelling

PLURALS = {"participant": "participants", "stimulus": "stimuli", TRIAL: "trials"}


def with_scanpaths(rows: pd.DataFrame, settings: FixationFormat) -> tuple[pd.DataFrame, list[str]]:
    """Rows with the column `scanpath` before the others, and what was taken for the same name, in words."""
    notes: list[str] = []
    if settings.spellings == "same":
        for name in (one for one in PLURALS if one in rows):
            rows[name], told = one_spelling(rows[name])
            notes += [f"{PLURALS[name]}: {one}" for one in told]
    rows.insert(0, "scanpath", scanpath_ids(rows))
    return rows, notes


def scanpath_ids(rows: pd.DataFrame) -> pd.Series:
    """ "participant/stimulus" or "participant/stimulus/trial"; a "/" within one of them is written "%2F"."""
    ids = _part(rows["participant"]) + "/" + _part(rows["stimulus"])
    if TRIAL not in rows:
        return ids
    trial = rows[TRIAL].fillna("")  # of files that tell no trial, beside others that do
    return ids.where(trial == "", ids + "/" + _part(trial))


def _part(names: pd.Series) -> pd.Series:
    odd = names.str.contains("/|%2F|%25")
    if not odd.any():
        return names
    return names.mask(odd, names.str.replace("%", "%25", regex=False).str.replace("/", "%2F", regex=False))
