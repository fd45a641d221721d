"""Photographs with fixations: places that people looked at, and places they did not, as samples."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.data.crops.crop_recording import CropRecording, CutCrops, crop_spec, crop_table
from xgaze.data.crops.crop_sections import FixationCropsData
from xgaze.data.crops.crops import SCALES
from xgaze.data.crops.places import drawn_places
from xgaze.data.fault_kinds import raise_faults
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.looked_at import LookedAt, PicturesLookedAt, by_stimulus
from xgaze.data.photographs.agreement_labels import viewer_map
from xgaze.data.photographs.stimulus_files import absent, other_shapes, photograph_file, photographs_told
from xgaze.data.pictures.decoding import read_picture
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError

FEWEST = 3


@dataclass(frozen=True)
class PhotographFiles:
    """Photographs in files, decoded when read."""

    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.files)

    def pixels(self, row: int) -> NDArray[np.uint8]:
        return np.ascontiguousarray(np.moveaxis(np.asarray(read_picture(self.files[row]).convert("RGB")), -1, 0))


@dataclass(frozen=True, eq=False)
class FixationCropRecording(CropRecording):
    """Of its photographs every viewer's fixations are known."""

    looked_at: PicturesLookedAt | None = None
    files: tuple[Path, ...] = ()


def open_fixation_crops(data: FixationCropsData) -> FixationCropRecording:
    """Draw places and splits. Raises InputError with all faults that show without decoding photographs."""
    looked_at, notes = pictures_looked_at(data)
    files = tuple(photograph_file(data.path / data.pictures, one.name) for one in looked_at)
    sizes = {one.name: one.size for one in looked_at}
    raise_faults(data.path, absent(files) or other_shapes(data.path / data.pictures, sizes))
    names = [one.name for one in looked_at]
    splits = assign_splits(names, None, data.split.validation, data.split.test, data.seed, "picture(s)")
    drawn = [drawn_places(looking_map(one, data.sigma_px), data.places, data.seed, one.name) for one in looked_at]
    points, labels = [one for one, _ in drawn], [one for _, one in drawn]
    photographs = PhotographFiles(files)
    pictures = np.repeat(np.arange(len(names)), [len(one) for one in labels])
    crops = CutCrops(photographs, pictures, np.concatenate(points))
    table = crop_table(names, list(splits), points, labels)
    looks = PicturesLookedAt(photographs, looked_at, data.sigma_px)
    return FixationCropRecording(crop_spec(), table, crops, photographs, notes, looks, files)


def pictures_looked_at(data: FixationCropsData) -> tuple[tuple[LookedAt, ...], tuple[str, ...]]:
    """The photographs of the table, sorted by name, and what reading left out. Raises InputError for fewer than three."""
    settings = data.fixations.model_copy(update={"min_fixations": 1})
    table = read_fixations(data.path / data.table, settings)
    found = sorted(by_stimulus(table), key=lambda one: one.name)
    if len(found) < FEWEST:
        raise InputError(
            f"{data.path / data.table}: fixations on {len(found)} pictures; five are needed: two to test, two to validate."
        )
    notes = (*table.notes, *photographs_told(data.path / data.pictures, {one.name: one.size for one in found}))
    if data.most_pictures is None or data.most_pictures >= len(found):
        return tuple(found), notes
    drawn = np.sort(np.random.default_rng(data.seed % 2**63).permutation(len(found))[: data.most_pictures])
    note = f"{data.most_pictures:,} of {len(found):,} pictures, drawn by seed (most_pictures)."
    return tuple(found[k] for k in drawn), (*notes, note)


def looking_map(picture: LookedAt, sigma_px: float) -> NDArray[np.float64]:
    """Blurred fixations of all viewers, all alike, on a grid as fine as the largest scale that models see."""
    points = np.concatenate([points for points, _ in picture.looks.values()])
    return viewer_map(points, np.ones(len(points)), picture.size, sigma_px, max(SCALES))
