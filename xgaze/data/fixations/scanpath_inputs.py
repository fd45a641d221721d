"""What models are shown of scanpaths: pictures, sequences and graphs by the names of a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import InputSpec
from xgaze.data.fixations.fixation_sections import FixationInput, GraphInput, PicturesInput, SequenceInput
from xgaze.data.fixations.scanpaths import Scanpath
from xgaze.data.representations.graph import CELLS, transition_graphs
from xgaze.data.representations.sequence import Sequences, feature_statistics, padded_sequences
from xgaze.data.representations.stack import channel_names, stacked_eight_bit

SEQUENCE, LENGTH = "sequence", "length"
NODES, EDGES, VISITED = "nodes", "edges", "visited"


@dataclass(frozen=True, eq=False)
class ShownScanpaths:
    """Pictures and sequences of all scanpaths, made once; graphs, which are large, are made when asked for."""

    scanpaths: tuple[Scanpath, ...]
    size: tuple[int, int]
    inputs: tuple[FixationInput, ...]
    pictures: dict[str, NDArray[np.uint8]]
    sequences: Sequences | None

    def of(self, row: int, specs: Sequence[InputSpec]) -> dict[str, NDArray[np.generic]]:
        """Inputs of one scanpath by name; a sequence is padded with the mean, which is zero after normalisation."""
        found: dict[str, NDArray[np.generic]] = {name: pictures[row] for name, pictures in self.pictures.items()}
        if self.sequences is not None:
            mean = next(one.mean for one in specs if one.name == SEQUENCE)
            real = self.sequences.real[row][:, None]
            found[SEQUENCE] = np.where(real, self.sequences.values[row], np.asarray(mean, np.float32))
            found[LENGTH] = self.sequences.length[row]
        if any(isinstance(one, GraphInput) for one in self.inputs):
            own = self.scanpaths[row]
            graph = transition_graphs([own.xy_px], [own.duration_ms], size=self.size)
            found |= {NODES: graph.nodes[0], EDGES: graph.edges[0], VISITED: graph.visited[0]}
        return found

    def specs(self, train: NDArray[np.bool_]) -> tuple[InputSpec, ...]:
        """Inputs in the order of the recipe; sequences are normalised by the scanpaths in `train` alone."""
        return tuple(spec for one in self.inputs for spec in self._specs_of(one, train))

    def _specs_of(self, one: FixationInput, train: NDArray[np.bool_]) -> list[InputSpec]:
        if isinstance(one, PicturesInput):
            return [InputSpec(one.name, (len(channel_names(one.stack)), one.side, one.side))]
        if isinstance(one, SequenceInput):
            return [_sequence_spec(self.sequences, train), _plain(LENGTH, (1,))]
        return [_plain(NODES, (CELLS, 5)), _plain(EDGES, (CELLS, CELLS)), _plain(VISITED, (CELLS,))]


def shown_scanpaths(
    scanpaths: Sequence[Scanpath], size: tuple[int, int], inputs: Sequence[FixationInput]
) -> ShownScanpaths:
    """Draw every picture and lay out every sequence. size: width and height of the stimulus, px."""
    points, durations = [one.xy_px for one in scanpaths], [one.duration_ms for one in scanpaths]
    pictures, sequences = {}, None
    for one in inputs:
        if isinstance(one, PicturesInput):
            shape = (one.side, one.side)
            pictures[one.name] = stacked_eight_bit(
                one.stack, points, durations, size=size, shape=shape, fit=one.fit, sigma_px=one.sigma_px
            )
        elif isinstance(one, SequenceInput):
            sequences = padded_sequences(points, durations, size=size, steps=one.steps, saccades=one.saccades)
    return ShownScanpaths(tuple(scanpaths), size, tuple(inputs), pictures, sequences)


def _sequence_spec(sequences: Sequences | None, train: NDArray[np.bool_]) -> InputSpec:
    assert sequences is not None
    kept = train if train.any() else np.ones(len(train), bool)  # only new data, of which nothing is trained
    mean, std = feature_statistics(Sequences(sequences.values[kept], sequences.length[kept]))
    shape = sequences.values.shape[1:]
    return InputSpec(SEQUENCE, shape, tuple(map(float, mean)), tuple(map(float, std)), "float32")


def _plain(name: str, shape: tuple[int, ...]) -> InputSpec:
    return InputSpec(name, shape, 0.0, 1.0, "float32")
