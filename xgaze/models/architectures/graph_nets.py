"""Graph networks (GCN, GIN) on the transitions between the cells of a grid, on dense adjacency, with plain torch."""

from collections import OrderedDict
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec, dimensions
from xgaze.errors import InputError
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.blocks import Positive
from xgaze.models.architectures.prediction import prediction_layers
from xgaze.models.inputs import place_of, require_only
from xgaze.models.layers import FeatureHead, Float32Sequential

NODES, EDGES, VISITED = "nodes", "edges", "visited"


class ScanpathGNN(FeatureHead):
    """ "nodes" (batch, cells, features), "edges" (batch, cells, cells), "visited" (batch, cells) -> logits, or numbers in the
    target's unit.

    An embedding of each cell joins its features; convolutions with ReLU; features are the mean over visited cells. Transitions
    count both ways. What unvisited cells hold changes nothing.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        convolution: Literal["gcn", "gin"] = "gcn",
        embedding: Positive = 16,
        units: Annotated[tuple[Positive, ...], Field(min_length=1)] = (64, 64),
        hidden: tuple[Positive, ...] = (),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        output_scale: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__()
        require_only(spec, (NODES, EDGES, VISITED))
        self.places = (
            place_of(spec, NODES, "cells x features"),
            place_of(spec, EDGES, "cells x cells", unchanged=True),
            place_of(spec, VISITED, "cells", unchanged=True),
        )
        cells, features = spec.inputs[self.places[0]].shape
        _check_cells(spec, self.places, cells)
        self.cell = nn.Embedding(cells, embedding)
        widths = [features + embedding, *units]
        kind = GraphConvolution if convolution == "gcn" else IsomorphismConvolution
        self.convolutions = nn.ModuleList(kind(a, b) for a, b in pairwise(widths))
        self.act = nn.ReLU()
        self.head = Float32Sequential(OrderedDict(prediction_layers(spec, widths[-1], hidden, dropout, output_scale)))

    def features(self, *inputs: Tensor) -> Tensor:
        nodes, edges, visited = (inputs[k] for k in self.places)
        there = (visited > 0.5).to(nodes.dtype)
        edges = edges.clamp_min(0)  # lengths: a probe that goes below zero must not make a degree negative
        adjacency = (edges + edges.transpose(1, 2)) * there[:, :, None] * there[:, None, :]
        cells = self.cell.weight.expand(nodes.shape[0], -1, -1)
        x = torch.cat([nodes, cells.to(nodes.dtype)], dim=2)
        for convolution in self.convolutions:
            x = self.act(convolution(x, adjacency))
        return (x * there[:, :, None]).sum(dim=1) / there.sum(dim=1, keepdim=True).clamp_min(1)


class GraphConvolution(nn.Module):
    """D^-1/2 (A + I) D^-1/2 X W + b, D the row sums of A + I (Kipf & Welling 2017). x (batch, cells, inputs); A (batch, cells,
    cells) symmetric, weighted."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        looped = adjacency + torch.eye(adjacency.shape[-1], dtype=adjacency.dtype, device=adjacency.device)
        scale = looped.sum(dim=2, keepdim=True).rsqrt()
        out: Tensor = self.linear(scale * (looped @ (scale * x)))
        return out


class IsomorphismConvolution(nn.Module):
    """MLP((1 + e) x_i + sum of x_j over neighbours j), e learned (Xu et al. 2019). A counts as an edge wherever it is not 0."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, outputs)
        self.act = nn.ReLU()
        self.second = nn.Linear(outputs, outputs)
        self.eps = nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        """Of its own parameter only."""
        nn.init.zeros_(self.eps)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        neighbours = (adjacency != 0).to(x.dtype) @ x
        out: Tensor = self.second(self.act(self.first((1 + self.eps) * x + neighbours)))
        return out


def _check_cells(spec: Spec, places: tuple[int, int, int], cells: int) -> None:
    _, edges, visited = (spec.inputs[k].shape for k in places)
    if edges != (cells, cells) or visited != (cells,):
        raise InputError(
            f"the graph has {cells} nodes, but edges are {dimensions(edges)} and visited is {dimensions(visited)}."
        )


ARCHITECTURE = Architecture("scanpath-gnn", ScanpathGNN)
