"""What Lightning trains: a model, a loss, and the one figure on validation participants that selects weights."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.contract import Batch, Spec
from xgaze.evaluation.angle import angles
from xgaze.recipe import Training
from xgaze.training.kernel_muon import KernelMuon
from xgaze.training.lightning.devices import device_of
from xgaze.training.losses import loss_of, sample_losses
from xgaze.training.start.shared_start import TiedTowers, begin_alike, share_gradients
from xgaze.training.varied.mirror_images import Partners, turned
from xgaze.training.varied.varied_pictures import varied

MIRRORS, VARIED = 7, 11
"""Draws of who is seen in a mirror, and of how pictures vary, are others than those of the order of samples."""
FEWEST_CHANNELS = 8


def monitored(spec: Spec) -> str:
    """The validation figure that selects weights; lower is better."""
    if spec.kind in ("gaze", "angle"):
        return f"validation_error_{spec.measured}"
    return {"value": "validation_error", "class": "validation_loss"}[spec.kind]


def participant_weights(participants: Sequence[Any] | NDArray[Any]) -> dict[str, float]:
    """How much each sample of a participant counts, so that the mean over samples, one entry each, is the mean over participants
    of each one's mean: what selects weights averages people as the scores do. Exactly one where all gave equally many."""
    counts = Counter(str(one) for one in participants)
    return {name: len(participants) / (len(counts) * own) for name, own in counts.items()}


def validation_figure(spec: Spec, training: Training, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Of one batch, `monitored(spec)`: mean error of the main target, or mean loss of classes, where sample i counts weight[i]
    times."""
    prediction, target = spec.own(prediction), spec.own(target)
    if spec.kind == "class":
        each = sample_losses(training.loss, prediction, target)
    elif spec.kind == "angle":
        each = angles(prediction, target, spec.unit)
    else:
        each = (prediction - target).norm(dim=1)
    return (weight * each).mean()


def layout_of(model: nn.Module, training: Training) -> torch.memory_format:
    """In which a model is trained. On x86 processors without AVX-512, oneDNN 3.12 writes beyond its memory where it computes the
    weights' gradient of a 1 x 1 convolution with stride of fewer than 8 channels in channels_last: not there."""
    wide = device_of(training) != "cpu" or torch.cpu.get_capabilities().get("avx512_f", False)
    convolutions = (one for one in model.modules() if isinstance(one, nn.Conv2d))
    broken = any(
        max(one.kernel_size) == 1 and max(one.stride) > 1 and one.in_channels // one.groups < FEWEST_CHANNELS
        for one in convolutions
    )
    return torch.channels_last if training.channels_last and (wide or not broken) else torch.contiguous_format


class GazeTask(pl.LightningModule):
    """Batches of `Batch`; logs `train_loss` and `monitored(spec)` per epoch. weights: see `participant_weights`; one where a
    participant has none. tied: which towers train as one at first. partners: which cameras change places in the mirror, where
    half of the samples are seen in one."""

    tied: TiedTowers | None = None
    partners: Partners | None = None
    weights: Mapping[str, float] = MappingProxyType({})

    def __init__(self, model: nn.Module, spec: Spec, training: Training, seed: int) -> None:
        super().__init__()
        self.model = model
        self.spec = spec
        self.training_settings = training
        self.seed = seed
        self.loss = loss_of(training.loss, spec)
        self.memory_format = layout_of(model, training)
        self.model.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def on_train_epoch_start(self) -> None:
        # Dropout depends on seed and epoch alone, so a resumed training equals an uninterrupted one.
        torch.manual_seed(self.seed * 100_003 + self.current_epoch)
        if self.tied is not None and self.share_done < self.tied.share:
            begin_alike(self.model, self.tied)  # rounding drives apart what takes equal steps

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _: int) -> Batch:
        return batch.to(device, self.memory_format)

    def training_step(self, batch: Batch, step: int) -> Tensor:
        if self.partners is not None:
            batch = turned(self.spec, self.partners, batch, self.half_of(batch, step))
        batch = self.varied(batch, step)
        loss = self.loss(self.model(*batch.inputs).float(), batch.target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        return loss

    def half_of(self, batch: Batch, step: int) -> Tensor:
        """Of the samples, at random by seed, epoch and step alone: (batch,), true or false."""
        drawn = self.chance(MIRRORS, step).random(len(batch.ids)) < 0.5
        return torch.from_numpy(drawn).to(batch.target.device)

    def varied(self, batch: Batch, step: int) -> Batch:
        """With pictures that vary, where the settings say so."""
        settings = self.training_settings.varied_pictures
        return batch if settings is None else varied(self.spec.inputs, settings, batch, self.chance(VARIED, step))

    def chance(self, purpose: int, step: int) -> np.random.Generator:
        """By seed, epoch, step and device alone."""
        return np.random.default_rng([purpose, self.seed % 2**63, self.current_epoch, step, self.global_rank])

    def validation_step(self, batch: Batch, _: int) -> None:
        prediction = self.model(*batch.inputs).float()
        weight = prediction.new_tensor([self.weights.get(one, 1.0) for one in batch.participants])
        figure = validation_figure(self.spec, self.training_settings, prediction, batch.target, weight)
        self.log(monitored(self.spec), figure, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        if self.spec.kind == "class":
            right = (weight * (prediction.argmax(dim=1) == batch.target)).mean()
            self.log("validation_accuracy", right, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)

    @property
    def share_done(self) -> float:
        """Of all steps, those that are over: the same after a stop."""
        return self.global_step / int(self.trainer.estimated_stepping_batches)

    def on_after_backward(self) -> None:
        if self.tied is not None and self.share_done < self.tied.share:
            share_gradients(self.model, self.tied)

    def on_train_batch_start(self, *_: Any) -> None:
        settings, optimiser = self.training_settings, self.optimizers(use_pl_optimizer=False)
        if settings.momentum_end is not None and isinstance(optimiser, torch.optim.Optimizer):
            share = self.global_step / max(1, int(self.trainer.estimated_stepping_batches) - 1)
            ramp_momentum(optimiser, settings.momentum, settings.momentum_end, share)

    def configure_optimizers(self) -> Any:
        settings = self.training_settings
        steps = int(self.trainer.estimated_stepping_batches)
        optimiser = make_optimiser(self, settings)
        return {"optimizer": optimiser, "lr_scheduler": make_schedule(optimiser, settings, steps)}


def make_optimiser(model: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters that want a gradient."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "sgd":
        return torch.optim.SGD(parameters, rate, settings.momentum, weight_decay=decay)
    if settings.optimiser == "muon":
        return KernelMuon(model, rate, decay, settings.kernel_learning_rate)
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay)


def make_schedule(optimiser: torch.optim.Optimizer, settings: Training, steps: int) -> dict[str, Any]:
    """Lightning's scheduler entry: one cycle over all steps, steps of x 0.1, half where the loss stays, or constant."""
    if settings.schedule == "one-cycle":
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, [group["lr"] for group in optimiser.param_groups], total_steps=steps
        )
        return {"scheduler": cycle, "interval": "step"}
    if settings.schedule == "plateau":
        half = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=3, min_lr=1e-6)
        return {"scheduler": half, "interval": "epoch", "monitor": "train_loss"}
    epochs = settings.step_epochs if settings.schedule == "step" else settings.epochs + 1
    return {"scheduler": torch.optim.lr_scheduler.StepLR(optimiser, epochs, 0.1), "interval": "epoch"}


def ramp_momentum(optimiser: torch.optim.Optimizer, start: float, end: float, share: float) -> None:
    """Momentum on the line from start to end, at `share` (0..1) of the steps. It depends on the step alone, so that a resumed
    training goes on as if nothing had happened."""
    for group in optimiser.param_groups:
        group["momentum"] = start + (end - start) * min(share, 1.0)
