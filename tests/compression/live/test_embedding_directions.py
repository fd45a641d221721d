"""Directions of an embedding: known answers, and where it lies."""

import numpy as np
import pytest

from xgaze.compression.export.c99.steps import Program, Step, Tensor
from xgaze.compression.live.embedding_directions import as_told, narrowest, principal_directions
from xgaze.data.contract import Spec


def test_directions_stand_in_the_order_in_which_the_prediction_follows():
    rng = np.random.default_rng(0)
    scores = np.linalg.qr(rng.normal(size=(200, 2)) - 0)[0]
    scores = (scores - scores.mean(0)) / scores.std(0)
    scores[:, 1] -= scores[:, 0] * (scores[:, 0] * scores[:, 1]).mean()
    scores[:, 1] /= scores[:, 1].std()
    rows = scores * [5.0, 2.0] @ [[1, 0, 0], [0, 0, 1]] + 7
    outputs = np.column_stack([-3 * scores[:, 0], 40 * scores[:, 1]])
    found = principal_directions(rows, outputs)
    np.testing.assert_allclose(found.moves, [40, 3], rtol=1e-6)
    np.testing.assert_allclose(np.abs(found.steps), [[0, 0, 2], [5, 0, 0]], atol=1e-5)
    assert found.steps[1, 0] == pytest.approx(-5)  # along which x grows


def test_of_classes_the_probability_that_moves_most_counts_in_points():
    spec = Spec((), "class", classes=("a", "b", "c"))
    rows = np.array([[-1.0], [1.0]])
    told = as_told(spec, np.log([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]]))
    np.testing.assert_allclose(told, [[50, 30, 20], [70, 20, 10]])
    assert principal_directions(rows, told, True).moves == pytest.approx((10,))
    assert principal_directions(rows, told).moves == pytest.approx((150**0.5,))


def test_what_never_changes_has_none():
    assert principal_directions(np.ones((5, 3)), np.zeros((5, 2))) is None


def program_of(*steps):
    names = {step.output for step in steps}
    sizes = {"features": 50, "few": 3, "many": 64, "out": 2, "beside": 2, "again": 2}
    return Program(
        "float32", Spec((), "gaze"), steps, {name: Tensor(name, sizes[name], "float") for name in names}, "out"
    )


def step(kernel, source, output):
    return Step(kernel, source if isinstance(source, tuple) else (source,), output, {})


HEAD = (step("copy", "x", "features"), step("dense", "features", "few"), step("dense", "few", "many"))


def test_the_fewest_numbers_before_the_last_layer():
    assert narrowest(program_of(*HEAD, step("dense", "many", "out"))) == "few"


def test_what_something_passes_beside_is_none():
    beside = step("dense", ("many", "features"), "out")
    assert narrowest(program_of(*HEAD, beside)) == "features"


def test_what_follows_the_last_layer_is_no_embedding():
    ends = (step("dense", "many", "beside"), step("sigmoid", "beside", "again"), step("multiply", "again", "out"))
    assert narrowest(program_of(*HEAD, *ends)) == "few"
