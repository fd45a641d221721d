"""Scanpaths as transition graphs between the cells of a grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.representations.frame import Fit, Framed, Series, flat_durations, framed

GRID = 10
CELLS = GRID * GRID


@dataclass(frozen=True)
class TransitionGraphs:
    """n graphs over the 100 cells of a 10 x 10 grid; cell = 10 * row + column, all float32.

    nodes (n, 100, 5): x and y of the cell's centre (0 to 1 across the frame), time spent in it, length of the saccades that
    arrive, length of those that leave; each of the last three relative to the scanpath's largest.
    edges (n, 100, 100): length of the saccades from cell i to cell j, relative to the largest; none from a cell to itself.
    visited (n, 100): 1 where the eye was, else 0 (and the last three of the node are 0).
    """

    nodes: NDArray[np.float32]
    edges: NDArray[np.float32]
    visited: NDArray[np.float32]


def transition_graphs(
    points_px: Series, durations_ms: Series, *, size: tuple[int, int], fit: Fit = "fixed"
) -> TransitionGraphs:
    """Transition graphs of n scanpaths; lengths are summed in px of the stimulus. Fixations on or beyond the frame's edge count
    to the cell at the edge. InputError as `framed` and `flat_durations`."""
    frames = framed(points_px, size, fit)
    durations = flat_durations(durations_ms, frames)
    cell, n = grid_cells(frames), len(frames.counts)
    edges = _edges(frames, cell)
    dwell = np.bincount(frames.owner * CELLS + cell, durations, n * CELLS).reshape(n, CELLS)
    nodes = np.empty((n, CELLS, 5), np.float32)
    centre = (np.arange(GRID) + 0.5) / GRID
    nodes[:, :, 0], nodes[:, :, 1] = np.tile(centre, GRID), np.repeat(centre, GRID)
    for k, amount in enumerate((dwell, edges.sum(axis=1), edges.sum(axis=2)), start=2):
        nodes[:, :, k] = _of_largest(amount)
    visited = (dwell > 0).astype(np.float32)
    return TransitionGraphs(nodes, _of_largest(edges.reshape(n, -1)).reshape(edges.shape), visited)


def grid_cells(frames: Framed) -> NDArray[np.intp]:
    """The cell (N,), 0 to 99, of each fixation: x = 1 belongs to the last column of its row."""
    column, row = np.clip(np.floor(frames.unit * GRID), 0, GRID - 1).T
    cell: NDArray[np.intp] = (row * GRID + column).astype(np.intp)
    return cell


def _edges(frames: Framed, cell: NDArray[np.intp]) -> NDArray[np.float32]:
    """Lengths (n, 100, 100) in px of the saccades between different cells."""
    moves = (frames.owner[1:] == frames.owner[:-1]) & (cell[1:] != cell[:-1])
    owner = frames.owner[1:][moves]
    length = np.hypot(*(np.diff(frames.unit, axis=0)[moves] * frames.extent_px[owner]).T)
    edges = np.zeros((len(frames.counts), CELLS, CELLS), np.float32)
    np.add.at(edges, (owner, cell[:-1][moves], cell[1:][moves]), length.astype(np.float32))
    return edges


def _of_largest(amounts: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each row (n, m) over its largest; a row of zeros stays."""
    largest = amounts.max(axis=1, keepdims=True)
    return amounts / np.where(largest > 0, largest, 1)
