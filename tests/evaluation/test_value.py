"""One predicted number per sample: absolute error in its unit, from losses to the table of predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from xgaze.data.contract import InputSpec, Spec
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import (
    compare,
    higher_is_better,
    pooled_score,
    sample_errors,
    score_unit,
    summarise,
)
from xgaze.evaluation.value import absolute_error
from xgaze.training.losses import LOSSES, weighted_loss
from xgaze.training.task import monitored

SPEC = Spec((InputSpec("sequence", (4, 3), dtype="float32"),), "value", unit="ms")
PEOPLE = np.repeat(np.arange(10), 4)


def column(*numbers):
    return np.array(numbers, np.float64)[:, None]


def test_the_error_is_absolute_and_refuses_to_broadcast():
    assert absolute_error(column(1, 5), column(3, 4)).tolist() == [2, 1]
    for wrong in (np.zeros(2), np.zeros((2, 2)), np.zeros((1, 1))):
        with pytest.raises(ValueError, match=r"values must both be \(n, 1\)"):
            absolute_error(wrong, column(3, 4))


def test_the_score_is_the_mean_absolute_error_in_the_unit():
    truth = column(*range(40))
    found = summarise(SPEC, truth + 7, truth, PEOPLE)
    assert (found.unit, score_unit(SPEC), higher_is_better(SPEC)) == ("ms", "ms", False)
    assert (found.mean, found.median, found.low, found.high) == tuple([pytest.approx(7)] * 4)
    assert pooled_score(SPEC, truth - 3, truth, PEOPLE) == pytest.approx(3)
    assert compare(SPEC, truth + 3, truth - 2, truth, PEOPLE).mean == pytest.approx(50)
    assert sample_errors(SPEC, column(1, -4), column(0, 0)).tolist() == [1, 4]


@dataclass
class Values:
    spec: Spec
    table: pd.DataFrame


def test_the_prediction_table_leaves_unknown_truths_empty():
    known = pd.DataFrame({"id": list("abc"), "group": "p", "split": "test", "value": [200.0, np.nan, 90.0]})
    table = prediction_table(Values(SPEC, known), np.arange(3), column(210, 1, 80).astype(np.float32))
    assert table["prediction"].tolist() == [210, 1, 80]
    assert table["error"].tolist()[::2] == [10, 10] and np.isnan(table["error"][1]) and np.isnan(table["truth"][1])
    unknown = prediction_table(Values(SPEC, known.assign(value=np.nan)), np.arange(3), column(1, 2, 3))
    assert list(unknown) == ["id", "group", "split", "prediction"]


@pytest.mark.parametrize("loss", ["smooth-l1", "euclidean", "root-mse"])
def test_losses_refuse_a_column_against_a_row(loss):
    prediction, target = torch.randn(5, 1), torch.randn(5)
    for wrong in (
        lambda: LOSSES[loss](prediction, target),
        lambda: weighted_loss(loss, prediction, target, torch.ones(5)),
    ):
        with pytest.raises(ValueError, match=r"predictions \(5, 1\) and targets \(5,\) differ in shape"):
            wrong()


def test_losses_of_values_count_in_hundreds_of_the_unit():
    prediction, target = torch.tensor([[300.0], [0.0]]), torch.tensor([[0.0], [100.0]])
    assert float(LOSSES["euclidean"](prediction, target)) == pytest.approx(2, abs=1e-4)
    assert float(LOSSES["smooth-l1"](prediction, target)) == pytest.approx((2.5 + 0.5) / 2)
    assert float(LOSSES["root-mse"](prediction, target)) == pytest.approx(np.sqrt((9 + 1) / 2))


def test_the_figure_that_selects_weights_is_named_by_the_task():
    assert monitored(SPEC) == "validation_error"
