"""Graph networks against their closed forms; unvisited cells are not there."""

import numpy as np
import pytest
import torch

from xgaze.errors import InputError
from xgaze.models.architectures.graph_nets import GraphConvolution, IsomorphismConvolution
from xgaze.models.registry import build

NAMES = ("nodes", "edges", "visited")


@pytest.fixture(params=["gcn", "gin"])
def model(request, make_spec):
    torch.manual_seed(0)
    return build("scanpath-gnn", {"convolution": request.param, "units": [8, 6]}, make_spec(*NAMES)).eval()


def symmetric(graph):
    return (graph[1] + graph[1].mT).double()


def test_graph_convolution_is_its_closed_form(graph):
    x, adjacency = torch.randn(2, 100, 7).double(), symmetric(graph)
    layer = GraphConvolution(7, 4).double()
    found = layer(x, adjacency).detach().numpy()
    weight, bias = (p.detach().numpy() for p in layer.linear.parameters())
    for k in range(2):
        a = adjacency[k].numpy() + np.eye(100)
        d = np.diag(a.sum(axis=1) ** -0.5)
        assert np.allclose(found[k], d @ a @ d @ x[k].numpy() @ weight.T + bias, atol=1e-12)


def test_isomorphism_convolution_sums_neighbours(graph):
    x, adjacency = torch.randn(2, 100, 7).double(), symmetric(graph)
    layer = IsomorphismConvolution(7, 4).double()
    with torch.no_grad():
        layer.eps.fill_(0.3)
        edges = (adjacency[1] > 0).double().numpy()
        summed = torch.from_numpy(1.3 * x[1].numpy() + edges @ x[1].numpy())
        expected = layer.second(layer.first(summed).relu())
        assert torch.allclose(layer(x, adjacency)[1], expected, atol=1e-12)


def test_unvisited_cells_change_nothing_and_visited_ones_do(model, graph):
    nodes, edges, visited = graph
    noise = torch.randn(2, 100, 5) * (1 - visited)[..., None]
    there = visited[:, :, None] * visited[:, None, :]
    loose = edges + torch.rand(2, 100, 100) * (1 - there)
    with torch.no_grad():
        before = model(nodes, edges, visited)
        assert torch.equal(model(nodes + noise, loose, visited), before)
        moved = nodes.clone()
        moved[0, 17] += 1
        after = model(moved, edges, visited)
    assert not torch.equal(after[0], before[0]) and torch.equal(after[1], before[1])


def test_unvisited_cells_get_no_gradient(model, graph):
    nodes = graph[0].clone().requires_grad_()
    model(nodes, *graph[1:]).sum().backward()
    reached = nodes.grad.abs().sum(dim=2) > 0
    assert torch.equal(reached, graph[2] > 0)


def test_the_features_of_one_visited_cell_are_its_own(make_spec):
    """One cell, no transition: the convolution of a single node, its embedding beside its features."""
    torch.manual_seed(0)
    model = build("scanpath-gnn", {"units": [4], "embedding": 2}, make_spec(*NAMES)).eval()
    nodes, visited = torch.zeros(1, 100, 5), torch.zeros(1, 100)
    nodes[0, 42], visited[0, 42] = torch.rand(5), 1
    with torch.no_grad():
        own = torch.cat([nodes[0, 42], model.cell.weight[42]])
        expected = model.convolutions[0].linear(own).relu()
        assert torch.allclose(model.features(nodes, torch.zeros(1, 100, 100), visited)[0], expected, atol=1e-6)


def test_an_empty_graph_gives_a_finite_output(model):
    zeros = torch.zeros(1, 100, 5), torch.zeros(1, 100, 100), torch.zeros(1, 100)
    assert torch.isfinite(model(*zeros)).all()


def test_graphs_whose_parts_do_not_fit_are_refused(make_spec):
    from xgaze.data.contract import InputSpec

    edges = InputSpec("edges", (81, 81), 0.0, 1.0, "float32")
    with pytest.raises(InputError, match="has 100 nodes, but edges are 81x81 and visited is 100"):
        build("scanpath-gnn", {}, make_spec(*NAMES, edges=edges))
    with pytest.raises(InputError, match="reads nodes, edges, visited; the recording gives sequence 9x3"):
        build("scanpath-gnn", {}, make_spec("sequence", "length"))
