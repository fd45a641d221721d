"""What a reader hands on: the fixations of one file as they stand there, and how to understand them."""

from dataclasses import dataclass

import pandas as pd

from xgaze.data.fixations.fixation_format import FixationColumns

QUANTITIES = ("participant", "stimulus", "trial", "order", "x", "y", "duration", "start", "end")
NUMBERS = ("order", "x", "y", "duration", "start", "end")


@dataclass(frozen=True)
class Source:
    """frame: one row per fixation, values as in the file. columns: which is what, and units.

    size: width and height of the stimulus, px, if the file says so. notes: what the reader left out or assumed.
    """

    frame: pd.DataFrame
    columns: FixationColumns
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def overlaid(preset: FixationColumns, own: FixationColumns) -> FixationColumns:
    """The tracker's columns, with what the user said in their place."""
    return preset.model_copy(update=own.model_dump(exclude_unset=True))


def mapped(columns: FixationColumns) -> dict[str, str]:
    """Quantity -> column of the file, for those that are mapped."""
    return {name: column for name in QUANTITIES if (column := getattr(columns, name)) is not None}
