"""What the attributions of a recording's test pictures are held against: human maps, fixations, and the centre bias."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Recording, rows_of
from xgaze.data.looked_at import Viewers
from xgaze.errors import InputError
from xgaze.evaluation.looking.fixation_maps import as_density
from xgaze.explanation.attribution.parts import is_picture
from xgaze.explanation.human.attention_scores import Map, drawn_places
from xgaze.explanation.test_set.selection import reference_rows

ATTENTION = "attention"
PEOPLE_FILE = "human.csv"
SIGMA_SHARE = 0.04
"""Of the picture's side: how far a fixation spreads where only finished maps are known."""
MOST_PICTURES = 512


@dataclass(frozen=True, eq=False)
class People:
    """place: of the photograph among the inputs. places: fixations (n, 2) by row of the test pictures, px; pool: the rows whose
    fixations others are told from. viewers: fixations by single viewer, empty where they are not known. centre: mean density
    (H, W) of the training pictures' maps. sigma_px: how far a fixation spreads. map_is_input: whether models are given the map
    itself."""

    place: int
    places: dict[int, NDArray[np.float64]]
    pool: frozenset[int]
    viewers: dict[int, Viewers]
    centre: Map
    sigma_px: float
    map_is_input: bool

    def others(self, row: int) -> NDArray[np.float64]:
        """The fixations (m, 2) on the other test pictures, which all have the same size."""
        return np.concatenate([points for other, points in self.places.items() if other != row and other in self.pool])


def people_of(recording: Recording, rows: Sequence[int], seed: int) -> People | None:
    """What people looked at on the test pictures, `rows` among them; None where the recording holds no maps of one photograph."""
    place = _photograph(recording)
    if place is None or ATTENTION not in recording[int(rows_of(recording, "train")[0])].aux:
        return None
    pool = _pool(recording, seed)
    shown = sorted(pool | {int(row) for row in rows})
    known = recording.fixations_on_squares(shown)
    if known is None:
        places = {
            row: drawn_places(human, seed + row) for row in shown if (human := map_of(recording, row)) is not None
        }
    else:
        places = {row: np.concatenate(own) for row, own in known.viewers.items() if own}
    if len(pool & set(places)) < 2:
        return None
    side = max(recording.spec.inputs[place].picture[1:])
    return People(
        place,
        places,
        pool,
        known.viewers if known else {},
        _centre(recording, seed),
        known.sigma_px if known else SIGMA_SHARE * side,
        any(one.name == ATTENTION for one in recording.spec.inputs),
    )


def map_of(recording: Recording, row: int) -> Map | None:
    """The human map (H, W) of a picture, 0..1; None where it has none, or a blank one."""
    found = recording[row].aux.get(ATTENTION)
    return None if found is None or found.max() == found.min() else found[0].astype(np.float64) / 255


def _photograph(recording: Recording) -> int | None:
    """Place of the one picture that is no map of attention; None if there are several, or other inputs."""
    inputs = recording.spec.inputs
    places = [k for k, one in enumerate(inputs) if one.name != ATTENTION]
    return places[0] if len(places) == 1 and all(is_picture(one) for one in inputs) else None


def _pool(recording: Recording, seed: int) -> frozenset[int]:
    """The same test pictures whichever are asked for: all, or so many of very many."""
    kept = np.random.default_rng(seed % 2**63).permutation(rows_of(recording, "test"))[:MOST_PICTURES]
    return frozenset(int(row) for row in kept)


def _centre(recording: Recording, seed: int) -> Map:
    """Mean density of training pictures' maps. Raises InputError where all are blank."""
    maps = [map_of(recording, int(row)) for row in reference_rows(recording, seed)]
    densities = [as_density(one) for one in maps if one is not None]
    if not densities:
        raise InputError(
            "no training picture has a map of where people looked: there is no centre bias to compare with."
        )
    mean: Map = np.mean(densities, axis=0)
    return mean
