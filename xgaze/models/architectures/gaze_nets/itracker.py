"""iTracker (Krafka et al. 2016), layer for layer as in GazeCapture's PyTorch model: both eyes, the face, and where it is."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.prediction import in_unit_of
from xgaze.models.inputs import place_of, require_only
from xgaze.models.layers import Beside, FeatureHead, Float32Sequential, shape_after, unstacked

INPUTS = ("face", "left", "right", "grid")


class ITracker(FeatureHead):
    """ "face", "left" and "right" (batch, 3, 224, 224) and "grid" (batch, 625) -> gaze point in cm from the camera.

    Features: [maps of the left eye | of the right eye | face 64 | grid 128]; one tower reads both eyes. With these sizes
    6,286,274 parameters. LocalResponseNorm is Caffe's definition; CrossMapLRN2d, used elsewhere, has a wrong gradient.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        require_only(spec, INPUTS)
        maps = "channels x height x width"
        self.places = [place_of(spec, name, "cells" if name == "grid" else maps) for name in INPUTS]
        face, left, right = (spec.inputs[k].picture for k in self.places[:3])
        if left != right:
            raise ValueError("one tower reads both eyes, so their pictures must be of one shape")
        self.eye, self.face = _tower(left[0]), _tower(face[0])
        channels, height, width = shape_after(self.eye, left)
        self.feature_shape = (2 * channels, height, width)
        self.face_fc = _connected(_numbers(shape_after(self.face, face)), 128, 64)
        self.grid_fc = _connected(spec.inputs[self.places[3]].shape[0], 256, 128)
        self.head = Float32Sequential(
            OrderedDict[str, nn.Module](
                eyes=Beside(nn.Linear(_numbers(self.feature_shape), 128), 64 + 128),
                eyes_activation=Beside(nn.ReLU(), 64 + 128),
                fc=nn.Linear(128 + 64 + 128, 128),
                fc_activation=nn.ReLU(),
                gaze=nn.Linear(128, spec.outputs),
                **in_unit_of(spec, "cm"),
            )
        )

    def features(self, *inputs: Tensor) -> Tensor:
        face, left, right, grid = (inputs[k] for k in self.places)
        eyes = unstacked(self.eye(torch.cat([left, right])), 2)
        return torch.cat([eyes, self.face_fc(self.face(face).flatten(1)), self.grid_fc(grid)], dim=1)


def _tower(channels: int) -> nn.Sequential:
    def pooled() -> list[nn.Module]:
        return [nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)]

    return nn.Sequential(
        nn.Conv2d(channels, 96, 11, stride=4),
        *pooled(),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        *pooled(),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 64, 1),
        nn.ReLU(),
    )


def _connected(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs), nn.ReLU())


def _numbers(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel()


GAZECAPTURE = Layout(
    {
        "eye.": "eyeModel.features.",
        "face.": "faceModel.conv.features.",
        "face_fc.": "faceModel.fc.",
        "grid_fc.": "gridModel.fc.",
        "head.eyes.layer.": "eyesFC.0.",
        "head.fc.": "fc.0.",
        "head.gaze.": "fc.2.",
    },
    unit="cm",
)
ARCHITECTURE = Architecture("itracker", ITracker, (GAZECAPTURE,))
