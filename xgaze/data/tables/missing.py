"""Words that stand for nothing, in one place."""

import pandas as pd

MISSING_WORDS = frozenset({"", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "none", "null", "-", "--", "."})
MISSING_NUMBERS = MISSING_WORDS | {"inf", "-inf", "+inf", "infinity", "-infinity"}


def as_text(values: pd.Series) -> pd.Series:
    """Cells as text, stripped, empty where a table that is not text holds none."""
    return values.astype(object).where(values.notna(), "").astype(str).str.strip()


def is_missing(values: pd.Series) -> pd.Series:
    """Where a cell names nobody and nothing."""
    return as_text(values).str.lower().isin(MISSING_WORDS)


def missing_words(values: pd.Series) -> str:
    """Which words those were, with counts: "'NaN' 8, empty 2"."""
    counts = as_text(values)[is_missing(values)].value_counts()
    return ", ".join(f"{repr(word) if word else 'empty'} {count:,}" for word, count in counts.items())
