"""Codes come with their ids, from people in equal shares."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.codes import collect_codes
from xgaze.data.contract import normalise, rows_of
from xgaze.errors import InputError


class Net(nn.Module):
    """Reads both cameras; the code is a linear map of the first."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.code = nn.Linear(1600, 3)
        self.out = nn.Linear(3, 2)

    def forward(self, first, second):
        return self.out(self.code(first.flatten(1)))


def test_codes_are_what_the_layer_puts_out_in_the_order_of_the_rows(gaze_recording):
    net = Net()
    rows = rows_of(gaze_recording, "test")[[40, 2, 7]]
    codes, again = collect_codes([net, net], "code", gaze_recording, rows)
    pictures = normalise(gaze_recording.images[rows, :1], gaze_recording.spec.inputs[0])
    with torch.no_grad():
        expected = net.code(pictures.flatten(1)).numpy()
        outputs = net.out(torch.tensor(codes.embedding)).numpy()
    assert np.allclose(codes.embedding, expected, atol=1e-5) and np.allclose(codes.outputs, outputs, atol=1e-5)
    assert np.array_equal(codes.embedding, again.embedding)
    assert codes.ids == gaze_recording.table["id"].iloc[rows].tolist()
    assert codes.participants.tolist() == gaze_recording.table["group"].iloc[rows].tolist()


def test_no_rows_are_refused(gaze_recording):
    with pytest.raises(InputError, match="no samples"):
        collect_codes([Net()], "code", gaze_recording, np.array([], np.int64))
