"""What integrated gradients say of a transition graph: per visited cell of the grid, and per feature over all cells."""

from typing import Any

import numpy as np

from xgaze.data.contract import Sample, Spec
from xgaze.data.fixations.scanpath_inputs import EDGES, NODES, VISITED
from xgaze.explanation.attribution.parts import moved_names
from xgaze.explanation.attribution.sequences import Found, summed

FEATURES = ("x of the cell", "y of the cell", "time spent", "length arriving", "length leaving")


def stored_graph(spec: Spec, sample: Sample, found: Found) -> dict[str, Any]:
    """{"graph": visited cells with their centres (px), the transitions between them, and per model and target the attribution by
    node and by feature}, signed, in the target's unit; nothing where the sample is no graph on a stimulus of known size."""
    if (
        not {NODES, EDGES, VISITED} <= set(sample.inputs)
        or not spec.scene
        or len(FEATURES) != sample.inputs[NODES].shape[1]
    ):
        return {}
    cells = np.flatnonzero(sample.inputs[VISITED] > 0.5)
    nodes, edges = np.asarray(sample.inputs[NODES], np.float64)[cells], sample.inputs[EDGES][np.ix_(cells, cells)]
    width, height = spec.scene
    return {
        "graph": {
            "size_px": [width, height],
            "grid": round(np.sqrt(len(sample.inputs[VISITED]))),
            "cells": cells.tolist(),
            "x_px": (nodes[:, 0] * width).tolist(),
            "y_px": (nodes[:, 1] * height).tolist(),
            "time_share": nodes[:, 2].tolist(),
            "edges": [
                {"from": int(cells[i]), "to": int(cells[j]), "length": float(edges[i, j])}
                for i, j in zip(*np.nonzero(edges), strict=True)
            ],
            **summed(found, moved_names(spec).index(NODES), "by_node", FEATURES),
        }
    }
