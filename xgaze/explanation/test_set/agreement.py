"""Do two models look at the same pixels? Signed, unblurred maps compared, between a floor and a ceiling.

Two unrelated random nets agree on |map| with a rank correlation of about 0.5, and of 0.9 after a blur; on signed maps of 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.evaluation.intervals.participants import ANY, SHARES
from xgaze.explanation.test_set.stored_intervals import Stored, stored_interval

TOP_SHARE = 0.05
UNTRAINED, SECOND = "untrained student", "second teacher"
ROLES = ((STUDENT, "result"), (UNTRAINED, "floor"), (SECOND, "ceiling"))
RANDOM = "random order"

LIKENESS = {"spearman": (-1.0, 1.0), "top_iou": SHARES}
"""Measures, and between which values they lie."""

MapsOfInputs = Sequence[NDArray[np.float32]]


def map_spearman(ours: MapsOfInputs, theirs: MapsOfInputs) -> float:
    """Rank correlation of the signed values of all pixels of all inputs; 0 where one map is constant."""
    a, b = flat(ours), flat(theirs)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def top_iou(ours: MapsOfInputs, theirs: MapsOfInputs, share: float = TOP_SHARE) -> float:
    """Intersection over union of the strongest `share` of pixels by |value|, over all inputs.

    Unrelated maps give share / (2 - share), 0.026 for 5 %.
    """
    a, b = _strongest(flat(ours), share), _strongest(flat(theirs), share)
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)


def agreement_figures(maps: Mapping[str, MapsOfInputs]) -> dict[str, float]:
    """Every model's maps of one sample against the teacher's."""
    figures = {}
    for pair in maps.keys() - {TEACHER}:
        figures[f"agreement/{pair}/spearman"] = map_spearman(maps[pair], maps[TEACHER])
        figures[f"agreement/{pair}/top_iou"] = top_iou(maps[pair], maps[TEACHER])
    return figures


def agreement_section(table: pd.DataFrame, people: NDArray[Any]) -> dict[str, Any]:
    """rows and curves of the report from one line of figures per sample, with intervals over `people` (n,)."""

    def over(name: str, within: tuple[float, float] = ANY) -> Stored | None:
        return stored_interval(table[name], people, within)

    rows = [
        {
            "pair": pair,
            "role": role,
            **{one: over(f"agreement/{pair}/{one}", within) for one, within in LIKENESS.items()},
        }
        for pair, role in ROLES
        if f"agreement/{pair}/spearman" in table
    ]
    curves = [
        {"model": name, **{one: over(f"curve/{name}/{one}") for one in ("deletion", "insertion")}}
        for name in (TEACHER, STUDENT, RANDOM, f"{RANDOM}, {STUDENT}")
        if f"curve/{name}/deletion" in table
    ]
    return {"rows": rows, "curves": curves}


def flat(maps: MapsOfInputs) -> NDArray[np.float32]:
    """All inputs' maps in one row."""
    return np.concatenate([one.ravel() for one in maps])


def _strongest(values: NDArray[np.float32], share: float) -> NDArray[np.int64]:
    count = max(1, round(share * len(values)))
    return np.argsort(-np.abs(values), kind="stable")[:count]
