"""How a file of fixations is to be read: its format, its columns and their units, and what to do with bad rows."""

import re
from collections import Counter
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.data_sections import Count, Section
from xgaze.recipe.text_table import NumberTable

TimeUnit = Literal["s", "ms", "us", "ns"]
BadRows = Literal["refuse", "drop"]
LAYOUT_NAMES = {"participant", "stimulus", "trial"}


class FixationColumns(Section):
    """Which column is what, and in which unit. With a tracker's format, only what differs from it.

    Either `duration`, or `start` and `end` timestamps. `order`: number of the fixation; without it `start`, else the order of
    rows. `trial` tells several viewings of one stimulus by one person apart. coordinates "fraction": 0 to 1 of the stimulus;
    "degrees": of visual angle from its middle, times `pixels_per_degree`. origin "bottom-left": y grows upwards.
    """

    participant: str | None = None
    stimulus: str | None = None
    trial: str | None = None
    order: str | None = None
    x: str | None = None
    y: str | None = None
    duration: str | None = None
    start: str | None = None
    end: str | None = None
    coordinates: Literal["px", "fraction", "degrees"] = "px"
    pixels_per_degree: float | None = Field(None, gt=0, le=1e5)
    origin: Literal["top-left", "bottom-left"] = "top-left"
    duration_unit: TimeUnit = "ms"
    timestamp_unit: TimeUnit = "ms"


class FixationFormat(NumberTable, Section):
    """How fixations are read. `format: table` is any CSV or parquet file, described by `columns`.

    layout: file names in the folder `path`, or the end of a single file's path, such as "{participant}/fixations.csv"; it may
    name {participant}, {stimulus} and {trial}. size: width and height of the stimulus, px; needed unless the file tells.
    rows: which ones of a table of several kinds of events are read, by column and word, as {Event Type: Fixation R}.
    labels: further columns to keep (None: all; of Tobii's samples: none). stimulus_message, eye: EyeLink only ("available": in
    each trial the eye there is). participants: "optional" reads tables that do not say who looked. Scanpaths of fewer than
    `min_fixations` are left out.
    missing, outside, durations, duplicates: refuse the table for such rows, or drop and count them (of several rows of one
    fixation all but the longest). encoding, header, spellings, decimal: see `TextTable` and `NumberTable`.
    """

    format: Literal[
        "auto", "table", "pupil-core", "pupil-surface", "neon", "gazepoint", "tobii", "eyelink", "cub-gha"
    ] = "auto"
    columns: FixationColumns = FixationColumns()
    layout: str | None = None
    rows: dict[str, str] | None = Field(None, min_length=1)
    size: tuple[Count, Count] | None = None
    labels: list[str] | None = None
    stimulus_message: str = "TRIALID"
    eye: Literal["left", "right", "available"] | None = None
    participants: Literal["required", "optional"] = "required"
    min_fixations: int = Field(3, ge=3, le=1_000_000)
    missing: BadRows = "refuse"
    outside: BadRows = "refuse"
    durations: BadRows = "refuse"
    duplicates: BadRows = "refuse"

    @field_validator("layout")
    @classmethod
    def _names_are_known(cls, layout: str | None) -> str | None:
        names = Counter(re.findall(r"{(.*?)}", layout or ""))
        if not set(names) <= LAYOUT_NAMES or any(count > 1 for count in names.values()):
            raise PydanticCustomError("layout", "may name {participant}, {stimulus} and {trial}, each once")
        return layout
