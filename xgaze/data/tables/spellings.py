"""Names of tables in several spellings: "P01" and "p1 " are hardly two people."""

from collections.abc import Mapping, Sequence

import pandas as pd

from xgaze.data.fault_kinds import Fault
from xgaze.data.identities import alike, number
from xgaze.data.tables.missing import is_missing
from xgaze.recipe.text_table import TextTable

SHOWN = 5


def spellings_of(names: pd.Series) -> list[dict[str, int]]:
    """Names of one identity in several spellings: of each spelling how often it occurs, the most frequent first."""
    counts = names[names != ""].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [{name: int(counts[name]) for name in group} for group in alike(map(str, counts.index), number)]


def doubtful(names: pd.Series, what: str, unit: str) -> list[Fault]:
    """A fault for each identity in several spellings. what: "participants"; unit: what is counted, "fixations"."""
    asked = "one, or several? Set spellings: same, or spellings: apart."
    return [Fault("names alike", f"{what} {_counted(group, unit)}: {asked}") for group in spellings_of(names)]


def one_spelling(names: pd.Series) -> tuple[pd.Series, list[str]]:
    """Every identity in its most frequent spelling, and what was taken for the same, in words."""
    groups = spellings_of(names)
    spelt = {name: next(iter(group)) for group in groups for name in group}
    notes = [f"{', '.join(map(repr, list(group)[1:]))} taken for {next(iter(group))!r}." for group in groups]
    return (names.map(lambda name: spelt.get(name, name)) if spelt else names), notes


def spelt(
    table: pd.DataFrame, columns: Sequence[str], settings: TextTable, name: str
) -> tuple[pd.DataFrame, list[Fault]]:
    """The table with one spelling of each name in these columns where the settings say so; faults where they ask."""
    columns = list(dict.fromkeys(one for one in columns if one in table))
    if settings.spellings == "same":
        return table.assign(**{column: one_spelling(table[column])[0] for column in columns}), []
    if settings.spellings == "apart":
        return table, []
    words = {column: table[column].mask(is_missing(table[column]), "") for column in columns}
    return table, [fault for column, own in words.items() for fault in doubtful(own, f"{name}: {column}", "rows")]


def _counted(spellings: Mapping[str, int], unit: str) -> str:
    shown = [f"{name!r} ({count:,} {unit})" for name, count in list(spellings.items())[:SHOWN]]
    more = f" and {len(spellings) - SHOWN} more" if len(spellings) > SHOWN else ""
    return " and ".join(shown) + more
