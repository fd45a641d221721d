"""In which order a participant saw the stimuli, which a sorted fixation table no longer tells."""

from pathlib import Path

from xgaze.data.fixations.attention_fixations import carried_over
from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.loading import read_files
from xgaze.data.fixations.scanpaths import Scanpath


def file_order(path: Path, settings: FixationFormat) -> dict[str, int]:
    """Scanpath id -> its place among all, in the order in which the files, and the rows in them, stand."""
    rows = read_files(path, settings.model_copy(update={"labels": []})).rows
    return {str(one): k for k, one in enumerate(rows["scanpath"].unique())}


def begin_carried_over(scanpaths: list[Scanpath], places: dict[str, int]) -> set[str]:
    """Ids of the scanpaths whose first fixation was carried over from the stimulus that the participant saw before."""
    found: set[str] = set()
    for person in sorted({one.participant for one in scanpaths}):
        own = sorted((one for one in scanpaths if one.participant == person), key=lambda one: places[one.id])
        carried = carried_over([one.duration_ms for one in own])
        found |= {one.id for one, is_carried in zip(own, carried, strict=True) if is_carried}
    return found
