"""Places of a photograph that people looked at much, and those they did not, drawn from a map of looking."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.crops.crop_sections import SampledPlaces
from xgaze.data.photographs.attention import BlankMap


def drawn_places(
    looking: NDArray[Any], wanted: SampledPlaces, seed: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points (n, 2), x and y as shares of the picture, in the middle of px of its map (rows, columns); and labels (n,), 1 where
    people looked, then 0.

    Drawn without repetition, by seed and name of the picture alone. Raises BlankMap where a class has no place.
    """
    rng = np.random.default_rng([seed % 2**63, *name.encode()])
    values, peak = looking.ravel(), float(looking.max())
    masks = (values > wanted.above * peak, values < wanted.below * peak)
    kinds = ((wanted.positives, "looked at"), (wanted.negatives, "not looked at"))
    chosen = []
    for mask, (count, kind) in zip(masks, kinds, strict=True):
        cells = np.flatnonzero(mask)
        if not len(cells):
            raise BlankMap(f"{name}: no place is {kind}; narrow the fixations' width, or leave this picture out.")
        chosen.append(rng.choice(cells, min(count, len(cells)), replace=False))
    rows, columns = np.divmod(np.concatenate(chosen), looking.shape[1])
    points = np.stack([(columns + 0.5) / looking.shape[1], (rows + 0.5) / looking.shape[0]], axis=1)
    return points, np.repeat([1, 0], [len(one) for one in chosen])
