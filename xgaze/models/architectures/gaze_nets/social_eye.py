"""SocialEye (Meta's projectaria_eyetracking): both eyes, stacked in the batch, through one residual network."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.prediction import in_unit_of
from xgaze.models.architectures.resnet import Bottleneck, Channels
from xgaze.models.inputs import pictures_and_vectors
from xgaze.models.layers import FeatureHead, Float32Sequential, unstacked

STAGES = ((0.5, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 2))
"""Channels inside as a multiple of the first convolution's, blocks, stride of the first."""


class SocialEye(FeatureHead):
    """Two eyes (batch, 1, 240, 320), and vectors if there are any -> pitch and yaw.

    Features: the last maps of each eye averaged, side by side (2 x 512), and the vectors. With two grey pictures 1,398,082
    parameters; the published file holds 4,100 more, of two heads for what the angles may be at least and at most.
    mirrored: the second eye is seen in a mirror, as published. min_max: each picture is brought to -0.5..0.5, which the published
    weights need; one trained here does without, and is easier to explain: nearly grey pictures, too, become full of contrast.
    """

    def __init__(self, spec: Spec, *, channels: Channels = 64, mirrored: bool = True, min_max: bool = False) -> None:
        super().__init__()
        self.eye_places, self.vector_places = pictures_and_vectors(spec, 2)
        first, second = (spec.inputs[k].picture for k in self.eye_places)
        if first != second:
            raise ValueError("one network reads both eyes, so their pictures must be of one shape")
        self.mirrored, self.min_max = mirrored, min_max
        self.backbone, width = _backbone(first[0], channels)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        width = 2 * width + sum(spec.inputs[k].shape[0] for k in self.vector_places)
        main = nn.Linear(width, spec.outputs)
        self.head = Float32Sequential(OrderedDict[str, nn.Module](fc_main=main, **in_unit_of(spec, "rad")))

    def features(self, *inputs: Tensor) -> Tensor:
        first, second = (inputs[k] for k in self.eye_places)
        eyes = torch.cat([first, second.flip(-1) if self.mirrored else second])
        means = self.avgpool(self.backbone(_in_range(eyes) if self.min_max else eyes))
        return torch.cat([unstacked(means, 2), *(inputs[k] for k in self.vector_places)], dim=1)


def _in_range(pictures: Tensor) -> Tensor:
    """Each between -0.5 and 0.5; one of a single grey is -0.5."""
    low, high = pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    return (pictures - low) / (high - low).clamp_min(torch.finfo(pictures.dtype).tiny) - 0.5


def _backbone(picture_channels: int, channels: int) -> tuple[nn.Sequential, int]:
    """And how many maps it makes."""
    width, stages = channels, OrderedDict[str, nn.Module]()
    for number, (share, blocks, stride) in enumerate(STAGES, 1):
        stage, inner = nn.Sequential(), int(share * channels)
        for block in range(blocks):
            stage.append(Bottleneck(width, inner, 1 if block else stride))
            width = inner * Bottleneck.expansion
        stages[f"layer{number}"] = stage
    layers = OrderedDict[str, nn.Module](
        conv1=nn.Conv2d(picture_channels, channels, 7, 2, 3, bias=False),
        bn1=nn.BatchNorm2d(channels),
        relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, 2, 1),
        feature_extractor=nn.Sequential(stages),
    )
    backbone = nn.Sequential(layers)
    for one in backbone.modules():
        if isinstance(one, nn.Conv2d):
            nn.init.kaiming_normal_(one.weight, mode="fan_out", nonlinearity="relu")
    return backbone, width


PUBLISHED = Layout({}, turned=("head.fc_main.",), unread=("head.fc_upper.", "head.fc_lower."), unit="rad")
ARCHITECTURE = Architecture("social-eye", SocialEye, (PUBLISHED,))
