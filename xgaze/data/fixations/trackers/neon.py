"""Neon: `fixations.csv` of Pupil Cloud or Neon Player, px of the scene camera's image."""

from pathlib import Path

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.reader import read_table

X, Y, DURATION, START = "fixation x [px]", "fixation y [px]", "duration [ms]", "start timestamp [ns]"
RECORDING = "recording id"
HEADERS = frozenset({X, Y, DURATION, START})
SCENE_CAMERA_PX = (1600, 1200)
COLUMNS = FixationColumns(x=X, y=Y, duration=DURATION, start=START, duration_unit="ms", timestamp_unit="ns")


def read_neon(path: Path, settings: FixationFormat) -> Source:
    """Fixations of one export; each recording in it is a trial of its own."""
    frame = read_table(path, settings)
    preset = COLUMNS.model_copy(update={"trial": RECORDING}) if RECORDING in frame.columns else COLUMNS
    return Source(frame, overlaid(preset, settings.columns), SCENE_CAMERA_PX)
