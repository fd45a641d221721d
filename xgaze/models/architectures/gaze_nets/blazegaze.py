"""BlazeGaze of WebEyeTrack (Davalos et al. 2025): a strip of both eyes, where the head is and where it points."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.prediction import SCREENS, in_unit_of, of_main, scaled_beside
from xgaze.models.inputs import pictures_and_vectors
from xgaze.models.layers import FeatureHead, Float32Sequential, shape_after
from xgaze.units import told_in


class BlazeGaze(FeatureHead):
    """Strip (batch, 3, 128, 512) in [0, 1], head direction (batch, 3) and face origin (batch, 3) in cm -> gaze point.

    Features: [flattened maps | vectors, in the recording's order]. With these sizes 155,826 parameters (its file, which
    no Python framework but Keras reads, holds 192 statistics of normalisation more). The published net tells parts of the screen
    from its centre, y downwards: where gaze is in px of a scene, that becomes its px.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        (self.strip_place,), self.vector_places = pictures_and_vectors(spec, 1)
        strip = spec.inputs[self.strip_place].picture
        self.strip = _encoder(strip[0])
        width = torch.Size(shape_after(self.strip, strip)).numel()
        width += sum(spec.inputs[k].shape[0] for k in self.vector_places)
        self.head = Float32Sequential(
            OrderedDict[str, nn.Module](
                hidden1=nn.Linear(width, 16),
                act1=nn.ReLU(),
                hidden2=nn.Linear(16, 16),
                act2=nn.ReLU(),
                gaze=nn.Linear(16, spec.outputs),
                **_on_screen(spec),
            )
        )

    def features(self, *inputs: Tensor) -> Tensor:
        maps = self.strip(inputs[self.strip_place])
        return torch.cat([maps.flatten(1), *(inputs[k] for k in self.vector_places)], dim=1)


def _on_screen(spec: Spec) -> dict[str, nn.Module]:
    """From parts of the screen to the target's unit."""
    if spec.scene and told_in(spec.kind, spec.unit) == "px":
        return {"screen": of_main(spec, OnScreen(*spec.scene)), **scaled_beside(spec)}
    return in_unit_of(spec, SCREENS)


class OnScreen(nn.Module):
    """Parts of a screen from its centre -> px from its top left: (batch, 2) -> (batch, 2)."""

    size: Tensor

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self.register_buffer("size", torch.tensor([float(width), float(height)]), persistent=False)

    def forward(self, part: Tensor) -> Tensor:
        return (part + 0.5) * self.size


class BlazeBlock(nn.Module):
    """A depthwise 5x5 and a 1x1 convolution, with `inner` twice with ReLU between, beside their input; ReLU after the sum.

    With stride 2 the input is pooled, and goes through 1x1.
    """

    def __init__(self, read: int, made: int, stride: int = 1, inner: int | None = None) -> None:
        super().__init__()
        layers = _separable(read, inner or made, stride)
        if inner:
            layers += [nn.ReLU(), *_separable(inner, made, 1)]
        self.changed = nn.Sequential(*layers)
        self.pool = nn.MaxPool2d(2) if stride == 2 else nn.Identity()
        self.shortcut = nn.Conv2d(read, made, 1) if stride == 2 else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.changed(x) + self.shortcut(self.pool(x)))
        return out


def _separable(read: int, made: int, stride: int) -> list[nn.Module]:
    return [*_same(5, stride), nn.Conv2d(read, read, 5, stride, groups=read), nn.Conv2d(read, made, 1)]


def _same(kernel: int, stride: int) -> list[nn.Module]:
    """Keras's "same": with stride 2 on even sides there is one more pixel after the picture than before it."""
    after = kernel // 2
    before = after if stride == 1 else after - 1
    return [nn.ZeroPad2d((before, after, before, after))]


def _encoder(channels: int) -> nn.Sequential:
    def down(read: int, made: int, kernel: int) -> list[nn.Module]:
        return [*_same(kernel, 2), nn.Conv2d(read, made, kernel, 2), nn.ReLU()]

    def normed(read: int, made: int) -> list[nn.Module]:
        return [*down(read, made, 3), nn.BatchNorm2d(made, eps=1e-3, momentum=0.01)]

    return nn.Sequential(
        *down(channels, 24, 5),
        BlazeBlock(24, 24),
        BlazeBlock(24, 24),
        BlazeBlock(24, 48, 2),
        BlazeBlock(48, 48),
        BlazeBlock(48, 48),
        BlazeBlock(48, 96, 2, inner=24),
        BlazeBlock(96, 96, inner=24),
        BlazeBlock(96, 96, inner=24),
        BlazeBlock(96, 96, 2, inner=24),
        BlazeBlock(96, 96, inner=24),
        BlazeBlock(96, 96, inner=24),
        *normed(96, 64),
        *normed(64, 32),
    )


ARCHITECTURE = Architecture("blazegaze", BlazeGaze)
