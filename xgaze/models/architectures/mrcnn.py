"""Mr-CNN: will people look here? Crops of a photograph at several resolutions, one convolutional tower per resolution.

Liu, Han, Zhang, Wen & Liu, "Predicting eye fixations using convolutional neural networks", CVPR 2015.
"""

from collections import OrderedDict
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.layers import EachBlock, FeatureHead, Float32Sequential, unstacked


class MrCNN(FeatureHead):
    """Crops (batch, 3, 42, 42) at three scales -> logits (batch, 2) of "not looked at" and "looked at": 0 and z.

    features: the towers' maps, flattened, side by side (3 x 2,592). The head's first layer is one and the same for all scales,
    at path "head.branch.layer" (2,592 -> 512). 3,818,497 parameters; with share_towers 2,682,881 (MrCNNs); also without
    batch_norm 2,682,689 (base, whose conv1_max_norm is 0.1).
    """

    def __init__(
        self,
        spec: Spec,
        *,
        share_towers: bool = False,
        batch_norm: bool = True,
        conv1_max_norm: Annotated[float, Field(gt=0)] | None = None,
        hidden: Annotated[int, Field(ge=1)] = 512,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    ) -> None:
        super().__init__()
        if spec.kind != "class" or spec.outputs != 2 or len({one.shape for one in spec.inputs}) != 1:
            raise ValueError("it tells two classes from crops of one shape")
        shape, scales = spec.inputs[0].picture, len(spec.inputs)
        towers = [_tower(shape[0], batch_norm, conv1_max_norm, dropout) for _ in range(1 if share_towers else scales)]
        self.towers = nn.ModuleList(towers)
        with torch.no_grad():
            maps = towers[0].eval()(torch.zeros(1, *shape))[0]
        towers[0].train()
        self.feature_shape = tuple(maps.shape)
        width = maps.numel()
        layers = OrderedDict[str, nn.Module](
            branch=EachBlock(nn.Linear(width, hidden), scales),
            branch_activation=nn.ReLU(),
            branch_drop=nn.Dropout(dropout),
            joint=nn.Linear(scales * hidden, hidden),
            joint_activation=nn.ReLU(),
            joint_drop=nn.Dropout(dropout),
            looked_at=nn.Linear(hidden, 1),
            classes=AgainstZero(),
        )
        self.head = Float32Sequential(layers)

    def features(self, *inputs: Tensor) -> Tensor:
        if len(self.towers) == 1:
            # All scales at once: batch normalisation then sees while training the very mixture it will use.
            return unstacked(self.towers[0](torch.cat(inputs)), len(inputs))
        return torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, inputs, strict=True)], dim=1)

    def tower(self, k: int) -> nn.Module:
        """The tower that reads input k."""
        return self.towers[0 if len(self.towers) == 1 else k]


class AgainstZero(nn.Module):
    """One logit z (batch, 1) as the logits 0 and z of two classes (batch, 2): their softmax is 1 - sigmoid(z) and sigmoid(z)."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(z), z], dim=1)


class MaxNorm(nn.Module):
    """Filters of at most this L2 norm: a longer one is shortened, its gradient flows on to the parameter itself."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, weight: Tensor) -> Tensor:
        norms = weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1))
        bounded: Tensor = weight * (self.limit / norms.clamp_min(self.limit))
        return bounded

    def right_inverse(self, weight: Tensor) -> Tensor:
        """A filter starts at the bound, not beyond it, where its gradient would be small."""
        return self.forward(weight)


def _tower(channels: int, batch_norm: bool, max_norm: float | None, dropout: float) -> nn.Sequential:
    convs = [nn.Conv2d(channels, 96, 7), nn.Conv2d(96, 160, 3), nn.Conv2d(160, 288, 3)]
    for conv in convs:
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
    if max_norm is not None:
        register_parametrization(convs[0], "weight", MaxNorm(max_norm))
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            conv1=convs[0],
            **({"norm1": nn.BatchNorm2d(96)} if batch_norm else {}),
            act1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=convs[1],
            act2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=convs[2],
            act3=nn.ReLU(),
            drop3=nn.Dropout(dropout),
            pool3=nn.MaxPool2d(2),
        )
    )


ARCHITECTURE = Architecture("mrcnn", MrCNN)
