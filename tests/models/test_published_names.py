"""Weights by published names: wrappers, layers that became one, rows in reverse order, and what nothing reads."""

import pytest
import torch

from xgaze.models.architecture import Layout
from xgaze.models.published_names import in_own_names

OWN = ("trunk.conv.weight", "head.both.weight", "head.both.bias", "head.both.layer.weight")
LAYOUT = Layout(
    {"trunk.": "", "head.both.": ("up.", "across."), "head.both.layer.": "deep.0."},
    turned=("head.both.layer.",),
    unread=("old.",),
)
STORED = {
    "conv.weight": torch.tensor([1.0]),
    "up.weight": torch.tensor([[2.0], [3.0]]),
    "across.weight": torch.tensor([[4.0]]),
    "up.bias": torch.tensor([5.0, 6.0]),
    "across.bias": torch.tensor([7.0]),
    "deep.0.weight": torch.tensor([[8.0], [9.0]]),
    "old.bias": torch.zeros(1),
}


@pytest.mark.parametrize("before", ["", "module.", "model.module."])
def test_a_layout_is_read_whatever_stands_before_all_names(before):
    stored = {before + name: one for name, one in STORED.items()}
    read, layout = in_own_names(stored, OWN, (Layout({"trunk.": "x."}), LAYOUT))
    assert layout == LAYOUT
    assert {name: one.flatten().tolist() for name, one in read.items()} == {
        "trunk.conv.weight": [1],
        "head.both.weight": [2, 3, 4],
        "head.both.bias": [5, 6, 7],
        "head.both.layer.weight": [9, 8],
    }


def test_what_is_missing_or_unknown_stays_so():
    stored = {name: one for name, one in STORED.items() if name != "across.bias"} | {"new.bias": torch.zeros(1)}
    read, _ = in_own_names(stored, OWN, (LAYOUT,))
    assert set(OWN) - set(read) == {"head.both.bias"} and set(read) - set(OWN) == {"up.bias", "new.bias"}


def test_own_names_are_read_as_they_are_and_files_of_no_layout_come_back_whole():
    own = {name: torch.tensor([1.0, 2.0]) for name in OWN}
    read, layout = in_own_names(own, OWN, (LAYOUT,))
    assert all(torch.equal(one, own[name]) for name, one in read.items()) and layout == Layout({})
    assert set(in_own_names({"a.b": torch.zeros(1)}, OWN, (LAYOUT,))[0]) == {"a.b"}
