"""Blocks of numbers in memory: sizes and strides, dimensions that lie one after the other made one."""

from collections.abc import Sequence

MOST_DIMENSIONS = 4


def strides_of(shape: Sequence[int]) -> list[int]:
    """Numbers from one index to the next of each dimension, the last one's being 1."""
    found = [1] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        found[k] = found[k + 1] * shape[k + 1]
    return found


def block(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]], bool]:
    """Sizes and strides of the same numbers in as few dimensions as possible, and at least `MOST_DIMENSIONS`; and whether all
    strides run through them without a gap."""
    dims: list[int] = []
    kept: list[list[int]] = [[] for _ in strides]
    for size, *steps in zip(shape, *strides, strict=True):
        if size == 1:
            continue
        if dims and all(own[-1] == step * size for own, step in zip(kept, steps, strict=True)):
            dims[-1] *= size
            for own, step in zip(kept, steps, strict=True):
                own[-1] = step
            continue
        dims.append(size)
        for own, step in zip(kept, steps, strict=True):
            own.append(step)
    whole = not dims or (len(dims) == 1 and all(own == [1] for own in kept))
    missing = MOST_DIMENSIONS - len(dims)
    return [1] * missing + dims, [[0] * missing + own for own in kept], whole
