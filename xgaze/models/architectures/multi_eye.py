"""Multi-eye gaze regressor in the style of iTracker (Krafka et al. 2016): one unshared tower per eye camera."""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.prediction import of_main, output_scale
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.units import STEP, told_in

Activation = Literal["none", "tanh", "sigmoid", "relu"]
Positive = Annotated[int, Field(ge=1)]
Padding = Annotated[int, Field(ge=0)]


class MultiEye(FeatureHead):
    """Towers -> flatten -> concatenate -> embedding -> hidden -> gaze point in px (batch, 2).

    The defaults are the published net: 576x720 grey inputs give 8x14x19 per camera, 8,512 features, 1,440,290 parameters.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        first_stride: Positive = 4,
        conv3_stride: Positive = 2,
        conv3_padding: Padding = 1,
        conv4_padding: Padding = 0,
        lrn: bool = True,
        embedding: Positive = 128,
        embedding_activation: Activation = "none",
        hidden: Positive = 64,
        output: Literal["sigmoid", "relu", "none"] = "sigmoid",
        output_scale_px: Annotated[float, Field(gt=0)] | None = None,
    ) -> None:
        super().__init__()
        strides = (first_stride, conv3_stride)
        paddings = (conv3_padding, conv4_padding)
        self.towers = nn.ModuleList(_tower(one.picture[0], strides, paddings, lrn) for one in spec.inputs)
        with torch.no_grad():
            maps = [tower(torch.zeros(1, *one.shape))[0] for tower, one in zip(self.towers, spec.inputs, strict=True)]
        width = sum(one.numel() for one in maps)
        if len({one.shape[1:] for one in maps}) == 1:
            self.feature_shape = (sum(len(one) for one in maps), *maps[0].shape[1:])
        layers = OrderedDict[str, nn.Module](embedding=nn.Linear(width, embedding))
        if embedding_activation != "none":
            layers["embedding_activation"] = _activation(embedding_activation)
        layers["hidden"] = nn.Linear(embedding, hidden)
        layers["hidden_activation"] = nn.ReLU()
        layers["gaze"] = nn.Linear(hidden, spec.outputs)
        if output != "none":
            layers["gaze_activation"] = of_main(spec, _activation(output))
        scale = 10 * STEP.get(told_in(spec.kind, spec.unit), STEP["px"])
        layers["output_px"] = output_scale(spec, output_scale_px or scale)
        self.head = Float32Sequential(layers)

    def features(self, *inputs: Tensor) -> Tensor:
        return torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, inputs, strict=True)], dim=1)


def _tower(channels: int, strides: tuple[int, int], paddings: tuple[int, int], lrn: bool) -> nn.Sequential:
    def norm(name: str) -> dict[str, nn.Module]:
        # LocalResponseNorm, never CrossMapLRN2d, whose gradient and export are wrong.
        return {name: nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)} if lrn else {}

    return nn.Sequential(
        OrderedDict[str, nn.Module](
            conv1=nn.Conv2d(channels, 32, 11, stride=strides[0]),
            act1=nn.LeakyReLU(),
            pool1=nn.MaxPool2d(3, 2),
            **norm("norm1"),
            conv2=nn.Conv2d(32, 64, 5, padding=2, groups=2),
            act2=nn.LeakyReLU(),
            pool2=nn.MaxPool2d(3, 2),
            **norm("norm2"),
            conv3=nn.Conv2d(64, 32, 5, stride=strides[1], padding=paddings[0]),
            act3=nn.LeakyReLU(),
            conv4=nn.Conv2d(32, 16, 3, padding=paddings[1]),
            act4=nn.ReLU(),
            conv5=nn.Conv2d(16, 8, 1),
        )
    )


def _activation(name: str) -> nn.Module:
    return {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}[name]()


ARCHITECTURE = Architecture("multi-eye", MultiEye)
