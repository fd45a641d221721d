"""Gaze augmentation training: beside each photograph, the parts of it that people looked at most. At test there is no gaze."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from xgaze.data.contract import Batch, Spec
from xgaze.errors import InputError
from xgaze.models.architectures.gaze_windows import WindowGrid, chosen_windows, window_grid
from xgaze.models.inputs import only_picture
from xgaze.recipe import Training
from xgaze.training.task import GazeTask


class GazeAugmentedTask(GazeTask):
    """Loss of the image alone in the first epochs; then loss of the image + weight x mean loss of its nine windows."""

    def __init__(self, model: nn.Module, spec: Spec, training: Training, seed: int) -> None:
        super().__init__(model, spec, training, seed)
        _, height, width = only_picture(spec).picture
        if spec.kind != "class" or height != width or training.gaze_augmentation is None:
            raise InputError("training.gaze_augmentation is for classes of square photographs; leave it out here.")
        self.options = training.gaze_augmentation
        self.grid = window_grid(height, self.options.stride)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        loss = self.loss(self.model(*batch.inputs).float(), batch.target)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        if self.current_epoch < self.options.image_only_epochs:
            return loss
        if batch.attention is None:
            raise InputError(
                f"training.gaze_augmentation: {batch.ids[0]}, or another photograph beside it, has no attention map. "
                "Set data.attention: training, and give every training photograph its map."
            )
        windows = gaze_windows(batch.inputs[0], batch.attention, self.grid)
        own = self.loss(self.model(windows).float(), batch.target.repeat_interleave(self.grid.kept))
        self.log("train_loss_windows", own, on_step=False, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        return loss + self.options.weight * own


def task_of(model: nn.Module, spec: Spec, training: Training, seed: int) -> GazeTask:
    """What trains a model as the settings say."""
    kind = GazeTask if training.gaze_augmentation is None else GazeAugmentedTask
    return kind(model, spec, training, seed)


def gaze_windows(pictures: Tensor, attention: Tensor, grid: WindowGrid) -> Tensor:
    """The windows people looked at most, resized to half the side: (n, channels, side, side) and (n, 1, side, side) ->
    (n x kept, channels, side / 2, side / 2), those of the first picture first."""
    boxes = chosen_windows(attention[:, 0].cpu().numpy(), grid)
    half = (grid.side // 2, grid.side // 2)
    cuts = [
        functional.interpolate(picture[None, :, top:bottom, left:right], half, mode="bilinear", align_corners=False)
        for picture, own in zip(pictures, boxes.tolist(), strict=True)
        for left, top, right, bottom in own
    ]
    return torch.cat(cuts)
