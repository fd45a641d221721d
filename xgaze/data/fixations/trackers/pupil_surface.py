"""Pupil Core: `fixations_on_surface_NAME.csv` of Pupil Player, a row per frame; fractions of the surface, y upwards."""

from pathlib import Path

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.trackers.pupil_core import COLUMNS as PUPIL_CORE
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.reader import read_table

ID, ON_SURFACE = "fixation_id", "on_surf"
HEADERS = frozenset({"world_index", ID, "start_timestamp", "duration", "norm_pos_x", "norm_pos_y", ON_SURFACE})
COLUMNS = PUPIL_CORE.model_copy(update={"order": ID})


def read_pupil_surface(path: Path, settings: FixationFormat) -> Source:
    """Of each fixation the first frame in which it lies on the surface; those that never do are left out and counted."""
    frame = read_table(path, settings)
    whole = frame[[ID, "start_timestamp"]].drop_duplicates()
    kept = frame[frame[ON_SURFACE].str.lower().isin(["true", "1"])].drop_duplicates([ID, "start_timestamp"])
    notes = [f"{path.name}: {len(frame):,} rows, one per frame, are {len(whole):,} fixations."]
    if len(kept) < len(whole):
        notes.append(f"{path.name}: {len(whole) - len(kept):,} of {len(whole):,} fixations off the surface: left out.")
    return Source(kept.reset_index(drop=True), overlaid(COLUMNS, settings.columns), notes=tuple(notes))
