"""Where people looked on the squares of photographs that a model is given: single viewers' fixations, where they are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.contract import Recording
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.photographs.agreement_recording import by_stimulus, labelling_viewers
from xgaze.data.photographs.photograph_recording import PhotographRecording
from xgaze.data.photographs.square import size_of
from xgaze.recipe import ViewerAgreementData

Viewers = tuple[NDArray[np.float64], ...]
"""Each viewer's fixations (n, 2), px of the square."""


@dataclass(frozen=True, eq=False)
class OnSquares:
    """viewers: by row of the recording. sigma_px: how far a fixation was spread on the maps, in px of the square."""

    viewers: dict[int, Viewers]
    sigma_px: float


def fixations_on_squares(recording: Recording, rows: Sequence[int]) -> OnSquares | None:
    """Fixations of those viewers whom the attention maps are drawn from; what lies outside the square is left out.

    None for a recording that knows maps only. Raises InputError if the table cannot be read.
    """
    if not isinstance(recording, PhotographRecording) or not isinstance(recording.settings, ViewerAgreementData):
        return None
    data = recording.settings
    table = read_fixations(data.path / data.table, data.fixations.model_copy(update={"min_fixations": 1}))
    labelling = labelling_viewers(table, data)
    shown = {one.name: one for one in by_stimulus(table)}
    names = recording.table["id"].astype(str).to_numpy()
    viewers, spreads = {}, []
    for row in rows:
        own = shown[names[row]]
        picture = size_of(*recording.pictures.read(row).size, data.shorter_side)
        looks = [points for person, (points, _) in own.looks.items() if person not in labelling]
        placed = (on_square(points, own.size, picture, data.side) for points in looks)
        viewers[int(row)] = tuple(one for one in placed if len(one))
        spreads.append(data.sigma_px * data.shorter_side / min(own.size))
    return OnSquares(viewers, float(np.median(spreads)))


def on_square(
    points_px: ArrayLike, size: tuple[float, float], picture: tuple[int, int], side: int
) -> NDArray[np.float64]:
    """Fixations (n, 2) on a stimulus of `size` in px of the square of `side` cut from the middle of its `picture`; sizes are
    (width, height). Those outside the square are left out."""
    left, top = ((length - side) // 2 for length in picture)
    placed = np.asarray(points_px, np.float64).reshape(-1, 2) / size * picture - (left, top)
    inside: NDArray[np.float64] = placed[((placed >= 0) & (placed < side)).all(axis=1)]
    return inside
