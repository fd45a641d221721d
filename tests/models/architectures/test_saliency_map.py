"""Maps over a photograph: passing towers over whole pictures gives what every single crop gives."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.architectures.dense_tower import dense_maps, is_dense
from xgaze.models.architectures.saliency_map import enlarged, map_by_crops, map_by_pictures, saliency_map
from xgaze.models.registry import build

SPEC = Spec(
    tuple(InputSpec(f"crop_{scale}", (3, 42, 42), 110.0, 60.0) for scale in (96, 60, 36)),
    "class",
    classes=("no", "yes"),
)
GRID = (5, 8)


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (3, 75, 100), dtype=np.uint8)


def lively(args):
    """Random weights, and running statistics as after training, so that every layer matters."""
    torch.manual_seed(1)
    model = build("mrcnn", args, SPEC)
    with torch.no_grad():
        model.train()(*(torch.randn(16, 3, 42, 42) for _ in range(3)))
        model.head.looked_at.weight *= 8
    return model


@pytest.mark.parametrize(
    "args",
    [{}, {"share_towers": True}, {"share_towers": True, "batch_norm": False, "conv1_max_norm": 0.1}],
    ids=["MrCNN", "MrCNNs", "base"],
)
def test_whole_pictures_give_the_map_of_the_crops(args, photograph):
    model = lively(args)
    slow, fast = map_by_crops(model, SPEC, photograph, GRID), map_by_pictures(model, SPEC, photograph, GRID)
    assert slow.shape == GRID and slow.dtype == np.float32
    assert np.ptp(slow) > 0.01 or args.get("conv1_max_norm")
    assert np.abs(slow - fast).max() < 1e-5
    assert np.array_equal(saliency_map(model, SPEC, photograph, GRID), fast)


def test_crops_give_the_probability_that_the_net_itself_gives(photograph):
    model = lively({}).eval()
    found = map_by_crops(model, SPEC, photograph, (2, 2), batch=3)
    assert np.abs(found - map_by_crops(model, SPEC, photograph, (2, 2), batch=4)).max() < 1e-5
    assert ((found > 0) & (found < 1)).all()


def test_dropout_and_batch_statistics_play_no_part(photograph):
    model = lively({}).train()
    first = map_by_pictures(model, SPEC, photograph, (3, 3))
    assert np.array_equal(first, map_by_pictures(model.train(), SPEC, photograph, (3, 3)))


@pytest.mark.parametrize("seed", range(3))
def test_maps_of_crops_at_any_start_are_exact(seed):
    torch.manual_seed(seed)
    tower = nn.Sequential(
        nn.Conv2d(2, 3, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.MaxPool2d(2)),
        nn.Conv2d(4, 5, 2),
    ).eval()
    picture = torch.randn(2, 40, 33)
    starts = np.random.default_rng(seed).integers(0, (33 - 17 + 1, 40 - 17 + 1), (25, 2))
    crops = torch.stack([picture[:, y : y + 17, x : x + 17] for x, y in starts])
    with torch.no_grad():
        found = dense_maps(tower, picture[None], starts, 17)
        assert torch.allclose(found, tower(crops), atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 3, 3, stride=2),
        nn.Conv2d(3, 3, 3, padding=1),
        nn.Conv2d(3, 3, (3, 1)),
        nn.MaxPool2d(3, 2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AdaptiveAvgPool2d(1),
        nn.InstanceNorm2d(3),
    ],
    ids=lambda layer: str(layer),
)
def test_a_layer_that_would_see_beyond_the_crop_is_refused_by_name(layer):
    tower = nn.Sequential(nn.ReLU(), nn.Sequential(layer))
    assert not is_dense(tower)
    with pytest.raises(InputError, match=r"'1\.0'.*use the crops"):
        dense_maps(tower, torch.zeros(1, 3, 50, 50), np.array([[0, 0]]), 42)


def test_other_towers_fall_back_to_crops(photograph):
    model = lively({"share_towers": True})
    model.towers[0].pool3 = nn.MaxPool2d(2, ceil_mode=True)
    found = saliency_map(model, SPEC, photograph, (2, 3))
    assert np.array_equal(found, map_by_crops(model, SPEC, photograph, (2, 3)))


def test_a_map_is_laid_over_the_picture_bilinearly():
    small = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    large = enlarged(small, (8, 4))
    assert large.shape == (4, 8)
    assert large[0, 0] == 0 and large[-1, -1] == 3
    assert np.allclose(large[0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])
    assert np.array_equal(enlarged(np.full((50, 50), 0.25, np.float32), (80, 60)), np.full((60, 80), 0.25, np.float32))
