"""The decision in one sentence: what to keep, and the error that was measured there."""

from typing import Any

import pandas as pd

from xgaze.errors import InputError

OWN_METHOD = "xgaze"
NEEDED = ("rank", "fc_parameters", "worse_percent_mean", "worse_percent_low", "worse_percent_high")


def decision(expected_rank: int, width: int, frontier: pd.DataFrame | None) -> str:
    """One sentence. expected_rank: directions of the first fully connected layer that the prediction needs, of its `width`
    outputs. frontier: rows of budget.csv; without any, the sentence says that nothing was measured.

    The student that was chosen is recommended; where none was, the one nearest to the expected rank that loses least.
    Raises InputError for a frontier without the columns of budget.csv.
    """
    if frontier is None or frontier.empty:
        return (
            f"Try rank {expected_rank} of {width} in the first fully connected layer, which holds 99 % of what the prediction "
            "draws from it: this is not measured yet, `xgaze distill` measures it."
        )
    missing = [column for column in NEEDED if column not in frontier]
    if missing:
        raise InputError(f"budget.csv: no column {', '.join(missing)}. Run `xgaze distill --force`.")
    row = _recommended(frontier, expected_rank)
    return (
        f"Keep {_what(row, width)}: measured {_worse(row)} on validation people against {_reference(row)}, at "
        f"{int(row['fc_parameters']):,} fully connected parameters{_expectation(row, frontier, expected_rank)}."
    )


def _recommended(frontier: pd.DataFrame, expected_rank: int) -> "pd.Series[Any]":
    chosen = frontier[frontier["chosen"].astype(bool)] if "chosen" in frontier else frontier[:0]
    if len(chosen):
        return chosen.iloc[0]
    own = _own(frontier)
    distance = (own["rank"] - expected_rank).abs().fillna(float("inf"))
    return _least_worse(own[distance == distance.min()])


def _own(frontier: pd.DataFrame) -> pd.DataFrame:
    """Without the methods that were tried for comparison, unless there is nothing else."""
    own = frontier[frontier["method"] == OWN_METHOD] if "method" in frontier else frontier
    return own if len(own) else frontier


def _least_worse(rows: pd.DataFrame) -> "pd.Series[Any]":
    return rows.sort_values("worse_percent_mean", kind="stable").iloc[0]


def _what(row: "pd.Series[Any]", width: int) -> str:
    rank, terms, share, hidden = (_number(row, one) for one in ("rank", "terms", "towers_share", "hidden"))
    said = ["the whole first fully connected layer" if rank is None else f"rank {rank:.0f} of {width}"]
    if terms is not None:
        said.append(f"{terms:.0f} separable term{'s' if terms > 1 else ''}")
    if hidden is not None:
        said.append(f"{hidden:.0f} hidden units")
    if share is not None:
        said.append("all tower channels" if share == 1 else f"{100 * share:.0f} % of the tower channels")
    if row.get("coarse_input") is not None and bool(row["coarse_input"]):
        said.append("pictures of half the size")
    return said[0] if len(said) == 1 else f"{said[0]} with {_listed(said[1:])}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number(row: "pd.Series[Any]", column: str) -> float | None:
    value = row.get(column)
    return None if value is None or pd.isna(value) else float(value)


def _worse(row: "pd.Series[Any]") -> str:
    mean, low, high = (row[f"worse_percent_{part}"] for part in ("mean", "low", "high"))
    return f"{mean:+.1f} % [{low:+.1f}, {high:+.1f}] error"


def _reference(row: "pd.Series[Any]") -> str:
    return "the teacher given the same tuning" if str(row.get("against")).startswith("control") else "the teacher"


def _expectation(row: "pd.Series[Any]", frontier: pd.DataFrame, expected_rank: int) -> str:
    """What the layer's use alone would have suggested, with what was measured there."""
    if _number(row, "rank") == expected_rank:
        return ", the rank that the layer's use suggests"
    own = _own(frontier)
    there = own[own["rank"] == expected_rank]
    measured = f", where {_worse(_least_worse(there))} was measured" if len(there) else ", which was not tried"
    return f" (the layer's use alone suggests rank {expected_rank}{measured})"
