"""Wirings of published gaze networks, small, as ONNX files: read as they are, and thinner by channels with a proof."""

import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from xgaze.api.compressing import compress
from xgaze.models.own_networks.onnx_network import network_of_onnx
from xgaze.models.size import count_parameters

SAMPLES = 12


class EyeTracker(nn.Module):
    """iTracker: one tower for both eyes, a face, and where in the frame it is."""

    def __init__(self):
        super().__init__()
        self.eye, self.face = (
            nn.Sequential(
                nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.MaxPool2d(3, 2), between,
                nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Flatten(),
            )
            for between in (nn.Identity(), nn.LocalResponseNorm(3))
        )  # fmt: skip
        self.eyes = nn.Sequential(nn.Linear(2 * 64, 12), nn.ReLU())
        self.face_fc = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU())
        self.grid = nn.Sequential(nn.Linear(25, 8), nn.ReLU())
        self.fc = nn.Sequential(nn.Linear(28, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, face, left, right, grid):
        eyes = self.eyes(torch.cat([self.eye(left), self.eye(right)], 1))
        return self.fc(torch.cat([eyes, self.face_fc(self.face(face)), self.grid(grid.view(grid.size(0), -1))], 1))


class Residual(nn.Module):
    def __init__(self, reads, makes, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(reads, makes, 3, stride, 1, bias=False), nn.BatchNorm2d(makes), nn.ReLU(inplace=True),
            nn.Conv2d(makes, makes, 3, 1, 1, bias=False), nn.BatchNorm2d(makes),
        )  # fmt: skip
        self.beside = nn.Sequential(nn.Conv2d(reads, makes, 1, stride, bias=False), nn.BatchNorm2d(makes))

    def forward(self, x):
        return torch.relu(self.body(x) + self.beside(x))


class TwoClassifiers(nn.Module):
    """L2CS: a residual net and two heads of bins, each with its expectation in degrees."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.blocks = nn.Sequential(Residual(8, 8, 1), Residual(8, 16, 2))
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.pitch, self.yaw = nn.Linear(16, 28), nn.Linear(16, 28)

    def forward(self, face):
        x = self.pool(self.blocks(self.stem(face)))
        x = x.view(x.size(0), -1)
        bins = torch.arange(28, dtype=torch.float32)
        shares = [torch.softmax(head(x), 1) for head in (self.pitch, self.yaw)]
        return torch.stack([(one * bins).sum(1) * 3 - 42 for one in shares], 1)


class Squeezed(nn.Module):
    """A block of MobileNetV3: wider, by channel, weighed by what all of it holds, narrower."""

    def __init__(self, reads, wide, makes):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(reads, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(),
            nn.Conv2d(wide, wide, 5, 1, 2, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(),
        )  # fmt: skip
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 8, 1), nn.ReLU(), nn.Conv2d(8, wide, 1), nn.Hardsigmoid()
        )
        self.narrow = nn.Sequential(nn.Conv2d(wide, makes, 1, bias=False), nn.BatchNorm2d(makes))

    def forward(self, x):
        wide = self.body(x)
        return x + self.narrow(wide * self.weigh(wide))


class Mobile(nn.Module):
    """Blocks of MobileNetV3, and the head's direction beside."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.blocks = nn.Sequential(Squeezed(8, 24, 8), Squeezed(8, 16, 8))
        self.fc = nn.Sequential(nn.Linear(8 + 2, 12), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(12, 2))

    def forward(self, eye, head):
        return self.fc(torch.cat([self.blocks(self.stem(eye)).mean([2, 3]), head], 1))


class Attending(nn.Module):
    """GazeTR: maps of a small net as words of a transformer, with one word more that becomes the gaze."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(3, 8, 3, 4, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()
        )
        self.word, self.place = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(0.1 * torch.randn(1, 17, 16))
        self.encoder = nn.TransformerEncoderLayer(16, 2, 24, 0.1, "gelu", batch_first=True)
        self.fc = nn.Linear(16, 2)

    def forward(self, face):
        words = self.maps(face).flatten(2).transpose(1, 2)
        words = torch.cat([self.word.expand(words.size(0), -1, -1), words], 1) + self.place
        return self.fc(self.encoder(words)[:, 0])


FACE = {"face": (3, 32, 32)}
ALL_EYES = {"face": (3, 24, 24), "left": (3, 24, 24), "right": (3, 24, 24), "grid": (25,)}
NETWORKS = {
    EyeTracker: (ALL_EYES, (4894, 4190), ["conv2d"]),
    TwoClassifiers: (FACE, (7088 - 80, 2332), []),
    Mobile: ({"eye": (1, 18, 30), "head": (2,)}, (2774 - 104, 1046), []),
    Attending: (FACE, (3682 - 8 - 18 * 16, 2698), ["linear"]),
}
"""Inputs; weights as they are and with half the channels, less the norms that exporting folds, and less words of a transformer,
which are constants then; where the channels of a layer that stays as it is are mixed."""


@pytest.fixture(params=NETWORKS, ids=lambda one: one.__name__)
def exported(request, tmp_path):
    """The network, its file and some samples."""
    torch.manual_seed(0)
    network = request.param()
    with torch.no_grad():
        for one in network.modules():
            if isinstance(one, nn.BatchNorm2d):
                (
                    one.weight.uniform_(0.5, 2),
                    one.bias.normal_(),
                    one.running_mean.normal_(0, 0.3),
                    one.running_var.uniform_(0.5, 2),
                )
    samples = {name: torch.randn(SAMPLES, *shape) for name, shape in NETWORKS[request.param][0].items()}
    told = {"input_names": [*samples], "output_names": ["gaze"], "dynamic_axes": {name: {0: "n"} for name in samples}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network.eval(), tuple(samples.values()), tmp_path / "net.onnx", dynamo=False, **told)
    return network, tmp_path / "net.onnx", samples


def test_it_is_read_as_it_is_and_its_channels_go_with_a_proof(exported):
    network, path, samples = exported
    shapes, counts, mixed = NETWORKS[type(network)]
    read, names, _ = network_of_onnx(path, shapes, 2)
    assert names == [*samples]
    with torch.no_grad():
        found = read(*samples.values()).numpy()
    expected = onnxruntime.InferenceSession(str(path)).run(None, {name: one.numpy() for name, one in samples.items()})[
        0
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    thin = compress(read, samples, share=0.5)
    assert (count_parameters(read), *thin.parameters) == (counts[0], *counts)
    (proof,) = [one.proof for one in thin.steps if one.surgery.kind == "channels"]
    assert proof.value <= proof.limit == 1e-5
    where = [why.split("mixed at 'features_net.")[1].split("'")[0].rstrip("0123456789") for why in thin.uncut.values()]
    assert where == mixed
