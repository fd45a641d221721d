"""Transition graphs: an example worked by hand, and every known way to get them wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.representations.graph import transition_graphs

SIZE = (1000, 1000)  # a cell is 100 px
POINTS = [np.array([[50.0, 50], [350, 450], [370, 450], [50, 50], [50, 950]])]
DURATIONS = [np.array([100.0, 200, 50, 300, 80])]
FIRST, MIDDLE, LAST = 0, 43, 90


@pytest.fixture
def graph():
    return transition_graphs(POINTS, DURATIONS, size=SIZE)


def test_the_example_worked_by_hand(graph):
    there, back, down = 500.0, np.hypot(320, 400), 900.0
    edges = np.zeros((100, 100))
    edges[FIRST, MIDDLE], edges[MIDDLE, FIRST], edges[FIRST, LAST] = there, back, down
    np.testing.assert_allclose(graph.edges[0], edges / down, atol=1e-6)
    nodes = graph.nodes[0]
    np.testing.assert_allclose(nodes[FIRST], [0.05, 0.05, 1, back / down, 1], atol=1e-6)
    np.testing.assert_allclose(nodes[MIDDLE], [0.35, 0.45, 250 / 400, there / down, back / 1400], atol=1e-6)
    np.testing.assert_allclose(nodes[LAST], [0.05, 0.95, 80 / 400, 1, 0], atol=1e-6)
    assert np.flatnonzero(graph.visited[0]).tolist() == [FIRST, MIDDLE, LAST]


def test_every_fixation_adds_its_duration_and_not_only_those_that_stay_in_a_cell(graph):
    np.testing.assert_allclose(graph.nodes[0, [FIRST, MIDDLE, LAST], 2], np.array([400, 250, 80]) / 400, atol=1e-6)


def test_the_last_fixation_is_a_node_with_its_own_place(graph):
    np.testing.assert_allclose(graph.nodes[0, LAST, :2], [0.05, 0.95], atol=1e-6)
    assert graph.visited[0, LAST] == 1 and graph.edges[0, FIRST, LAST] == 1


def test_the_right_and_lower_edge_belong_to_the_last_cell_of_their_row_and_column():
    points = [np.array([[1000.0, 250], [250, 1000], [1000, 1000]])]
    visited = transition_graphs(points, [np.ones(3)], size=SIZE).visited
    assert visited.shape == (1, 100)
    assert np.flatnonzero(visited[0]).tolist() == [29, 92, 99]


def test_places_outside_the_stimulus_never_leave_the_grid():
    points = [np.array([[-500.0, 250], [1e9, 250], [500, -1e9]])]
    visited = transition_graphs(points, [np.ones(3)], size=SIZE).visited
    assert np.flatnonzero(visited[0]).tolist() == [5, 20, 29]


def test_there_is_no_edge_from_a_cell_to_itself(graph):
    assert not graph.edges[0].diagonal().any()
    staying = transition_graphs([np.full((4, 2), 10.0)], [np.ones(4)], size=SIZE)
    assert not staying.edges.any() and staying.nodes[0, 0, 2] == 1
    assert np.isfinite(staying.nodes).all()


def test_no_edge_leads_from_one_scanpath_to_the_next():
    points = [np.full((3, 2), 50.0), np.full((3, 2), 950.0)]
    assert not transition_graphs(points, [np.ones(3)] * 2, size=SIZE).edges.any()


def test_a_zoomed_grid_covers_the_bounding_box():
    points = [np.array([[400.0, 400], [450, 450], [500, 500]])]
    graph = transition_graphs(points, [np.ones(3)], size=SIZE, fit="zoomed")
    assert np.flatnonzero(graph.visited[0]).tolist() == [0, 55, 99]


def test_lengths_are_those_on_the_stimulus_and_not_of_the_square_grid():
    points = [np.array([[100.0, 50], [900, 50], [900, 350]])]
    edges = transition_graphs(points, [np.ones(3)], size=(1000, 400)).edges[0]
    assert sorted(edges[edges > 0]) == pytest.approx([300 / 800, 1])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["fixed", "zoomed"]))
def test_invariants_of_graphs(seed, fit):
    rng = np.random.default_rng(seed)
    points = [rng.uniform((0, 0), SIZE, (n, 2)) for n in rng.integers(3, 12, 5)]
    durations = [rng.uniform(50, 900, len(one)) for one in points]
    order = rng.permutation(5)
    graph = transition_graphs(points, durations, size=SIZE, fit=fit)
    mixed = transition_graphs([points[k] for k in order], [durations[k] for k in order], size=SIZE, fit=fit)
    for name in ("nodes", "edges", "visited"):
        one, other = getattr(graph, name), getattr(mixed, name)
        assert one.dtype == np.float32 and one.min() >= 0 and one.max() <= 1
        np.testing.assert_array_equal(other, one[order])
    np.testing.assert_array_equal(graph.visited > 0, graph.nodes[:, :, 2] > 0)
    touched = (graph.edges > 0).any(axis=1) | (graph.edges > 0).any(axis=2)
    assert not (touched & (graph.visited == 0)).any()
