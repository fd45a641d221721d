"""Photographs whose label is whether some viewers agree on where to look, and whose map is drawn from the other viewers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.contract import LABEL_COLUMN
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.scanpaths import scanpaths_of
from xgaze.data.fixations.table import FixationTable
from xgaze.data.path_templates import natural_key
from xgaze.data.photographs.agreement_labels import (
    BETWEEN,
    leave_one_out_auc,
    leave_one_out_correlation,
    top_and_bottom,
    viewer_map,
)
from xgaze.data.photographs.attention import grey
from xgaze.data.photographs.photograph_recording import Files, PhotographRecording, photograph_spec
from xgaze.data.photographs.square import stretched
from xgaze.data.photographs.stimulus_files import absent, other_shapes, photograph_file, photographs_told
from xgaze.data.pictures.decoding import Decoded
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.limits import require_picture_size
from xgaze.recipe import ViewerAgreementData

CLASSES = ("differ", "agree")
LABEL_GRID, MAP_GRID = 100, 200
Look = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Points (n, 2) px and durations (n,) ms."""
STIMULUS_SIZE = ["stimulus_width_px", "stimulus_height_px"]


@dataclass(frozen=True, eq=False)
class AgreementRows:
    """rows: stimulus, its size (width, height) px, agreement (mean over the labelling viewers), label (1 agree, 0 differ, -1
    between). maps: of the others,
    one per row, 8-bit grey. viewers: those who label. notes: what was left out, in words."""

    rows: pd.DataFrame
    maps: tuple[NDArray[np.uint8], ...]
    viewers: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LookedAt:
    """A picture, its size (width, height) in px, and what each viewer looked at."""

    name: str
    size: tuple[int, int]
    looks: dict[str, Look]


@dataclass(frozen=True, eq=False)
class DrawnMaps:
    """Attention maps in memory."""

    maps: tuple[NDArray[np.uint8], ...]

    def has(self, row: int) -> bool:
        return row < len(self.maps)

    def name(self, row: int) -> str:
        return f"map {row + 1}"

    def read(self, row: int) -> Image.Image:
        return Image.fromarray(self.maps[row])

    def decode(self, row: int) -> Decoded:
        return Decoded(self.read(row))


def open_viewer_agreement(data: ViewerAgreementData) -> PhotographRecording:
    """Measure agreement, keep the top and the bottom pictures, draw splits by picture. Raises InputError with all faults."""
    found = agreement_rows(data)
    kept = np.flatnonzero(found.rows["label"] != BETWEEN)
    rows = found.rows.iloc[kept].reset_index(drop=True)
    files = [photograph_file(data.path / data.pictures, name) for name in rows["stimulus"]]
    sizes = {str(name): size for name, size in zip(rows["stimulus"], rows["size"], strict=True)}
    raise_faults(data.path, absent(files) or other_shapes(data.path / data.pictures, sizes))
    splits = assign_splits(
        list(rows["stimulus"]), list(rows["label"]), data.split.validation, data.split.test, data.seed, "picture(s)"
    )
    table = pd.DataFrame({"id": rows["stimulus"], "participant": rows["stimulus"], "session": "0", "split": splits})
    table[LABEL_COLUMN], table["agreement"] = rows["label"], rows["agreement"]
    maps = DrawnMaps(tuple(found.maps[k] for k in kept))
    return PhotographRecording(photograph_spec(data, CLASSES, "pictures"), table, Files(tuple(files)), maps, data)


def agreement_rows(data: ViewerAgreementData) -> AgreementRows:
    """Agreement, label and map of every picture that all labelling viewers and at least one other looked at."""
    settings = data.fixations.model_copy(update={"min_fixations": 1})
    table = read_fixations(data.path / data.table, settings)
    viewers = labelling_viewers(table, data)
    pictures = by_stimulus(table)
    measured = [one for looks in pictures if (one := _measured(looks, viewers, data)) is not None]
    if len(measured) * data.share < 3:
        raise InputError(
            f"{data.path / data.table}: {len(measured)} pictures were looked at by all {len(viewers)} labelling viewers and "
            f"one other; three or more of each class are needed."
        )
    rows = pd.DataFrame([(name, agreement) for name, agreement, _ in measured], columns=["stimulus", "agreement"])
    rows["label"] = top_and_bottom(rows["agreement"], data.share)
    sizes = {one.name: one.size for one in pictures}
    rows["size"] = [sizes[name] for name in rows["stimulus"]]
    total = len(pictures)
    notes = (*table.notes, *photographs_told(data.path / data.pictures, sizes))
    if total > len(rows):
        notes = (*notes, f"{total - len(rows):,} of {total:,} pictures were not seen by all who label: left out.")
    return AgreementRows(rows, tuple(drawn for *_, drawn in measured), viewers, notes)


def labelling_viewers(table: FixationTable, data: ViewerAgreementData) -> tuple[str, ...]:
    """Those who label, drawn by `data.seed`. Raises InputError unless one other viewer at least is left."""
    people = sorted(set(table.rows["participant"]), key=natural_key)
    if len(people) <= data.labelling_viewers:
        raise InputError(
            f"{data.path / data.table}: {len(people)} viewers, of whom {data.labelling_viewers} shall label; the attention map "
            "needs at least one other. Set labelling_viewers."
        )
    drawn = np.random.default_rng(data.seed % 2**63).permutation(len(people))[: data.labelling_viewers]
    return tuple(people[k] for k in sorted(drawn))


def _measured(
    picture: LookedAt, viewers: tuple[str, ...], data: ViewerAgreementData
) -> tuple[str, float, NDArray[np.uint8]] | None:
    """A picture's name, agreement and map; None where a labelling viewer, or everyone else, did not look at it."""
    others = [look for person, look in picture.looks.items() if person not in viewers]
    if not others or not set(viewers) <= set(picture.looks):
        return None
    each = [picture.looks[person] for person in viewers]
    maps = np.stack([viewer_map(points, ms, picture.size, data.sigma_px, LABEL_GRID) for points, ms in each])
    if data.measure == "auc":
        agreement = leave_one_out_auc(maps, [points / picture.size for points, _ in each])
    else:
        agreement = leave_one_out_correlation(maps)
    points, durations = _joined(others)
    drawn = stretched(viewer_map(points, durations, picture.size, data.sigma_px, MAP_GRID), picture.name)
    return picture.name, float(agreement.mean()), grey(drawn)


def by_stimulus(table: FixationTable) -> list[LookedAt]:
    """Every picture with each viewer's fixations, those of several viewings together. Raises InputError for one too large."""
    sizes: dict[str, tuple[int, int]] = {}
    if set(STIMULUS_SIZE) <= set(table.rows.columns):
        told = table.rows.drop_duplicates("stimulus")[["stimulus", *STIMULUS_SIZE]]
        sizes = {str(name): (round(width), round(height)) for name, width, height in told.itertuples(index=False)}
    for name in set(table.rows["stimulus"]):
        require_picture_size(*sizes.get(name, table.size), f"stimulus '{name}'", "Scale size and fixations down.")
    found: dict[str, dict[str, list[Look]]] = {}
    for one in scanpaths_of(table):
        viewings = found.setdefault(one.stimulus, {}).setdefault(one.participant, [])
        viewings.append((one.xy_px, one.duration_ms))
    return [
        LookedAt(name, sizes.get(name, table.size), {person: _joined(own) for person, own in looks.items()})
        for name, looks in found.items()
    ]


def _joined(looks: list[Look]) -> Look:
    return np.concatenate([points for points, _ in looks]), np.concatenate([durations for _, durations in looks])
