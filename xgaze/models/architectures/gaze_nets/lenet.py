"""LeNet with head pose (Zhang, Sugano, Fritz & Bulling 2015), layer for layer as in pytorch_mpiigaze, for MPIIGaze."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.prediction import in_unit_of
from xgaze.models.inputs import pictures_and_vectors
from xgaze.models.layers import Beside, FeatureHead, Float32Sequential, shape_after


class LeNet(FeatureHead):
    """Eye (batch, 1, 36, 60) in [0, 1] and head pose (batch, 2) rad -> pitch and yaw; any other picture and vectors likewise.

    Features: [flattened maps | head pose]. With these sizes 1,827,076 parameters, 1,800,500 of them in `fc1`. There is no
    activation between the convolutions.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        (self.eye_place,), self.vector_places = pictures_and_vectors(spec, 1)
        eye = spec.inputs[self.eye_place].picture
        conv1, conv2 = nn.Conv2d(eye[0], 20, 5), nn.Conv2d(20, 50, 5)
        nn.init.normal_(conv1.weight, std=0.1)
        nn.init.normal_(conv2.weight, std=0.01)
        layers = OrderedDict[str, nn.Module](conv1=conv1, pool1=nn.MaxPool2d(2), conv2=conv2, pool2=nn.MaxPool2d(2))
        self.eye = nn.Sequential(layers)
        channels, height, width = shape_after(self.eye, eye)
        self.feature_shape = (channels, height, width)
        beside = sum(spec.inputs[k].shape[0] for k in self.vector_places)
        self.head = Float32Sequential(
            OrderedDict[str, nn.Module](
                fc1=Beside(nn.Linear(channels * height * width, 500), beside),
                fc1_activation=Beside(nn.ReLU(), beside),
                fc2=nn.Linear(500 + beside, spec.outputs),
                **in_unit_of(spec, "rad"),
            )
        )
        for one in self.modules():
            if isinstance(one, nn.Linear):
                nn.init.xavier_uniform_(one.weight)
            if isinstance(one, nn.Linear | nn.Conv2d) and one.bias is not None:
                nn.init.zeros_(one.bias)

    def features(self, *inputs: Tensor) -> Tensor:
        maps = self.eye(inputs[self.eye_place])
        return torch.cat([maps.flatten(1), *(inputs[k] for k in self.vector_places)], dim=1)


PUBLISHED = Layout({"eye.": "", "head.fc1.layer.": "fc1.", "head.fc2.": "fc2."}, unit="rad")
ARCHITECTURE = Architecture("lenet", LeNet, (PUBLISHED,))
