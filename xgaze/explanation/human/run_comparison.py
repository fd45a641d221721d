"""Two runs against where people looked: did the second move its models' attention towards people's, picture by picture?"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from xgaze.artifacts import STUDENT, TEACHER, require_written
from xgaze.errors import InputError
from xgaze.explanation.human.attention_scores import METRICS, PARTS
from xgaze.explanation.human.picture_scores import CENTRE
from xgaze.explanation.human.references import PEOPLE_FILE
from xgaze.explanation.test_set.stored_intervals import stored_interval
from xgaze.stored import Stored, read_mapping, read_table

SAME = 1e-6
FEWEST = 2
INDEX = ["id", "group"]
REMEDY = "Explain again: `xgaze explain --force`."


class _Explained(Stored):
    file_hashes: dict[str, str] = Field(default_factory=dict)


def read_human(explanation: Path) -> pd.DataFrame | None:
    """Figures of every picture, one column "model/method/metric" each, from a run's folder `explanation`; None if it has none."""
    stored, file = explanation / "explanation.json", explanation / PEOPLE_FILE
    if not stored.is_file() or not file.is_file():
        return None
    explained = read_mapping(stored, _Explained, REMEDY)
    if not explained.get("human"):
        return None
    require_written(explanation, explained, REMEDY)
    long = read_table(file, ["value"], REMEDY, [*INDEX, "model", "metric"]).fillna({"model": "", "method": ""})
    if long.duplicated([*INDEX, "model", "method", "metric"]).any():
        raise InputError(f"{file}: damaged or edited: a figure is there twice. {REMEDY}")
    long["figure"] = long["model"] + "/" + long["method"] + "/" + long["metric"]
    return long.pivot(index=INDEX, columns="figure", values="value").astype(np.float64)


def compare_human(first: pd.DataFrame | None, second: pd.DataFrame | None) -> dict[str, Any] | None:
    """Second minus first on the pictures that both were measured on, with 95 % intervals over participants (or what stands for
    them): {samples, rows: [{model, method, metric: {mean, low, high}}], reason}. reason: why there are no rows, else None.

    None where one of them was not measured. A difference above zero means more like people, but for KL.
    """
    if first is None or second is None:
        return None
    shared = first.index.intersection(second.index)
    ours, theirs = first.loc[shared], second.loc[shared]
    reason = _reason(ours, theirs)
    people = shared.get_level_values("group").to_numpy(str)
    columns = set(ours) & set(theirs)
    rows = [
        {"model": model, "method": method, **_differences(ours, theirs, f"{model}/{method}", people)}
        for model in (TEACHER, STUDENT)
        for method in PARTS
        if f"{model}/{method}/cc" in columns
    ]
    return {"samples": len(shared), "rows": [] if reason else rows, "reason": reason}


def _differences(ours: pd.DataFrame, theirs: pd.DataFrame, name: str, people: Any) -> dict[str, Any]:
    return {one: stored_interval(theirs[f"{name}/{one}"] - ours[f"{name}/{one}"], people) for one in METRICS}


def _reason(ours: pd.DataFrame, theirs: pd.DataFrame) -> str | None:
    """The centre bias scores alike wherever pictures, maps and fixations are the same."""
    if len(ours) < FEWEST:
        return f"{len(ours)} pictures were explained in both runs: explain more of them with --over all."
    same = all(
        np.allclose(ours[name], theirs[name], rtol=0, atol=SAME, equal_nan=True)
        for name in (f"{CENTRE}//{one}" for one in METRICS)
        if name in ours and name in theirs
    )
    return None if same else "the two runs were held against other human maps or other training pictures."
