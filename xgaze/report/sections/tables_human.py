"""Tables and example pictures of the section on where people look."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.report.drawing.images import common_scale, map_uri, picture_uri
from xgaze.report.drawing.tables import Cell, Table, between, model, table
from xgaze.report.words import COMPLETENESS_LIMIT_PERCENT

SHOWN = (
    ("pointing", "peak in the most looked-at tenth"),
    ("nss", "NSS"),
    ("cc", "CC"),
    ("kl", "KL (lower is better)"),
    ("shuffled_auc", "shuffled AUC"),
    ("auc_judd", "AUC-Judd"),
)
EXAMPLES = 2
Maps = Mapping[str, NDArray[Any]]


def human_tables(report: dict[str, Any]) -> dict[str, Table]:
    """The scores, and the paired differences, where people's maps are known."""
    found = report.get("human")
    if not found:
        return {}
    tables = {"human": _scores(found, _refused(report["methods"] or []))}
    return tables | ({"human-differences": _differences(found)} if found["differences"] else {})


def looked_views(report: dict[str, Any], maps: Maps) -> list[dict[str, Any]]:
    """Per example: the photograph, where people looked, and where every model's maps lie, as data URIs."""
    samples = (report["attribution"] or {}).get("samples", [])
    pictures = [one["name"] for one in report["inputs"] if len(one["shape"]) == 3 and one["name"] != "attention"]
    return [
        {"id": samples[k]["id"], "cells": _cells(k, pictures[0], maps)}
        for k in range(min(EXAMPLES, len(samples)))
        if f"{k}/people" in maps
    ]


def _cells(place: int, picture: str, maps: Maps) -> list[dict[str, str]]:
    photograph, start = maps[f"{place}/image/{picture}"], f"{place}/people"
    own = {"people": maps[start]}
    own |= {" by ".join(key.split("/")[2:]): one for key, one in maps.items() if key.startswith(f"{start}/")}
    drawn = [
        {"label": name, "uri": map_uri(np.asarray(one), photograph, common_scale([one]))} for name, one in own.items()
    ]
    return [{"label": "photograph", "uri": picture_uri(photograph)}, *drawn]


def _refused(verdicts: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(model, method) that do not account for the output's change on these models."""
    return {
        (one["role"], one["name"])
        for one in verdicts
        if not one["offered"] and (one["completeness_percent"] or 0) > COMPLETENESS_LIMIT_PERCENT
    }


def _scores(found: dict[str, Any], refused: set[tuple[str, str]]) -> Table:
    rows = []
    for row in found["rows"]:
        bad = (row["model"], row["method"]) in refused
        method = Cell(f"{row['method']} (refused by the checks)", look="missed") if bad else Cell(row["method"])
        rows.append((model(row["model"]), method, *(between(row[key], 2) for key, _ in SHOWN)))
    return table(
        "Scores against where people looked", ("maps of", "method", *(label for _, label in SHOWN)), rows, (0, 1)
    )


def _differences(found: dict[str, Any]) -> Table:
    rows = [
        (f"{one['first']} minus {one['second']}", one["method"], *(between(one[key], 3) for key, _ in SHOWN))
        for one in found["differences"]
    ]
    columns = ("paired difference", "method", *(label for _, label in SHOWN))
    return table("Paired differences", columns, rows, (0, 1))
