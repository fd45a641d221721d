"""Blocks of convolutional networks, described as data: VGG, ResNet, Inception, depthwise separable (DSC), max pooling."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from xgaze.data.contract import dimensions
from xgaze.errors import InputError

Positive = Annotated[int, Field(ge=1)]
Shape = tuple[int, int, int]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Convolution(_Block):
    """`channels` out; `padding` keeps height and width at stride 1 unless it is given."""

    channels: Positive
    kernel: Positive = 3
    stride: Positive = 1
    padding: Annotated[int, Field(ge=0)] | None = None

    @property
    def around(self) -> int:
        return self.kernel // 2 if self.padding is None else self.padding

    def build(self, inputs: int) -> nn.Module:
        raise NotImplementedError

    def after(self, shape: Shape) -> Shape:
        height, width = (_side(one, self.kernel, self.stride, self.around) for one in shape[1:])
        return self.channels, height, width


class Vgg(_Convolution):
    """Convolution, BatchNorm, ReLU."""

    type: Literal["vgg"]

    def build(self, inputs: int) -> nn.Module:
        conv = nn.Conv2d(inputs, self.channels, self.kernel, self.stride, self.around)
        return nn.Sequential(conv, nn.BatchNorm2d(self.channels), nn.ReLU())


class ResNet(_Convolution):
    """Two convolutions with BatchNorm, and the input (through 1x1 where its shape changes) added before the last ReLU."""

    type: Literal["resnet"]
    padding: None = None

    @model_validator(mode="after")
    def _odd(self) -> "ResNet":
        if self.kernel % 2 == 0:
            raise ValueError("a resnet block needs an odd kernel: what it adds must be of one size")
        return self

    def build(self, inputs: int) -> nn.Module:
        return Residual(inputs, self.channels, self.kernel, self.stride)


class Dsc(_Convolution):
    """Depthwise convolution, pointwise convolution (no bias in either), BatchNorm, ReLU."""

    type: Literal["dsc"]

    def build(self, inputs: int) -> nn.Module:
        depthwise = nn.Conv2d(inputs, inputs, self.kernel, self.stride, self.around, groups=inputs, bias=False)
        pointwise = nn.Conv2d(inputs, self.channels, 1, bias=False)
        return nn.Sequential(depthwise, pointwise, nn.BatchNorm2d(self.channels), nn.ReLU())


class Inception(_Block):
    """1x1 | 1x1 -> 3x3 | 1x1 -> 5x5 | max pool -> 1x1, joined: a quarter of `channels` each; ReLU after each convolution."""

    type: Literal["inception"]
    channels: Annotated[int, Field(ge=4, multiple_of=4)]

    def build(self, inputs: int) -> nn.Module:
        return Branches(inputs, self.channels // 4)

    def after(self, shape: Shape) -> Shape:
        return self.channels, *shape[1:]


class MaxPool(_Block):
    """Maximum over `kernel` x `kernel` pixels, every `stride` pixels (the kernel, if not given)."""

    type: Literal["max-pool"]
    kernel: Positive = 2
    stride: Positive | None = None

    def build(self, _inputs: int) -> nn.Module:
        return nn.MaxPool2d(self.kernel, self.stride)

    def after(self, shape: Shape) -> Shape:
        height, width = (_side(one, self.kernel, self.stride or self.kernel, 0) for one in shape[1:])
        return shape[0], height, width


Block = Annotated[Vgg | ResNet | Inception | Dsc | MaxPool, Field(discriminator="type")]
Blocks = Annotated[tuple[Block, ...], Field(min_length=1)]


def large_resnet() -> tuple[Any, ...]:
    """32, pool, 64, pool, 128, 256, 256: 2,398,304 parameters on one channel; 1x100x100 becomes 256x25x25."""
    pool = MaxPool(type="max-pool")
    first, second, *others = (ResNet(type="resnet", channels=n) for n in (32, 64, 128, 256, 256))
    return first, pool, second, pool, *others


def build_cnn(blocks: Sequence[Any], in_shape: Shape) -> tuple[nn.Sequential, Shape]:
    """The net that the blocks describe, in order, and the shape of its maps (channels, height, width).

    Raises InputError naming the first block that leaves no pixel.
    """
    net, shape = nn.Sequential(), in_shape
    for number, block in enumerate(blocks, 1):
        after: Shape = block.after(shape)
        if min(after) < 1:
            raise InputError(
                f"model.args.blocks: block {number} ({block.type}) makes {dimensions(after)} of {dimensions(shape)} maps; "
                "leave it out, or give larger pictures."
            )
        net.add_module(f"{block.type.replace('-', '_')}{number}", block.build(shape[0]))
        shape = after
    return net, shape


class Residual(nn.Module):
    """See `ResNet`."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        same = inputs == channels and stride == 1
        self.conv1 = nn.Conv2d(inputs, channels, kernel, stride, kernel // 2)
        self.norm1 = nn.BatchNorm2d(channels)
        self.act1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, channels, 1, stride)
        self.act2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        changed = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x)))))
        out: Tensor = self.act2(changed + self.shortcut(x))
        return out


class Branches(nn.Module):
    """See `Inception`."""

    def __init__(self, inputs: int, each: int) -> None:
        super().__init__()

        def narrow() -> list[nn.Module]:
            return [nn.Conv2d(inputs, each, 1), nn.ReLU()]

        self.one = nn.Sequential(*narrow())
        self.three = nn.Sequential(*narrow(), nn.Conv2d(each, each, 3, padding=1), nn.ReLU())
        self.five = nn.Sequential(*narrow(), nn.Conv2d(each, each, 5, padding=2), nn.ReLU())
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), *narrow())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)


def _side(pixels: int, kernel: int, stride: int, padding: int) -> int:
    return (pixels + 2 * padding - kernel) // stride + 1
