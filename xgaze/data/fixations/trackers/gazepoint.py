"""Gazepoint Analysis: `all_gaze.csv`, a row per sample, whose durations grow while a fixation lasts; or `fixations.csv`."""

from pathlib import Path

from xgaze.data.fixations.counted import counts_by
from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.reader import read_table

ID, START, VALID = "FPOGID", "FPOGS", "FPOGV"
HEADERS = frozenset({"FPOGX", "FPOGY", START, "FPOGD", ID, VALID})
MEDIA = ("MEDIA_NAME", "MEDIA_ID")
COLUMNS = FixationColumns(
    order=ID,
    x="FPOGX",
    y="FPOGY",
    duration="FPOGD",
    start=START,
    coordinates="fraction",
    duration_unit="s",
    timestamp_unit="s",
)


def read_gazepoint(path: Path, settings: FixationFormat) -> Source:
    """The last valid sample of each fixation, which tells its whole duration; samples that are not valid are counted."""
    frame = read_table(path, settings)
    media = next((name for name in MEDIA if name in frame), None)
    valid = frame[VALID].isin(["1", "1.0"])
    keys = [*([media] if media else []), ID, START]
    kept = frame[valid].drop_duplicates(keys, keep="last").reset_index(drop=True)
    notes = [f"{path.name}: {len(frame):,} rows are {len(kept):,} fixations."] if len(kept) < valid.sum() else []
    if not valid.all():
        by = counts_by(frame, (~valid).to_numpy(bool), [media] if media else [])
        counted = f" ({by})" if by else ""
        notes.append(f"{path.name}: {(~valid).sum():,} of {len(frame):,} samples are not valid: left out{counted}.")
    preset = COLUMNS.model_copy(update={"stimulus": media}) if media else COLUMNS
    return Source(kept, overlaid(preset, settings.columns), notes=tuple(notes))
