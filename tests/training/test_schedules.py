"""Learning rates and momenta over a training, against their definitions."""

import pytest
import torch
from pydantic import ValidationError

from xgaze.recipe.schema import Training
from xgaze.training.task import make_optimiser, make_schedule, ramp_momentum

SGD = {"optimiser": "sgd", "momentum": 0.9, "learning_rate": 0.005}


def rates_of(losses, **settings):
    """The rate of every epoch whose training losses are `losses`."""
    training = Training(optimiser="adam", learning_rate=0.001, schedule="plateau", **settings)
    optimiser = make_optimiser(torch.nn.Linear(2, 2), training)
    entry = make_schedule(optimiser, training, len(losses))
    assert (entry["interval"], entry["monitor"]) == ("epoch", "train_loss")
    rates = []
    for loss in losses:
        rates.append(optimiser.param_groups[0]["lr"])
        entry["scheduler"].step(loss)
    return rates


def test_a_falling_loss_keeps_its_rate_and_one_that_stays_halves_it():
    assert rates_of([1 / k for k in range(1, 21)]) == [0.001] * 20
    # the first epoch sets the best loss; four more without a fall are more than the patience of three
    assert rates_of([1.0] * 10) == pytest.approx([0.001] * 5 + [0.0005] * 4 + [0.00025])
    assert rates_of([1.0] * 200)[-1] == pytest.approx(1e-6)


def test_momentum_goes_on_a_line():
    optimiser = make_optimiser(torch.nn.Linear(2, 2), Training(**SGD, momentum_end=0.99))
    seen = []
    for share in (0.0, 0.5, 1.0, 1.5):
        ramp_momentum(optimiser, 0.9, 0.99, share)
        seen.append(optimiser.param_groups[0]["momentum"])
    assert seen == pytest.approx([0.9, 0.945, 0.99, 0.99])


def test_momentum_end_is_for_sgd():
    with pytest.raises(ValidationError, match="momentum is for optimiser: sgd"):
        Training(momentum_end=0.9)
