"""Write a report's folder: report.json, its schema, maps.npz (all it shows), tables as CSV, and the page rendered from them."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.artifacts import atomic_path, write_csv, write_json, write_text
from xgaze.report.page.page import render_page
from xgaze.report.report_schema import read_report, report_schema
from xgaze.report.section import in_reading_order
from xgaze.report.verdicts import checks_json
from xgaze.writing import scratch_folder

PAGE, REPORT, SCHEMA, MAPS = "index.html", "report.json", "report.schema.json", "maps.npz"
CHECKS = "checks.json"


def write_report(folder: Path, report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> Path:
    """Write everything and return the page's path. The page is rendered from what was written, not from memory. An earlier
    report stays until all is written."""
    tables = report_tables(report)
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder.parent, folder.name) as made:
        write_json(made / REPORT, json.loads(json.dumps(report, default=lambda value: value.item())))
        write_json(made / SCHEMA, report_schema().model_json_schema())
        write_json(made / CHECKS, checks_json(report.get("checks") or []))
        _write_maps(made / MAPS, maps)
        for name, rows in tables.items():
            write_csv(made / f"{name}.csv", pd.json_normalize(rows, sep="_"))
        page = rebuild(made)
        for file in sorted(made.iterdir(), key=lambda one: one == page):  # the page comes last
            file.replace(folder / file.name)
    for name in {name for one in in_reading_order() for name in one.csv} - set(tables):  # of an earlier report
        (folder / f"{name}.csv").unlink(missing_ok=True)
    return folder / PAGE


def report_tables(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The report's tables by the names of their CSV files; what is not there is left out."""
    made = {name: rows(report) for one in in_reading_order() for name, rows in one.csv.items()}
    return {name: rows for name, rows in made.items() if rows}


def rebuild(folder: Path) -> Path:
    """Render index.html again from report.json and maps.npz alone."""
    with np.load(folder / MAPS, allow_pickle=False) as stored:
        maps = {name: stored[name] for name in stored.files}
    page = folder / PAGE
    write_text(page, render_page(read_report(folder / REPORT), maps))
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
