"""The decision in plain words: what to keep, and what was measured there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from xgaze.artifacts import CONTROL
from xgaze.errors import InputError
from xgaze.report.drawing.format import NOT_DEFINED, OF_SPREAD, count, number, percent

OWN_METHOD = "xgaze"
CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "stem": "first convolutions on averaged pictures",
        "factored_conv": "thin kernels in place of large ones",
        "shared_towers": "one tower's weights for all towers that are alike",
    }
)
NEEDED = (
    *("method", "rank", "terms", "towers_share", "coarse_input", "fc_parameters", "against", "chosen"),
    *("worse_unit", "worse_percent_mean", "worse_percent_low", "worse_percent_high"),
)


def decision(expected_rank: int, width: int, frontier: pd.DataFrame | None, who: str = "people") -> str:
    """A sentence or two. expected_rank: directions of the first fully connected layer that the prediction needs, of its `width`
    outputs. frontier: rows of budget.csv; without any, it says that nothing was measured. who: what splits keep apart.

    The student that was chosen is recommended; where none was, the one nearest to the expected rank that loses least.
    Raises InputError for a frontier without the columns of budget.csv.
    """
    if frontier is None or frontier.empty:
        return (
            f"Try {_directions(expected_rank, width)}: they hold 99 % of what the prediction draws from that layer. This is "
            "not measured yet; `xgaze distill` measures it."
        )
    missing = [column for column in NEEDED if column not in frontier]
    if missing:
        raise InputError(f"budget.csv: no column {', '.join(missing)}. Run `xgaze distill --force`.")
    row = _recommended(frontier, expected_rank)
    plus = "" if row["worse_unit"] == OF_SPREAD else "; plus is worse"
    return (
        f"Keep {_what(row, width)}: on validation {who} this was measured to be {_worse(row)}{plus}), with "
        f"{count(int(row['fc_parameters']))} parameters in fully connected layers. {_expectation(row, frontier, expected_rank)}"
    )


def _directions(rank: float, width: int) -> str:
    return f"{rank:.0f} of the {width} directions of the first fully connected layer"


def _recommended(frontier: pd.DataFrame, expected_rank: int) -> "pd.Series[Any]":
    chosen = frontier[frontier["chosen"].astype(bool)]
    if len(chosen):
        return chosen.iloc[0]
    own = _own(frontier)
    distance = (own["rank"] - expected_rank).abs().fillna(float("inf"))
    return _least_worse(own[distance == distance.min()])


def _own(frontier: pd.DataFrame) -> pd.DataFrame:
    """Without the methods that were tried for comparison, unless there is nothing else."""
    own = frontier[frontier["method"] == OWN_METHOD]
    return own if len(own) else frontier


def _least_worse(rows: pd.DataFrame) -> "pd.Series[Any]":
    return rows.sort_values("worse_percent_mean", kind="stable").iloc[0]


def _what(row: "pd.Series[Any]", width: int) -> str:
    rank, terms, share = _number(row, "rank"), _number(row, "terms"), float(row["towers_share"])
    said = ["all of the first fully connected layer" if rank is None else _directions(rank, width)]
    if terms is not None:
        products = f"made of {terms:.0f} products" if terms > 1 else "that are the product"
        said.append(f"filters {products} of a row and a column")
    said.append(f"{'all' if share == 1 else f'{100 * share:.0f} % of the'} channels of the convolutions")
    if bool(row["coarse_input"]):
        said.append("pictures of half the size")
    said += _wiring(row)
    return _listed(said)


def _wiring(row: "pd.Series[Any]") -> list[str]:
    """What else was changed, each in a few words; what is not known here, by its name."""
    stored = row.get("others")
    names = [] if stored is None or pd.isna(stored) else [one.partition("=")[0] for one in str(stored).split()]
    return [CHANGES.get(name, name.replace("_", " ")) for name in names]


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _number(row: "pd.Series[Any]", column: str) -> float | None:
    return None if pd.isna(row[column]) else float(row[column])


def _worse(row: "pd.Series[Any]") -> str:
    mean, unit = float(row["worse_percent_mean"]), str(row["worse_unit"])
    low, high = (_number(row, f"worse_percent_{end}") for end in ("low", "high"))
    ends = NOT_DEFINED if low is None or high is None else f"from {percent(low, unit)} to {percent(high, unit)}"
    if unit == OF_SPREAD:
        ends = NOT_DEFINED if low is None or high is None else f"{number(low)} to {number(high)}"
        return f"{number(mean)} {unit} from the teacher (95 % interval {ends}"
    return (
        f"{number(abs(mean))} {unit} {'better' if mean < 0 else 'worse'} than {_reference(row)} (95 % interval {ends}"
    )


def _reference(row: "pd.Series[Any]") -> str:
    return "the teacher given the same tuning" if str(row["against"]).startswith(CONTROL) else "the teacher"


def _expectation(row: "pd.Series[Any]", frontier: pd.DataFrame, expected_rank: int) -> str:
    """What the layer's use alone would have suggested, with what was measured there."""
    if _number(row, "rank") == expected_rank:
        return "How the teacher uses the layer suggests the same number."
    own = _own(frontier)
    there = own[own["rank"] == expected_rank]
    best = _least_worse(there) if len(there) else None
    measured = "was not tried" if best is None else f"was measured to be {_worse(best)})"
    return f"How the teacher uses the layer suggests {expected_rank} directions, which {measured}."
