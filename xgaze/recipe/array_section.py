"""The data section of arrays in memory, which Python opens and no file holds."""

from typing import Literal

from xgaze.recipe.data_sections import Section


class ArraysData(Section):
    """Arrays that were in memory (`xgaze.ArrayRecording`). content: a hash of all that they hold, splits included."""

    source: Literal["arrays"]
    content: str
    unlabelled: None = None
