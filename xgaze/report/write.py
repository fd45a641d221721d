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
from xgaze.report.page import render_page

PAGE, REPORT, MAPS = "index.html", "report.json", "maps.npz"


def write_report(folder: Path, report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> Path:
    """Write everything and return the page's path. The page is rendered from what was written, not from memory."""
    write_json(folder / REPORT, json.loads(json.dumps(report, default=lambda value: value.item())))
    _write_maps(folder / MAPS, maps)
    write_csv(folder / "per_participant.csv", pd.DataFrame(report["per_participant"]))
    if report["candidates"]:
        write_csv(folder / "candidates.csv", pd.json_normalize(report["candidates"]))
    return rebuild(folder)


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
