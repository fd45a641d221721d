"""Scanpaths of different lengths, drawn at random inside a stimulus of 800 x 600 px."""

import numpy as np
import pytest

SIZE = (800, 600)


@pytest.fixture
def size():
    return SIZE


@pytest.fixture
def scanpaths():
    """Seven scanpaths of 3 to 9 fixations, some of equal length: places in px and durations in ms."""
    rng = np.random.default_rng(3)
    lengths = (5, 3, 9, 5, 4, 9, 5)
    return [rng.uniform((0, 0), SIZE, (n, 2)) for n in lengths], [rng.uniform(80, 900, n) for n in lengths]
