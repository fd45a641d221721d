"""CNN on one picture (of a scanpath, a heatmap, a Gramian field) from a list of blocks, with a classifier or a regressor."""

from collections import OrderedDict
from typing import Annotated

from pydantic import Field
from torch import Tensor

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.blocks import Blocks, Positive, build_cnn, large_resnet
from xgaze.models.architectures.prediction import prediction_layers
from xgaze.models.inputs import only_picture
from xgaze.models.layers import FeatureHead, Float32Sequential


class ScanpathCNN(FeatureHead):
    """(batch, channels, height, width) -> logits (batch, classes), or numbers in the target's unit.

    The default blocks are the large ResNet of EyeFeatures: with two classes on 1x100x100, 2,718,306 parameters.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        blocks: Blocks | None = None,
        hidden: tuple[Positive, ...] = (),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        output_scale: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__()
        self.body, self.feature_shape = build_cnn(blocks or large_resnet(), only_picture(spec).picture)
        channels, height, width = self.feature_shape
        layers = prediction_layers(spec, channels * height * width, hidden, dropout, output_scale)
        self.head = Float32Sequential(OrderedDict(layers))

    def features(self, *inputs: Tensor) -> Tensor:
        (picture,) = inputs
        out: Tensor = self.body(picture)
        return out.flatten(1)


ARCHITECTURE = Architecture("scanpath-cnn", ScanpathCNN)
