"""What selects weights averages people, as the scores do."""

import numpy as np
import pytest
import torch

from xgaze.data.contract import InputSpec, Spec
from xgaze.recipe import Training
from xgaze.training.task import participant_weights, validation_figure

GAZE = Spec((InputSpec("eye0", (1, 4, 4)),), "gaze", scene=(800, 600))
TWO = Spec((InputSpec("image", (1, 4, 4)),), "class", unit="AUC", classes=("a", "b"))
PEOPLE = np.array(["few", "many", "many", "many"])


def weights():
    by_name = participant_weights(PEOPLE)
    return torch.tensor([by_name[one] for one in PEOPLE])


def test_people_count_alike_and_by_exactly_one_where_they_gave_alike():
    assert participant_weights(PEOPLE) == {"few": 2.0, "many": pytest.approx(2 / 3)}
    assert participant_weights([1, 2, 3, 3, 2, 1]) == {"1": 1.0, "2": 1.0, "3": 1.0}
    assert participant_weights([]) == {}


def test_gaze_is_selected_by_the_mean_error_of_people():
    predicted = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    figure = validation_figure(GAZE, Training(), predicted, torch.zeros(4, 2), weights())
    assert figure.item() == pytest.approx((5 + 1) / 2)


def test_classes_are_selected_by_the_mean_loss_of_people():
    logits, labels = torch.tensor([[0.0, 0.0], [9.0, -9.0], [9.0, -9.0], [9.0, -9.0]]), torch.tensor([1, 0, 0, 0])
    training = Training(loss="cross-entropy")
    found = validation_figure(TWO, training, logits, labels, weights())
    assert found.item() == pytest.approx(np.log(2) / 2, abs=1e-6)
    plain = validation_figure(TWO, training, logits, labels, torch.ones(4))
    assert plain.item() == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item())
