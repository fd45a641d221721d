"""Write a report's folder: report.json and maps.npz (all it shows), tables as CSV, and the page rendered from them."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.artifacts import atomic_path, read_json, write_csv, write_json, write_text
from xgaze.report.page.page import render_page
from xgaze.writing import scratch_folder

TABLES = {
    "per_participant": ("per_participant",),
    "candidates": ("candidates",),
    "regions": ("regions",),
    "methods": ("methods",),
    "agreement": ("agreement", "rows"),
    "deletion_insertion": ("agreement", "curves"),
    "anatomy": ("anatomy", "rows"),
    "anatomy_differences": ("anatomy", "differences"),
    "human": ("human", "rows"),
    "human_differences": ("human", "differences"),
    "layers": ("layers",),
    "probes": ("embedding", "probes"),
    "importance": ("embedding", "importance", "rows"),
    "importance_agreement": ("embedding", "importance", "agreement"),
    "refit": ("embedding", "importance", "refit"),
    "sweep_mean": ("sweep_mean", "variables"),
    "crossval_measures": ("crossval", "measures"),
    "crossval_participants": ("crossval", "per_participant"),
    "crossval_folds": ("crossval", "per_fold"),
    "crossval_history": ("crossval", "history"),
}
PATHS = (("sweep", "sweep", "variables"), ("sweep_mean_paths", "sweep_mean", "paths"))
PAGE, REPORT, MAPS = "index.html", "report.json", "maps.npz"


def write_report(folder: Path, report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> Path:
    """Write everything and return the page's path. The page is rendered from what was written, not from memory. An earlier
    report stays until all is written."""
    tables = report_tables(report)
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder.parent, folder.name) as made:
        write_json(made / REPORT, json.loads(json.dumps(report, default=lambda value: value.item())))
        _write_maps(made / MAPS, maps)
        for name, rows in tables.items():
            write_csv(made / f"{name}.csv", pd.json_normalize(rows, sep="_"))
        page = rebuild(made)
        for file in sorted(made.iterdir(), key=lambda one: one == page):  # the page comes last
            file.replace(folder / file.name)
    for name in {*TABLES, *(name for name, *_ in PATHS)} - set(tables):  # of an earlier report, no longer true
        (folder / f"{name}.csv").unlink(missing_ok=True)
    return folder / PAGE


def report_tables(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The report's tables by the names of their CSV files; what is not there is left out."""
    tables = {}
    for name, path in TABLES.items():
        rows: Any = report
        for key in path:
            rows = (rows or {}).get(key)
        if rows:
            tables[name] = rows
    for name, section, key in PATHS:
        lines = (report.get(section) or {}).get(key)
        if lines:
            tables[name] = [point for one in lines for point in _points(one)]
    return tables


def _points(line: dict[str, Any]) -> list[dict[str, Any]]:
    """A sweep's line as one row per point."""
    columns = {key: values for key, values in line.items() if isinstance(values, list)}
    places = range(len(line["values"]))
    return [{"variable": line["variable"], **{key: values[k] for key, values in columns.items()}} for k in places]


def rebuild(folder: Path) -> Path:
    """Render index.html again from report.json and maps.npz alone."""
    with np.load(folder / MAPS, allow_pickle=False) as stored:
        maps = {name: stored[name] for name in stored.files}
    page = folder / PAGE
    write_text(page, render_page(read_json(folder / REPORT), maps))
    return page


def _write_maps(path: Path, maps: Mapping[str, NDArray[Any]]) -> None:
    """As numpy's npz, but with fixed dates, so that the same maps give the same bytes."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in maps.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), file.getvalue(), zipfile.ZIP_DEFLATED
            )
