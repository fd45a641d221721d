"""A network and arrays of one's own, from training to a page that explains: a minute. Run it whole, or cell by cell (`# %%`)."""

# %% [markdown]
# # How small can this gaze model be?
#
# Twenty people look at points of a screen of 800 x 600 px; a camera sees a bright square whose place depends on where they look.
# What is known: pictures (n, channels, height, width), gaze points (n, 2) in px, and whose each picture is.

# %%
import numpy as np
import torch
from torch import nn

import xgaze

rng = np.random.default_rng(0)
people = np.repeat([f"person {k}" for k in range(20)], 12)
gaze_px = rng.uniform([100, 100], [700, 500], (len(people), 2))
pictures = np.zeros((len(people), 1, 32, 32), np.uint8)
for picture, (x, y) in zip(pictures, (gaze_px / (800, 600) * 28).astype(int), strict=True):
    picture[0, y : y + 4, x : x + 4] = 255

data = xgaze.ArrayRecording(inputs={"camera": pictures}, targets=gaze_px, groups=people, scene=(800, 600))

# %% [markdown]
# Any network will do, as long as a fully connected layer is in it. Pictures reach it as (stored - 0) / 255.


# %%
class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.fc1 = nn.Linear(16 * 8 * 8, 32)
        self.fc2 = nn.Linear(32, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(torch.relu(self.fc1(self.tower(x).flatten(1)))) * 100 + 300


torch.manual_seed(0)  # the same weights to start with: a training that is finished is found again
net = Net()

# %% [markdown]
# What does it lose by itself, if nothing is trained? One plan of surgeries, each with its proof:

# %%
print(xgaze.compress(net, pictures[:100] / 255, rank=4))

# %% [markdown]
# The teacher. Five people test it whom it never saw; intervals are over people, so with five they are wide. Keywords are keys of
# a recipe's section `training`.

# %%
teacher = xgaze.train_teacher(net, data, epochs=12, batch_size=8)
print(teacher)

# %% [markdown]
# The smallest student that is at most 2 % worse. `effort="quick"` tunes heads on cached embeddings only.

# %%
result = xgaze.distill(teacher, data, max_worse="2%", effort="quick", tuning_epochs=3, ranks=[2, 4, 8])
print(result)

# %% [markdown]
# It is an `nn.Module`, goes anywhere, and comes back without its class: its folder holds its graph as JSON, its weights as
# safetensors, and no pickle.

# %%
result.student.save("student")
student = xgaze.load("student")
print(student.predict({"camera": pictures[:3]}), gaze_px[:3])
print(xgaze.predict(student, data).table.head(3))  # of a recording: with truth, error and split

# %% [markdown]
# Why do both predict what they do? One HTML file, opens offline.

# %%
explanation = xgaze.explain(result, data, samples=["worst"], over=5, steps=16)
print(explanation)
print(explanation.report("report.html"))
