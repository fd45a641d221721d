"""A training that diverges is stopped at its first loss that is no finite number."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from xgaze.errors import InputError


class Diverged(InputError):
    """A training had to be stopped. A search leaves such a candidate out and goes on."""


class Divergence(pl.Callback):
    """Raises Diverged with epoch, batch, learning rate and remedy. rate: the key to lower; monitor: the validation figure."""

    def __init__(self, what: str, rate: str = "training.learning_rate", monitor: str | None = None) -> None:
        self.what = what
        self.rate = rate
        self.monitor = monitor

    def on_before_backward(self, trainer: pl.Trainer, _: pl.LightningModule, loss: Tensor) -> None:
        batch = trainer.fit_loop.epoch_loop.batch_idx
        self._require(trainer, loss, f"the loss of batch {batch + 1}")

    def on_validation_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if self.monitor in trainer.callback_metrics:
            self._require(trainer, trainer.callback_metrics[self.monitor], self.monitor.replace("_", " "))

    def _require(self, trainer: pl.Trainer, figure: Tensor, name: str) -> None:
        finite = bool(torch.isfinite(figure).all())
        if not trainer.strategy.reduce_boolean_decision(finite):  # of all ranks, so that they stop together
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            found = (
                f"{name} is {float(figure.detach().mean())}" if not finite else f"{name} is no number on another device"
            )
            raise Diverged(diverged(self.what, f"epoch {trainer.current_epoch + 1}", found, rate, self.rate))


def diverged(what: str, epoch: str, found: str, rate: float, key: str) -> str:
    """The message."""
    return (
        f"{what} diverged in {epoch}: {found}, at a learning rate of {rate:.3g}. Lower {key}, or look for values that are no "
        "numbers in the recording (xgaze check) and for divisions by zero in a model of your own. Nothing was replaced."
    )
