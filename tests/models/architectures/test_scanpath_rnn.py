"""Recurrent nets over padded sequences: equal to torch's on packed ones, and blind to the padding."""

import pytest
import torch
from torch import nn

from xgaze.errors import InputError
from xgaze.models.architectures.recurrent import Recurrent, mean_and_maximum, true_lengths, turned
from xgaze.models.registry import build
from xgaze.models.size import count_macs, count_parameters

TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def packed_last(ours, cell, x, length):
    """torch's own layer with our weights on packed sequences: last hidden states of the last layer, directions joined."""
    directions = len(ours.layers[0])
    one = ours.layers[0][0]
    whole = TORCH[cell](
        one.input_size, one.hidden_size, len(ours.layers), batch_first=True, bidirectional=directions > 1
    )
    with torch.no_grad():
        for k, layer in enumerate(ours.layers):
            for direction, part in enumerate(layer):
                end = "_reverse" * direction
                for name, value in part.named_parameters():
                    getattr(whole, name.replace("_l0", f"_l{k}{end}")).copy_(value)
        packed = nn.utils.rnn.pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
        states = whole(packed)[1]
    hidden = states[0] if isinstance(states, tuple) else states
    return torch.cat(list(hidden[-directions:]), dim=1)


@pytest.mark.parametrize("cell", TORCH)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_last_states_are_those_of_packed_sequences(cell, bidirectional, layers, sequences):
    x, length = sequences[0], true_lengths(sequences[1], 9)
    torch.manual_seed(2)
    ours = Recurrent(cell, 3, 5, layers, bidirectional).eval()
    with torch.no_grad():
        found = ours.last(ours(x, length), length)
    assert torch.allclose(found, packed_last(ours, cell, x, length), atol=1e-6)


def test_turning_keeps_the_padding_behind_and_undoes_itself():
    x = torch.tensor([[1.0, 2, 3, 9], [4, 9, 9, 9]])[..., None]
    length = torch.tensor([3, 1])
    assert turned(x, length)[..., 0].tolist() == [[3, 2, 1, 9], [4, 9, 9, 9]]
    assert torch.equal(turned(turned(x, length), length), x)


def test_mean_and_maximum_leave_the_padding_out():
    states = torch.tensor([[[1.0, -4], [3, -2], [9, 9]], [[5, -1], [9, 9], [9, 9]]])
    assert mean_and_maximum(states, torch.tensor([2, 1])).tolist() == [[2, -3, 3, -2], [5, -1, 5, -1]]


def test_a_mean_max_readout_is_blind_to_the_padding(make_spec, sequences):
    model = build(
        "scanpath-rnn", {"readout": "mean-max", "bidirectional": True, "projection": 4}, make_spec("sequence", "length")
    )
    padded = sequences[0].clone()
    padded[torch.arange(padded.shape[1])[None, :] >= true_lengths(sequences[1], 9)[:, None]] = 1e3
    with torch.no_grad():
        assert torch.equal(model.eval()(*sequences), model(padded, sequences[1]))


def test_the_published_lstm_has_its_published_size_and_its_operations_are_counted(make_spec):
    spec = make_spec("sequence", "length")
    model = build("scanpath-rnn", {"cell": "lstm", "units": 64, "layers": 2}, spec)
    assert count_parameters(model.recurrent) == 50_944
    assert count_parameters(model) == 50_944 + 64 * 2 + 2
    assert count_macs(model, spec) == 9 * 4 * (3 * 64 + 3 * 64 * 64) + 64 * 2


@pytest.mark.parametrize("bidirectional", [False, True])
def test_what_lies_behind_the_true_length_changes_nothing(bidirectional, make_spec, sequences):
    args = {"bidirectional": bidirectional, "projection": 4, "hidden": [6], "dropout": 0.3, "units": 5}
    model = build("scanpath-rnn", args, make_spec("sequence", "length")).eval()
    x, length = sequences
    other = x.clone()
    for row, steps in enumerate(length.flatten().int()):
        other[row, steps:] = 1e3
    with torch.no_grad():
        assert torch.allclose(model(x, length), model(other, length), atol=1e-6)
        moved = x.clone()
        moved[:, 0] += 1  # the first step is real in all of them
        assert (model(x, length) - model(moved, length)).abs().max() > 1e-4


def test_inputs_may_come_in_any_order(make_spec, sequences):
    torch.manual_seed(0)
    one = build("scanpath-rnn", {}, make_spec("sequence", "length")).eval()
    torch.manual_seed(0)
    two = build("scanpath-rnn", {}, make_spec("length", "sequence")).eval()
    with torch.no_grad():
        assert torch.equal(one(*sequences), two(*reversed(sequences)))


def test_a_length_of_none_or_too_many_is_taken_as_the_nearest_possible():
    assert true_lengths(torch.tensor([[0.0], [2.0], [12.0]]), 9).tolist() == [1, 2, 9]


def test_a_regressor_learns_what_a_broadcast_would_hide(make_spec, sequences):
    """The mean of the first feature over true steps: the best constant leaves its whole variance, a net must not."""
    from xgaze.training.losses import smooth_l1

    torch.manual_seed(0)
    x, length = torch.randn(64, 9, 3), torch.full((64, 1), 9.0)
    truth = 100 * x[:, :, 0].mean(dim=1, keepdim=True)
    model = build("scanpath-rnn", {"units": 16, "layers": 1}, make_spec("sequence", "length", kind="value"))
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(120):
        optimiser.zero_grad()
        smooth_l1(model(x, length), truth).backward()
        optimiser.step()
    left = (model(x, length) - truth).square().mean() / truth.var()
    assert model(x, length).shape == (64, 1) and left < 0.05


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (("sequence",), {}, r"reads sequence, length; the recording gives sequence 9x3"),
        (("image", "sequence", "length"), {}, r"reads sequence, length; the recording gives image 1x24x32"),
    ],
)
def test_other_inputs_are_refused(names, changes, message, make_spec):
    with pytest.raises(InputError, match=message):
        build("scanpath-rnn", {}, make_spec(*names, **changes))


def test_a_normalised_length_is_refused(make_spec):
    from xgaze.data.contract import InputSpec

    length = InputSpec("length", (1,), 4.0, 2.0, "float32")
    with pytest.raises(InputError, match="'length' must not be normalised"):
        build("scanpath-rnn", {}, make_spec("sequence", "length", length=length))
