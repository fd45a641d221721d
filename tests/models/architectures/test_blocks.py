"""Blocks of convolutional networks: sizes in closed form, shapes that are promised, and too small pictures refused."""

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.architectures.blocks import Blocks, build_cnn, large_resnet
from xgaze.models.registry import build
from xgaze.models.size import count_parameters

BOTH = Spec((InputSpec("image", (1, 100, 100)),), "class", classes=("a", "b"))


def blocks(*described):
    return TypeAdapter(Blocks).validate_python(described)


def test_the_large_resnet_has_its_published_size():
    net, shape = build_cnn(large_resnet(), (1, 100, 100))
    assert (count_parameters(net), shape) == (2_398_304, (256, 25, 25))
    assert count_parameters(build("scanpath-cnn", {}, BOTH)) == 2_718_306


@pytest.mark.parametrize(
    ("block", "parameters"),
    [
        ({"type": "vgg", "channels": 8}, 3 * 8 * 9 + 8 + 16),
        ({"type": "resnet", "channels": 8}, (3 * 8 * 9 + 8 + 16) + (8 * 8 * 9 + 8 + 16) + (3 * 8 + 8)),
        ({"type": "resnet", "channels": 3}, 2 * (3 * 3 * 9 + 3 + 6)),
        ({"type": "dsc", "channels": 8}, 3 * 9 + 3 * 8 + 16),
        ({"type": "inception", "channels": 8}, 4 * (3 * 2 + 2) + (2 * 2 * 9 + 2) + (2 * 2 * 25 + 2)),
        ({"type": "max-pool"}, 0),
    ],
)
def test_every_block_has_the_parameters_of_its_formula(block, parameters):
    net, _ = build_cnn(blocks(block), (3, 12, 14))
    assert count_parameters(net) == parameters


@pytest.mark.parametrize(
    "described",
    [
        [{"type": "vgg", "channels": 4, "kernel": 5, "stride": 2}],
        [{"type": "vgg", "channels": 4, "padding": 0}],
        [{"type": "resnet", "channels": 6, "stride": 2}, {"type": "resnet", "channels": 6}],
        [{"type": "dsc", "channels": 5, "stride": 3}],
        [{"type": "max-pool", "kernel": 3, "stride": 2}, {"type": "inception", "channels": 12}],
        [{"type": "max-pool"}, {"type": "max-pool", "kernel": 4}],
    ],
)
def test_the_shape_promised_is_the_shape_made(described):
    net, shape = build_cnn(blocks(*described), (3, 17, 22))
    with torch.no_grad():
        assert net.eval()(torch.randn(2, 3, 17, 22)).shape == (2, *shape)


def test_a_resnet_block_adds_its_input_before_the_last_relu():
    net, _ = build_cnn(blocks({"type": "resnet", "channels": 2}), (2, 5, 5))
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.zero_()
                module.bias.zero_()
        x = torch.randn(3, 2, 5, 5)
        assert torch.equal(net.eval()(x), x.relu())


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ([{"type": "max-pool"}] * 5, r"block 5 \(max-pool\) makes 1x0x1 of 1x1x2 maps"),
        ([{"type": "vgg", "channels": 4, "kernel": 25, "padding": 0}], r"block 1 \(vgg\) makes 4x-4x8 of 1x20x32 maps"),
    ],
)
def test_a_block_that_leaves_no_pixel_is_named(described, message):
    with pytest.raises(InputError, match=message):
        build_cnn(blocks(*described), (1, 20, 32) if "vgg" in str(described) else (1, 24, 32))


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ([{"type": "vg", "channels": 4}], r"scanpath-cnn', blocks\.0: .*'vgg'"),
        ([{"type": "vgg", "channels": 0}], r"blocks\.0\.vgg\.channels: .*greater than or equal to 1"),
        ([{"type": "vgg"}], r"blocks\.0\.vgg\.channels: Field required"),
        ([{"type": "inception", "channels": 6}], r"channels: .*multiple of 4"),
        ([{"type": "resnet", "channels": 6, "kernel": 4}], "needs an odd kernel"),
        ([], "at least 1 item"),
    ],
)
def test_blocks_that_cannot_be_are_refused_in_words(described, message):
    with pytest.raises(InputError, match=message):
        build("scanpath-cnn", {"blocks": described}, BOTH)


def test_a_cnn_reads_one_picture():
    sequence = InputSpec("sequence", (9, 3), dtype="float32")
    with pytest.raises(InputError, match="'sequence' is 9x3, not a picture"):
        build("scanpath-cnn", {}, Spec((sequence,), "class", classes=("a", "b")))
    with pytest.raises(InputError, match=r"reads one picture; the recording gives image 1x100x100, sequence 9x3"):
        build("scanpath-cnn", {}, Spec((*BOTH.inputs, sequence), "class", classes=("a", "b")))
