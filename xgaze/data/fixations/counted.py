"""What was left out, counted by person and by class."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHOWN = 20


def counts_by(rows: pd.DataFrame, marked: NDArray[np.bool_], by: Sequence[str]) -> str:
    """ "participant 1: 2 of 6, 3: all 4; group ASD: 6 of 90" for the rows marked; columns that are not there are passed over."""
    told = [(column, _each(rows[column], marked)) for column in dict.fromkeys(by) if column in rows]
    return "; ".join(f"{column} {each}" for column, each in told)


def _each(names: pd.Series, marked: NDArray[np.bool_]) -> str:
    counts = pd.Series(marked).groupby(names.to_numpy(object), sort=False).agg(["sum", "size"])
    counts = counts[counts["sum"] > 0]
    each = [
        f"{name}: {'all ' if n == of else f'{n:,} of '}{of:,}"
        for name, n, of in zip(counts.index[:SHOWN], counts["sum"], counts["size"], strict=False)
    ]
    return ", ".join(each) + (f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else "")
