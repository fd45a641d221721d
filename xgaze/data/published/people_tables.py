"""The table of a recording whose people are divided here, and what heads tell of its samples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.published.published_sections import PublishedData
from xgaze.data.splits import assign_splits
from xgaze.recorded_targets import gaze_columns


def people_table(
    ids: Sequence[str],
    people: NDArray[np.str_],
    gaze: NDArray[np.float64],
    data: PublishedData,
    sessions: NDArray[np.str_] | str = "0",
) -> pd.DataFrame:
    """gaze: pitch and yaw (n, 2) in rad."""
    splits = assign_splits(list(people), None, data.split.validation, data.split.test, data.seed)
    table = pd.DataFrame({"id": ids, "group": people, "session": sessions, "split": splits})
    return table.assign(**dict(zip(gaze_columns("rad"), gaze.T, strict=True)))


def turned(head: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Pitch and yaw (n, 2) of heads in rad, as conditions."""
    pitch, yaw = np.degrees(head).T
    return {"head pitch, degrees": pitch, "head yaw, degrees": yaw}
