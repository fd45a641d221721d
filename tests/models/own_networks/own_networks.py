"""Networks as people write them: work in place, chance, memory, shortcuts. Two grey eyes (1 x 12 x 16) -> gaze x, y."""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.models.layers import FeatureHead

CHANNELS, HEIGHT, WIDTH = 4, 5, 7
FLAT = 2 * CHANNELS * HEIGHT * WIDTH


class Net(nn.Module):
    """Maps of 4 x 5 x 7 of each eye go through `maps`, flattened and joined through `work`, then through `end`."""

    def __init__(self):
        super().__init__()
        self.conv, self.block = nn.Conv2d(1, CHANNELS, 4, stride=2), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(FLAT, 6), nn.Linear(6, 2)
        self.relu, self.drop = nn.ReLU(inplace=True), nn.Dropout(0.4)

    def maps(self, x):
        return x

    def work(self, f):
        return f

    def end(self, h):
        return self.fc2(F.relu(h))

    def forward(self, left, right):
        eyes = [self.maps(self.conv(x)).flatten(1) for x in (left, right)]
        return 100 * self.end(self.fc1(self.work(torch.cat(eyes, 1))))


class ClampStatement(Net):
    def work(self, f):
        f.clamp_(-0.3, 0.3)
        return f


class ReluStatement(Net):
    def maps(self, x):
        F.relu_(x)
        return x


class TimesInPlace(Net):
    def work(self, f):
        f *= 3
        f -= 1
        return f


class ResidualSum(Net):
    def maps(self, x):
        out = self.block(x)
        out += x
        return out * x


class PreActivation(Net):
    """The shortcut is rectified too: x itself is overwritten."""

    def maps(self, x):
        return x + self.block(self.relu(x))


class PreActivationByFunction(Net):
    def maps(self, x):
        return x + self.block(F.leaky_relu(x, 0.2, True))


class OneReluForAll(Net):
    def maps(self, x):
        y = self.block(self.relu(x))
        z = self.relu(y) + x
        return self.relu(z - 0.1) + y + z


class SliceOverwritten(Net):
    def maps(self, x):
        x[:, :2].relu_()
        return x


class SliceOverwrittenByModule(Net):
    def maps(self, x):
        half = x[:, :2]
        self.relu(half)
        return x + half.mean(1, keepdim=True)


class ItemSet(Net):
    def maps(self, x):
        x[:, 0] = 0
        x[..., :3] *= 2
        return x


class ItemSetFromItself(Net):
    def maps(self, x):
        x[:, 1] = x[:, 0] * 2
        return x + x[:, 1:2]


class BaseOverwritten(Net):
    """A view taken before reads what is written after."""

    def maps(self, x):
        view = x.view(x.size(0), CHANNELS, HEIGHT * WIDTH)
        x.mul_(0.5).add_(1)
        return x + view.mean(-1)[..., None, None]


class ViewOfViewOverwritten(Net):
    def maps(self, x):
        rows = x.flatten(2)[:, 1:]
        rows[..., 4:9].neg_()
        x.add_(1)
        return x * rows.sum((1, 2))[:, None, None, None]


class ChunkOverwritten(Net):
    def maps(self, x):
        first, second = x.chunk(2, 1)
        first.tanh_()
        second += first
        return x


class HalvesOverwritten(Net):
    def maps(self, x):
        first, second = x[:, :2], x[:, 2:]
        first.mul_(0.5)
        second += first
        return x * second[:, :1]


class Transposed(Net):
    def maps(self, x):
        turned = x.transpose(2, 3)
        turned[:, :, 2] = 1
        return x


class OutGiven(Net):
    def work(self, f):
        torch.add(f, 1, out=f)
        return f


class MaskFilled(Net):
    def work(self, f):
        f.masked_fill_(f < 0, -0.1)
        return f


class Copied(Net):
    def work(self, f):
        before = f.clone()
        f.fill_(2)
        f[:, 3:].copy_(before[:, 3:])
        return f + before


class BehindTheGraph(Net):
    """Values change, gradients do not."""

    def work(self, f):
        f.data.clamp_(-0.2, 0.2)
        return f


class ShapeInPlace(Net):
    def work(self, f):
        f.unsqueeze_(1)
        f = f * 2
        f.squeeze_(1)
        return f


class InputOverwritten(Net):
    def forward(self, left, right):
        left.div_(2)
        return super().forward(left, right)


class InPlaceInTheTail(Net):
    def end(self, h):
        h.relu_()
        out = self.fc2(h)
        out += h[:, :2]
        return out


class DropoutInPlace(Net):
    def work(self, f):
        self.drop.inplace = True
        return self.drop(f) + f


class DropoutByFunction(Net):
    def work(self, f):
        return F.dropout(f, 0.3, self.training, inplace=True) * f


class DropoutThenRelu(Net):
    """In use dropout gives its input itself, which is overwritten; in training another tensor is."""

    def work(self, f):
        return self.drop(f).relu_() + f


class OverwritesItsBuffer(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def work(self, f):
        self.seen += 1
        return f


class OverwritesItsMean(OverwritesItsBuffer):
    def work(self, f):
        self.seen.copy_(0.9 * self.seen + 0.1 * f.mean())
        return f - self.seen


class CountsCalls(Net):
    calls = 0

    def work(self, f):
        self.calls += 1
        self.last = f
        return f


class Remembers(Net):
    before = 0.0

    def work(self, f):
        f = f + 0.5 * self.before
        self.before = f.detach().mean(0)
        return f


class CentresTheBatch(Net):
    def work(self, f):
        return f - f.mean(0)


class BatchStatistics(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(FLAT, track_running_stats=False)

    def work(self, f):
        return self.norm(f)


class Noise(Net):
    def work(self, f):
        return f + torch.randn_like(f)


class AlwaysDrops(Net):
    def work(self, f):
        return F.dropout(f, 0.5, training=True)


class StochasticDepth(Net):
    def maps(self, x):
        return x if self.training and random.random() < 0.2 else self.block(x)


class NumpyChance(Net):
    def maps(self, x):
        return x * (1 + 0.0 * np.random.rand())  # noqa: NPY002


class TorchChance(Net):
    def maps(self, x):
        return x * torch.rand(1)


class NoiseInTraining(Net):
    def work(self, f):
        return f + torch.randn_like(f) if self.training else f


class ViewLeftOut(Net):
    """In training one eye by chance is blank."""

    def forward(self, *eyes):
        if self.training:
            blank = int(torch.randint(2, (1,)))
            eyes = [x * 0 if k == blank else x for k, x in enumerate(eyes)]
        return super().forward(*eyes)


class NoisyAndDropping(Net):
    """Noise before the first linear layer, dropout by function after it."""

    def work(self, f):
        return f * (1 + 0.1 * torch.randn_like(f)) if self.training else f

    def end(self, h):
        return self.fc2(F.dropout(F.relu(h), 0.5, self.training))


class SkippedNorm(Net):
    """A block with statistics that is skipped by chance."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.weigh = nn.Parameter(torch.rand(CHANNELS, 1, 1))

    def maps(self, x):
        return x if self.training and random.random() < 0.4 else self.norm(self.block(x)) * self.weigh


class NoiseAfterTheFirst(Net):
    def end(self, h):
        return super().end(h + torch.randn_like(h) if self.training else h)


class ChanceAfterTheFirst(Net):
    def end(self, h):
        return super().end(h) * (1 + random.random())


class ChanceInTrainingAfterTheFirst(Net):
    def end(self, h):
        return super().end(h if not self.training or random.random() < 2 else -h)


class LayerInTrainingAlone(Net):
    def maps(self, x):
        return self.block(x) if self.training else x


class EyesInOneBatch(Net):
    """The parts of a batch gone through one by one, by as many as there are."""

    def forward(self, *eyes):
        x = self.maps(self.conv(torch.cat(eyes)))
        assert len(x.shape) == 4
        return 100 * self.end(self.fc1(torch.cat([one.flatten(1) for one in x.chunk(len(eyes))], 1)))


class EyesStacked(Net):
    def forward(self, *eyes):
        x = torch.stack(eyes, 1)
        n, k = x.shape[:2]
        x = self.conv(x.view(n * k, *x.shape[2:]))
        return 100 * self.end(self.fc1(x.view(n, -1)))


class BranchesOnSizes(Net):
    def maps(self, x):
        if x.shape[-1] > 100 or x.size(1) != CHANNELS:
            x = F.interpolate(x, (HEIGHT, WIDTH))
        return sum(x[:, k : k + 1] for k in range(x.shape[1])) + x


class ScaledBySizes(Net):
    def work(self, f):
        return f / float(f.shape[1]) ** 0.5 * int(f.shape[1]) ** 0.5


class ViewedByLength(Net):
    def work(self, f):
        return f.view(len(f), -1) / len(f.shape)


class AsksForOneSample(Net):
    def work(self, f):
        return f if f.shape[0] == 4096 else f * 2


class SampleBySample(Net):
    def work(self, f):
        return torch.stack([one * 2 for one in f])


class BranchesOnValues(Net):
    def work(self, f):
        return f if f.mean() > 0 else -f


class FixedToTwo(Net):
    def work(self, f):
        return f.view(2, -1)


class AssumesTheFirst(Net):
    """A batch size becomes a constant: int() of a symbol is refused by torch.fx."""

    def work(self, f):
        return f / int(f.shape[0])


class Normalised(Net):
    def __init__(self):
        super().__init__()
        self.norm, self.flat = nn.BatchNorm2d(CHANNELS), nn.BatchNorm1d(FLAT)

    def maps(self, x):
        return self.relu(self.norm(x)) + x

    def work(self, f):
        return self.drop(self.flat(f))


class Constants(Net):
    def end(self, h):
        return self.fc2(h) * torch.tensor([8.0, 6.0]) + torch.tensor([400.0, 300.0])


class TwoHeads(Net):
    """x and y by a layer of bins each, as in L2CS."""

    def __init__(self):
        super().__init__()
        self.x, self.y = nn.Linear(FLAT, 9), nn.Linear(FLAT, 9, bias=False)

    def forward(self, left, right):
        f = torch.cat([self.conv(x).relu().flatten(1) for x in (left, right)], 1)
        bins = torch.arange(9.0)
        return torch.stack([(layer(f).softmax(1) * bins).sum(1) for layer in (self.x, self.y)], 1)


class TwoHeadsReadOther(TwoHeads):
    def forward(self, left, right):
        f = torch.cat([self.conv(x).relu().flatten(1) for x in (left, right)], 1)
        return torch.cat([self.x(f)[:, :1], self.y(f + 1)[:, :1]], 1)


class HeadWithAuxiliary(TwoHeads):
    def work(self, f):
        self.x(f)
        return f


class Own(FeatureHead):
    """The user's own features and head."""

    def __init__(self, head="linear", shape=None):
        super().__init__()
        self.conv, self.block = nn.Conv2d(1, CHANNELS, 4, stride=2), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.relu, self.feature_shape = nn.ReLU(inplace=True), shape
        fc = nn.Linear(FLAT, 6)
        self.head = {
            "linear": lambda: nn.Linear(FLAT, 2),
            "plain": lambda: nn.Sequential(fc, nn.ReLU(inplace=True), nn.Linear(6, 2)),
            "dropout": lambda: nn.Sequential(nn.Dropout(0.3), fc, nn.ReLU(), nn.Linear(6, 2)),
            "norm": lambda: nn.Sequential(nn.BatchNorm1d(FLAT), nn.ReLU(inplace=True), fc, nn.Linear(6, 2)),
            "nested": lambda: nn.Sequential(nn.Sequential(fc, nn.ReLU()), nn.Linear(6, 2)),
            "turned": lambda: nn.Sequential(nn.Unflatten(1, (-1, 7)), nn.Flatten(), fc, nn.Linear(6, 2)),
            "none": lambda: nn.Identity(),
        }[head]()

    def maps(self, x):
        return self.relu(x)

    def features(self, left, right):
        return torch.cat([self.maps(self.conv(x)).flatten(1) for x in (left, right)], 1)


class OwnPreActivation(Own):
    def maps(self, x):
        return x + self.block(self.relu(x))


class OwnPreActivationBranching(OwnPreActivation):
    def maps(self, x):
        return super().maps(x) if x.mean() < 1e9 else x


class OwnStatement(Own):
    def maps(self, x):
        self.conv(torch.ones(1, 1, 12, 16))
        x.clamp_(-0.1, 0.2)
        return x


class OwnTurned(Own):
    def maps(self, x):
        return x.permute(0, 2, 3, 1).contiguous()


class OwnForward(Own):
    def forward(self, left, right):
        return 2 * super().forward(left, right)


class OwnForwardInTraining(Own):
    def forward(self, left, right):
        return super().forward(left, right) * (2 if self.training else 1)
