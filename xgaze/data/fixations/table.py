"""A fixation table: one row per fixation, px and ms, origin top left, whatever tracker it came from."""

from dataclasses import dataclass

import pandas as pd

from xgaze.errors import InputError

COLUMNS = ("scanpath", "participant", "stimulus", "order", "x_px", "y_px", "duration_ms")
UNKNOWN = "unknown"  # the participant, where nothing says who looked


@dataclass(frozen=True, eq=False)
class FixationTable:
    """Fixations of many people on many stimuli, sorted by scanpath and order.

    rows: columns `scanpath` (id, "participant/stimulus" or "participant/stimulus/trial"), `participant`, `stimulus`
    (str), `order` (int, from 0 in every scanpath), `x_px`, `y_px`, `duration_ms` (float), where known `onset_ms`, and
    where stimuli differ in size `stimulus_width_px`, `stimulus_height_px`; further columns of the source keep their names.
    size: width and height of the stimulus (of the largest), px. source_units: the units of the file, by quantity.
    notes: what reading left out or assumed, in words and with counts. Raises InputError when a column is missing.
    """

    rows: pd.DataFrame
    size: tuple[int, int]
    source_units: dict[str, str]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.rows.columns]
        if missing:
            raise InputError(f"A fixation table needs the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}.")
