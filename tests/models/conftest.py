"""Inputs of models of scanpaths: a picture, a sequence with its length, a graph."""

import pytest
import torch

from xgaze.data.contract import InputSpec, Spec

LENGTHS = (1.0, 4.0, 9.0)
STEPS = 9


def plain(name, *shape):
    return InputSpec(name, shape, 0.0, 1.0, "float32")


@pytest.fixture
def make_spec():
    """Spec of two classes (or any kind) that reads these inputs."""
    known = {
        "image": InputSpec("image", (1, 24, 32)),
        "sequence": plain("sequence", STEPS, 3),
        "length": plain("length", 1),
        "nodes": plain("nodes", 100, 5),
        "edges": plain("edges", 100, 100),
        "visited": plain("visited", 100),
    }

    def make(*names, kind="class", **changes):
        inputs = tuple(changes.get(name, known[name]) for name in names)
        return Spec(inputs, kind, classes=("a", "b") if kind == "class" else ())

    return make


@pytest.fixture
def sequences():
    """Three scanpaths of 1, 4 and 9 fixations: (3, 9, 3) and (3, 1)."""
    torch.manual_seed(0)
    return torch.randn(3, STEPS, 3), torch.tensor(LENGTHS)[:, None]


@pytest.fixture
def graph():
    """Two graphs in which 3 and 40 of 100 cells are visited."""
    torch.manual_seed(1)
    visited = torch.zeros(2, 100)
    visited[0, [5, 17, 60]] = 1
    visited[1, 30:70] = 1
    there = visited[:, :, None] * visited[:, None, :]
    edges = torch.rand(2, 100, 100) * (torch.rand(2, 100, 100) < 0.3) * there * (1 - torch.eye(100))
    return torch.rand(2, 100, 5) * visited[..., None], edges, visited
