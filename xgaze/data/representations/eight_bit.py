"""Representations as 8-bit pictures, as every tool for pictures expects them."""

import numpy as np
from numpy.typing import NDArray


def eight_bit(maps: NDArray[np.floating], signed: bool = False) -> NDArray[np.uint8]:
    """round(255 v) of values in [0, 1], any shape; `signed`: values in [-1, 1], of which 0 to 255 cover the whole.

    Raises ValueError outside that range (a rounding error of 1e-5 is allowed).
    """
    low = -1.0 if signed else 0.0
    if maps.size and not (maps.min() > low - 1e-5 and maps.max() < 1 + 1e-5):
        raise ValueError(f"values from {maps.min():g} to {maps.max():g} do not fit an 8-bit picture of {low:g} to 1")
    levels = (maps - low) * (255 / (1 - low))
    rounded: NDArray[np.uint8] = np.rint(levels).astype(np.uint8)
    return rounded
