"""L2CS-Net (Abdelrahman et al. 2022): a residual network, one binned head per angle, and the mean of the bins' angles."""

from collections import OrderedDict
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.prediction import in_unit_of
from xgaze.models.architectures.resnet import Channels, Depth, Trunk
from xgaze.models.inputs import only_picture
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.units import DEGREES, RADIANS


class L2CS(FeatureHead):
    """Face (batch, 3, H, W) in [0, 1] -> pitch and yaw. features: (batch, width), the last maps averaged.

    The defaults are the net for Gaze360: bin k stands for (k * 4 - 180) degrees, its left edge. With bins 28, bin_degrees 3 and
    lowest_degrees -42 it is that for MPIIFaceGaze. ResNet-50 and 90 bins: 23,876,852 parameters; published files hold 6,156 more,
    of a layer that nothing reads.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        depth: Depth = 50,
        channels: Channels = 64,
        bins: Annotated[int, Field(ge=2)] = 90,
        bin_degrees: Annotated[float, Field(gt=0)] = 4.0,
        lowest_degrees: float = -180.0,
    ) -> None:
        super().__init__()
        if spec.kind != "angle" or spec.unit not in (RADIANS, DEGREES):
            raise ValueError(f"it tells pitch and yaw, in {RADIANS} or {DEGREES}")
        if spec.beside:
            raise ValueError("it tells pitch and yaw alone; leave targets_beside out")
        self.trunk = Trunk(only_picture(spec).picture[0], depth, channels)
        self.head = Float32Sequential(
            OrderedDict[str, nn.Module](
                bins=nn.Linear(self.trunk.width, 2 * bins),
                angles=MeanOfBins(2, bin_degrees, lowest_degrees),
                **in_unit_of(spec, DEGREES),
            )
        )

    def features(self, *inputs: Tensor) -> Tensor:
        (face,) = inputs
        out: Tensor = self.trunk(self.trunk.standardised(face))
        return out


class MeanOfBins(nn.Module):
    """Logits (batch, numbers x bins) -> (batch, numbers): of each number the mean of its bins' values, weighted by their softmax.

    Bin k stands for lowest + k * width.
    """

    def __init__(self, numbers: int, width: float, lowest: float) -> None:
        super().__init__()
        self.numbers, self.width, self.lowest = numbers, width, lowest

    def forward(self, logits: Tensor) -> Tensor:
        shares = logits.unflatten(1, (self.numbers, -1)).softmax(dim=2)
        values = self.lowest + self.width * torch.arange(shares.shape[2], dtype=shares.dtype, device=shares.device)
        means: Tensor = (shares * values).sum(dim=2)
        return means

    def extra_repr(self) -> str:
        return f"numbers={self.numbers}, width={self.width:g}, lowest={self.lowest:g}"


PUBLISHED = Layout(
    {"trunk.": "", "head.bins.": ("fc_pitch_gaze.", "fc_yaw_gaze.")}, unread=("fc_finetune.",), unit=DEGREES
)
ARCHITECTURE = Architecture("l2cs", L2CS, (PUBLISHED,))
