"""Weights averaged over the last steps (Polyak & Juditsky 1992), by Lightning's callback: judged, stored, left in the model."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

FIRST_STEPS = 10
"""So many steps the mean forgets faster: it knows no more than the weights it began with."""


class AveragedWeights(WeightAveraging):
    """An exponential moving average that reaches back over `share` of all steps, so that it means the same however long a
    training is."""

    def __init__(self, share: float) -> None:
        super().__init__(avg_fn=self._mean)
        self.share = share
        self.decay = 0.0

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.decay = decay_over(self.share * float(trainer.estimated_stepping_batches))

    def _mean(self, averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        """After `steps` weights were averaged."""
        known = int(steps)
        decay = min(self.decay, (1 + known) / (FIRST_STEPS + known))
        return averaged + (1 - decay) * (current - averaged)


def decay_over(steps: float) -> float:
    """The share of itself that an average keeps at each step, where what is `steps` old counts 1/e."""
    return max(0.0, 1 - 1 / steps) if steps > 0 else 0.0
