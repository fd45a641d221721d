"""Toy scanpaths of people who look left or right and long or short: sequences, graphs, and a picture beside a sequence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from xgaze.data.contract import InputSpec, Recording, Sample, Spec
from xgaze.data.representations.graph import transition_graphs

SIZE, STEPS, SIDE = (800, 600), 10, 16
SPLITS = {"train": 8, "validation": 4, "test": 4}
CLASSES = ("A", "B", "C")


@dataclass
class ToyScanpaths(Recording):
    """Row i is scanpath i; its inputs are made when the recording is."""

    spec: Spec
    table: pd.DataFrame
    inputs: list[dict[str, np.ndarray]]
    points: list[np.ndarray]

    def __getitem__(self, row: int) -> Sample:
        line = self.table.iloc[row]
        value = np.array([line["value"]], np.float32)
        target = value if self.spec.kind == "value" else np.int64(line["label"])
        return Sample(line["id"], {"group": line["group"]}, self.inputs[row], target)


def shown(what, xy, duration, mean):
    length = len(xy)
    if what == "graph":
        graph = transition_graphs([xy], [duration], size=SIZE)
        return {"nodes": graph.nodes[0], "edges": graph.edges[0], "visited": graph.visited[0]}
    values = np.tile(np.asarray(mean, np.float32), (STEPS, 1))
    values[:length] = np.column_stack([xy / SIZE, duration])
    sequence = {"sequence": values, "length": np.array([length], np.float32)}
    if what == "sequence":
        return sequence
    picture = np.zeros((1, SIDE, SIDE), np.uint8)
    column, row = (xy / SIZE * SIDE).astype(int).T
    picture[0, row, column] = 255
    return {"picture": picture, **sequence}


def specs(what, mean, std):
    if what == "graph":
        shapes = {"nodes": (100, 5), "edges": (100, 100), "visited": (100,)}
        return tuple(InputSpec(name, shape, 0.0, 1.0, "float32") for name, shape in shapes.items())
    sequence = InputSpec("sequence", (STEPS, 3), mean, std, "float32")
    both = (sequence, InputSpec("length", (1,), 0.0, 1.0, "float32"))
    return both if what == "sequence" else (InputSpec("picture", (1, SIDE, SIDE)), *both)


def toy_scanpaths(what, kind="class", seed=0):
    rng = np.random.default_rng(seed)
    mean, std = (0.5, 0.5, 250.0), (0.25, 0.25, 80.0)
    rows, inputs, points = [], [], []
    for split, people in SPLITS.items():
        for person in range(people):
            for frame in range(3):
                label = int(rng.integers(len(CLASSES)))
                length = int(rng.integers(3, STEPS + 1))
                xy = rng.uniform((0, 0), SIZE, (length, 2)) * (0.4 + 0.25 * label, 1)
                duration = rng.uniform(100, 400, length)
                inputs.append(shown(what, xy, duration, mean))
                points.append(xy)
                name = f"{split}{person}"
                rows.append((f"{name}/{frame}", name, "0", split, label, float(duration.mean())))
    columns = ["id", "group", "session", "split", "label", "value"]
    own = specs(what, mean, std)
    spec = Spec(own, "class", "accuracy", SIZE, CLASSES) if kind == "class" else Spec(own, "value", "ms", SIZE)
    return ToyScanpaths(spec, pd.DataFrame(rows, columns=columns), inputs, points)


@pytest.fixture(scope="session")
def scanpaths():
    """scanpaths("sequence" | "graph" | "both", "class" | "value") -> a recording."""
    return toy_scanpaths
