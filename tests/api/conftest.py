"""A bright square whose place is the gaze point, seen by twenty people, and a small network, at hand as in a notebook."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import xgaze

PEOPLE, FRAMES, SIDE = 20, 12, 32
SCENE = (800, 600)


class Net(nn.Module):
    """Nobody can import it by name: a copy of the class is made in `net_class`."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.fc1 = nn.Linear(16 * 8 * 8, 32)
        self.fc2 = nn.Linear(32, 2)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(self.tower(x).flatten(1)))) * 100 + 300


def squares():
    """Pictures (n, 1, side, side), gaze (n, 2) px and person (n,)."""
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES)
    gaze_px = rng.uniform([100, 100], [700, 500], (len(people), 2)).astype(np.float32)
    pictures = np.zeros((len(people), 1, SIDE, SIDE), np.uint8)
    for picture, (x, y) in zip(pictures, gaze_px / SCENE * (SIDE - 4), strict=True):
        picture[0, int(y) : int(y) + 4, int(x) : int(x) + 4] = 255
    return pictures, gaze_px, people


@pytest.fixture(scope="session")
def arrays():
    return squares()


@pytest.fixture
def net():
    """With the same weights every time, of a class that lies in no module."""
    torch.manual_seed(0)
    return type("Net", (Net,), {"__module__": "__main__"})()


@pytest.fixture(scope="session")
def notebook(tmp_path_factory):
    """The ten lines: what each of them returned."""
    folder = tmp_path_factory.mktemp("notebook")
    torch.manual_seed(0)
    net = type("Net", (Net,), {"__module__": "__main__"})()
    before = {name: one.clone() for name, one in net.state_dict().items()}
    pictures, gaze_px, people = squares()
    data = xgaze.ArrayRecording(inputs={"left": pictures}, targets=gaze_px, groups=people, scene=SCENE)
    places = {"folder": folder / "checkpoints", "reports": folder / "reports"}
    teacher = xgaze.train_teacher(net, data, epochs=12, batch_size=8, **places)
    result = xgaze.distill(teacher, data, max_worse="2%", effort="quick", tuning_epochs=2, ranks=[2, 8])
    explanation = xgaze.explain(result, data, samples=[3], over=4, steps=8)
    page = explanation.report(folder / "report.html")
    return SimpleNamespace(
        net=net,
        before=before,
        data=data,
        places=places,
        teacher=teacher,
        result=result,
        explanation=explanation,
        page=page,
    )
