"""Pupil Core: `fixations.csv` of Pupil Player, positions as fractions of the scene camera's image, y upwards."""

from pathlib import Path

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.reader import read_table

HEADERS = frozenset({"id", "start_timestamp", "duration", "dispersion", "norm_pos_x", "norm_pos_y"})
COLUMNS = FixationColumns(
    order="id",
    x="norm_pos_x",
    y="norm_pos_y",
    duration="duration",
    start="start_timestamp",
    coordinates="fraction",
    origin="bottom-left",
    duration_unit="ms",
    timestamp_unit="s",
)


def read_pupil_core(path: Path, settings: FixationFormat) -> Source:
    """Fixations of one export. The scene camera has several modes, so its size must be set."""
    return Source(read_table(path, settings), overlaid(COLUMNS, settings.columns))
