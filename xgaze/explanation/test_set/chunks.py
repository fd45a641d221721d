"""Long measurements over many samples: in chunks, each on disk once finished, so that a stopped run goes on."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.artifacts import atomic_path
from xgaze.progress import Advance

CHUNK = 8
Measure = Callable[[int], Mapping[str, float]]
"""Row of the recording -> named figures. A figure that a sample does not have is left out."""


def measured_table(
    folder: Path, rows: Sequence[int], measure: Measure, advance: Advance | None = None, chunk: int = CHUNK
) -> pd.DataFrame:
    """One line of figures per row, in order; NaN where a sample lacks one. Finished chunks in `folder` are only read.

    `folder` must be named by all that the figures depend on; other folders beside it are removed. Memory holds one sample's
    maps at a time, disk only figures.
    """
    _remove_others(folder)
    tables = []
    for start in range(0, len(rows), chunk):
        part = [int(row) for row in rows[start : start + chunk]]
        file = folder / f"chunk-{start // chunk:05d}.npz"
        table = read_chunk(file, part)
        if table is None:
            table = _measured(part, measure, start, len(rows), advance)
            write_chunk(file, table)
        tables.append(table)
        if advance:
            advance(start + len(part), len(rows))
    return pd.concat(tables)


def read_chunk(file: Path, rows: Sequence[int]) -> pd.DataFrame | None:
    """The chunk in `file` if it is whole and of these rows."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            figures = stored["figures"].astype(np.float64)
            table = pd.DataFrame(figures, index=stored["rows"], columns=stored["names"].tolist())
    except Exception:  # what a damaged file raises is of a dozen types; it is measured again
        return None
    return table if table.index.tolist() == list(rows) else None


def write_chunk(file: Path, table: pd.DataFrame) -> None:
    """figures (rows, names) float64, rows and names: whole or not at all."""
    with atomic_path(file) as temporary:
        names = np.array([str(name) for name in table.columns])
        np.savez_compressed(temporary, figures=table.to_numpy(np.float64), rows=table.index.to_numpy(), names=names)


def _measured(part: Sequence[int], measure: Measure, start: int, total: int, advance: Advance | None) -> pd.DataFrame:
    lines = []
    for k, row in enumerate(part):
        lines.append(dict(measure(row)))
        if advance:
            advance(start + k + 1, total)
    return pd.DataFrame(lines, index=list(part))


def _remove_others(folder: Path) -> None:
    for other in folder.parent.glob("*") if folder.parent.is_dir() else ():
        if other != folder and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
