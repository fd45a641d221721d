"""Projections of a layer's output: what they keep and lose, in closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.projection import components_for_output, directions, sensitivity_metric


@pytest.fixture
def output():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(400, 5)) * [5, 3, 1, 0.5, 0.1] + 7)


def test_projections_keep_the_leading_variance_and_all_of_it_at_full_rank(output):
    values = torch.linalg.eigvalsh(torch.cov(output.T, correction=0))
    leading = directions(output)
    assert torch.allclose(leading.projection(5)(output), output)
    two = leading.projection(2)
    lost = float((two(output) - output).square().sum(dim=1).mean())
    assert lost == pytest.approx(two.discarded) == pytest.approx(float(values[:3].sum()))
    assert two.total == pytest.approx(float(values.sum()))
    metric = sensitivity_metric(nn.Linear(5, 2).double(), output)
    assert torch.allclose(directions(output, metric).projection(5)(output), output)


def test_the_projection_in_a_metric_keeps_what_the_metric_weighs():
    torch.manual_seed(0)
    output = torch.randn(500, 4) * torch.tensor([10.0, 1, 1, 1])
    kept = directions(output, np.diag([1e-3, 1.0, 5.0, 1.0])).projection(1)
    assert abs(float(kept.inward[0, 2])) > 100 * abs(float(kept.inward[0, 0]))


def test_the_metric_of_a_linear_tail_is_its_gram_matrix_and_a_ridge(output):
    tail = nn.Linear(5, 2).double()
    weight = tail.weight.detach().numpy()
    gram = weight.T @ weight
    root = sensitivity_metric(tail, output)
    assert np.allclose(root @ root, gram + 1e-3 * np.trace(gram) / 5 * np.eye(5))
    with torch.no_grad():
        tail.weight.zero_()
    assert np.array_equal(sensitivity_metric(tail, output), np.eye(5))


def test_components_are_counted_for_the_output_not_for_the_embedding():
    """Four directions of variances 100, 9, 4, 1; the tail reads the third and, a tenth as strongly in variance, the last."""
    signs = torch.tensor([[1 - 2 * (row >> bit & 1) for bit in range(4)] for row in range(16)])
    rows = signs * torch.tensor([10.0, 3, 2, 1])
    tail = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        tail.weight.copy_(torch.tensor([[0.0, 0, 1, 0], [0, 0, 0, 2 * 0.1**0.5]]))
    assert components_for_output(tail, rows) == 4
    with torch.no_grad():
        tail.weight[1] = 0
    assert components_for_output(tail, rows) == 3
