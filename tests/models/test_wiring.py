"""What layers see is read off what a model computes, also where weights are shared or used by what stands around them."""

import torch
from torch import nn

from xgaze.models.shared_layers import Borrowed
from xgaze.models.wiring import Wired, wiring

PICTURES = (torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8), torch.rand(1, 3))


class Net(nn.Module):
    """Two eyes and a head pose, which joins late."""

    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Linear(75, 5), nn.ReLU(), nn.Linear(5, 2))
        self.left = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))
        self.right = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))
        self.pose = nn.Linear(3, 3)

    def forward(self, left, right, pose):
        eyes = [self.left(left).flatten(1)[:, :36], self.right(right).flatten(1)[:, :36]]
        return self.head(torch.cat([*eyes, self.pose(pose)], 1))


def test_layers_stand_in_the_order_of_computing_with_the_inputs_they_see():
    net = Net()
    assert wiring(net, PICTURES) == [
        Wired("left.0", None, (4, 6, 6), 4, ((0,),)),
        Wired("left.2", None, (2, 6, 6), 2, ((0,),)),
        Wired("right.0", None, (4, 6, 6), 4, ((1,),)),
        Wired("right.2", None, (2, 6, 6), 2, ((1,),)),
        Wired("pose", None, (3,), 3, ((2,),)),
        Wired("head.0", None, (5,), 5, ((0, 1, 2),)),
        Wired("head.2", None, (2,), 2, ((0, 1, 2),)),
    ]
    assert net.training and not any(one._forward_hooks for one in net.modules())


def test_a_tower_for_two_inputs_sees_them_in_two_calls():
    net = Net()
    for k in (0, 2):
        net.right[k] = Borrowed(net.left[k], mirrored=k == 0)
    found = {one.layer: one for one in wiring(net, PICTURES)}
    assert found["left.0"].sees == ((0,), (1,)) and found["right.0"] == Wired(
        "right.0", "left.0", (4, 6, 6), 4, ((1,),)
    )
    assert found["left.0"].to_json(["l", "r", "p"])["sees"] == [["l"], ["r"]]


def test_layers_used_by_what_stands_around_them_see_what_that_sees():
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.last = nn.MultiheadAttention(4, 2, batch_first=True), nn.Conv1d(4, 6, 1)

        def forward(self, x, y):
            return self.last(self.attention(x, x, x)[0].transpose(1, 2)).sum((1, 2)) + y.sum((1, 2))

    steps = (torch.rand(1, 7, 4), torch.rand(1, 7, 4))
    found = {one.layer: one for one in wiring(Attending(), steps)}
    assert found["attention"].sees == found["attention.out_proj"].sees == ((0,),)
    assert found["attention.out_proj"].units is None and found["last"] == Wired("last", None, (6, 7), 6, ((0,),))


def test_a_model_that_refuses_what_is_no_number_is_said_to_see_all():
    class Refusing(Net):
        def forward(self, left, right, pose):
            if right.isnan().any():
                raise ValueError("no number")
            return super().forward(left, right, pose)

    assert {one.sees for one in wiring(Refusing(), PICTURES)} == {((0, 1, 2),)}


def test_where_what_is_no_number_is_replaced_nobody_is_said_to_see_less():
    class Forgiving(Net):
        def forward(self, left, right, pose):
            return super().forward(left, torch.nan_to_num(right), pose)

    assert {one.sees for one in wiring(Forgiving(), PICTURES)} == {((0, 1, 2),)}
