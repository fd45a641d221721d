"""Photographs whose label is whether some viewers agree on where to look, and whose map is drawn from the other viewers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.fault_kinds import raise_faults
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.fixations.table import FixationTable
from xgaze.data.looked_at import LookedAt, OnSquares, by_stimulus, joined, on_square
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
from xgaze.data.photographs.photograph_sections import ViewerAgreementData
from xgaze.data.photographs.square import size_of, stretched
from xgaze.data.photographs.stimulus_files import absent, other_shapes, photograph_file, photographs_told
from xgaze.data.pictures.decoding import Decoded
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.recorded_targets import LABEL_COLUMN

CLASSES = ("differ", "agree")
LABEL_GRID, MAP_GRID = 100, 200


@dataclass(frozen=True, eq=False)
class AgreementRows:
    """rows: stimulus, its size (width, height) px, agreement (mean over the labelling viewers), label (1 agree, 0 differ, -1
    between). maps: of the others,
    one per row, 8-bit grey. viewers: those who label. notes: what was left out, in words."""

    rows: pd.DataFrame
    maps: tuple[NDArray[np.uint8], ...]
    viewers: tuple[str, ...]
    notes: tuple[str, ...]


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


@dataclass(frozen=True, eq=False)
class AgreementRecording(PhotographRecording):
    """Photographs of which single viewers' fixations are known."""

    settings: ViewerAgreementData

    def fixations_on_squares(self, rows: Sequence[int]) -> OnSquares:
        """Those of the viewers whom the attention maps are drawn from; what lies outside the square is left out.

        Raises InputError if the table cannot be read.
        """
        data = self.settings
        table = read_fixations(data.path / data.table, data.fixations.model_copy(update={"min_fixations": 1}))
        labelling = labelling_viewers(table, data)
        shown = {one.name: one for one in by_stimulus(table)}
        names = self.table["id"].astype(str).to_numpy()
        viewers, spreads = {}, []
        for row in rows:
            own = shown[names[row]]
            picture = size_of(*self.pictures.read(row).size, data.shorter_side)
            looks = [points for person, (points, _) in own.looks.items() if person not in labelling]
            placed = (on_square(points, own.size, picture, data.side) for points in looks)
            viewers[int(row)] = tuple(one for one in placed if len(one))
            spreads.append(data.sigma_px * data.shorter_side / min(own.size))
        return OnSquares(viewers, float(np.median(spreads)))


def open_viewer_agreement(data: ViewerAgreementData) -> AgreementRecording:
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
    table = pd.DataFrame({"id": rows["stimulus"], "group": rows["stimulus"], "session": "0", "split": splits})
    table[LABEL_COLUMN], table["agreement"] = rows["label"], rows["agreement"]
    maps = DrawnMaps(tuple(found.maps[k] for k in kept))
    spec, notes = photograph_spec(data, CLASSES, "pictures"), tuple(agreement_notes(found))
    return AgreementRecording(spec, table, Files(tuple(files)), maps, data, notes=notes)


def agreement_notes(found: AgreementRows) -> list[str]:
    """What reading the fixations left out, who labels, and how many pictures are in neither class."""
    between = int((found.rows["label"] == BETWEEN).sum())
    told = (
        f"{between:,} of {len(found.rows):,} pictures are neither among those of most nor of least agreement: left out."
    )
    labelling = (
        f"Agreement is that of {len(found.viewers)} viewers ({', '.join(found.viewers)}); maps are of the others."
    )
    return [*found.notes, *([told] if between else []), labelling]


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
    points, durations = joined(others)
    drawn = stretched(viewer_map(points, durations, picture.size, data.sigma_px, MAP_GRID), picture.name)
    return picture.name, float(agreement.mean()), grey(drawn)
