"""VitNet: its published size, both fusions, and attention that counts true steps instead of looking for zeros."""

import pytest
import torch
from torch.nn import functional as F

from xgaze.data.contract import InputSpec
from xgaze.errors import InputError
from xgaze.models.architectures.vitnet import AddHalves, CrossAttention
from xgaze.models.layers import Beside
from xgaze.models.registry import build
from xgaze.models.size import count_parameters

NAMES = ("image", "sequence", "length")
TINY = {"blocks": [{"type": "vgg", "channels": 2, "stride": 4}], "width": 16, "units": 6, "layers": 1}
VARIANTS = {
    "concat": {},
    "add": {"fusion": "add"},
    "attention": {"cross_attention": True},
    "attention, add, both directions": {"cross_attention": True, "fusion": "add", "bidirectional": True, "cell": "gru"},
}


@pytest.fixture(params=VARIANTS)
def model(request, make_spec):
    torch.manual_seed(0)
    return build("vitnet", {**TINY, **VARIANTS[request.param]}, make_spec(*NAMES)).eval()


def test_vitnet_64_has_its_published_size(make_spec):
    image = InputSpec("image", (1, 100, 100))
    model = build("vitnet", {}, make_spec(*NAMES, image=image))
    assert count_parameters(model) == 12_709_602
    assert count_parameters(model.head.image) == 160_000 * 64 + 64
    assert (count_parameters(model.body), count_parameters(model.step_projection)) == (2_398_304, 256)
    assert (count_parameters(model.recurrent), count_parameters(model.sequence_projection)) == (66_560, 4_160)


def test_padding_changes_nothing_and_every_true_step_something(model, sequences):
    x, length = sequences
    image = torch.randn(3, 1, 24, 32)
    with torch.no_grad():
        before = model(image, x, length)
        for row, steps in enumerate(length.flatten().int().tolist()):
            for step in range(x.shape[1]):
                other = x.clone()
                other[row, step] += 3
                moved = (model(image, other, length) - before).abs().amax(dim=1)
                assert (moved[row] > 1e-6) == (step < steps)
                assert moved[torch.arange(3) != row].max() == 0
        assert (model(image + 1, x, length) - before).abs().min() > 0


def test_a_true_step_of_zeros_is_attended_to():
    """Zeros are a place like any other: only the length says what is padding."""
    torch.manual_seed(0)
    attention = CrossAttention(8, 3, 8).eval()
    states = torch.randn(1, 4, 3)
    states[0, 1] = 0
    image = torch.randn(1, 8)

    def attend(rows, length):
        return attention(torch.cat([image, states[:, rows].flatten(1), torch.tensor([[length]])], dim=1))

    with torch.no_grad():
        whole, without = attend([0, 1, 2, 3], 3.0), attend([0, 2, 3], 2.0)
        assert (whole - without).abs().max() > 1e-3
        assert torch.allclose(whole, attend([1, 0, 2, 3], 3.0), atol=1e-6)  # attention knows no order


def test_cross_attention_is_torchs_own(sequences):
    torch.manual_seed(0)
    ours = CrossAttention(16, 5, 8).eval()
    image, states, length = torch.randn(3, 16), torch.randn(3, 9, 5), torch.tensor([[1.0], [4.0], [9.0]])
    with torch.no_grad():
        found = ours(torch.cat([image, states.flatten(1), length], dim=1))
        parts = [by(x).unflatten(2, (8, 2)).transpose(1, 2) for by, x in
                 ((ours.query, image[:, None]), (ours.key, states), (ours.value, states))]  # fmt: skip
        mask = torch.arange(9)[None, None, None, :] < length[:, :, None, None]
        attended = F.scaled_dot_product_attention(*parts, attn_mask=mask).transpose(1, 2).flatten(1)
        expected = torch.cat([image, ours.join(attended)], dim=1)
    assert torch.allclose(found, expected, atol=1e-5)


def test_beside_feeds_the_layer_the_first_features_and_passes_the_rest():
    layer = torch.nn.Linear(5, 2)
    beside, x = Beside(layer, 3), torch.randn(4, 8)
    assert torch.equal(beside(x), torch.cat([layer(x[:, :5]), x[:, 5:]], dim=1))


def test_adding_halves():
    assert AddHalves()(torch.tensor([[1.0, 2, 30, 40]])).tolist() == [[31, 42]]


@pytest.mark.parametrize(
    ("names", "args", "message"),
    [
        (("sequence", "length"), {}, "reads one picture and sequence, length; the recording gives"),
        (("image", "length"), {}, "reads an input 'sequence'"),
        (NAMES, {"width": 12, "cross_attention": True}, "width 12 is not divisible by 8 heads"),
    ],
)
def test_impossible_vitnets_are_refused(names, args, message, make_spec):
    with pytest.raises(InputError, match=message):
        build("vitnet", {**TINY, **args}, make_spec(*names))
