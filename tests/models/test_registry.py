from collections import OrderedDict

import pytest
import torch
from pydantic import PositiveInt
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.architecture import ARCHITECTURES, Architecture
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.models.registry import build
from xgaze.models.size import count_fc_parameters, count_macs, count_parameters
from xgaze.recipe import builtin_recipes, load_recipe


def eyes(height, width):
    inputs = tuple(InputSpec(f"eye{cam}", (1, height, width)) for cam in (0, 1, 3, 4))
    return Spec(inputs, "gaze", scene=(800, 600))


def picture(classes=("C", "P")):
    return Spec((InputSpec("image", (3, 128, 128)),), "class", unit="AUC", classes=classes)


def crops():
    inputs = tuple(InputSpec(f"crop_{scale}", (3, 42, 42)) for scale in (400, 250, 150))
    return Spec(inputs, "class", unit="AUC", classes=("no", "yes"))


def photograph(*beside):
    return Spec((InputSpec("image", (3, 48, 48)), *beside), "class", classes=("a", "b"))


def plain(name, *shape):
    return InputSpec(name, shape, 0.0, 1.0, "float32")


SCANPATH = (plain("sequence", 7, 3), plain("length", 1))
GRAPH = (plain("nodes", 100, 5), plain("edges", 100, 100), plain("visited", 100))
FACE, EYE = InputSpec("face", (3, 64, 64)), InputSpec("eye", (1, 24, 32))
STRIP = InputSpec("eyes", (3, 64, 128))
BOTH = (InputSpec("left", (3, 48, 64)), InputSpec("right", (3, 48, 64)))
CASES = {
    "multi-eye": eyes(128, 160),
    "heatmap-cnn": picture(),
    "mrcnn": crops(),
    "scanpath-cnn": Spec((InputSpec("image", (2, 24, 32)),), "class", classes=("a", "b", "c")),
    "scanpath-rnn": Spec(SCANPATH, "value", unit="ms"),
    "vitnet": Spec((InputSpec("image", (1, 24, 32)), *SCANPATH), "gaze", scene=(800, 600)),
    "scanpath-gnn": Spec(GRAPH, "class", classes=("a", "b")),
    "resnet": photograph(),
    "kfn": photograph(InputSpec("attention", (1, 48, 48))),
    "lenet": Spec((EYE, plain("head", 2)), "angle", "rad"),
    "resnet-preact": Spec((EYE, plain("head", 2)), "angle", "vector"),
    "itracker": Spec((FACE, *BOTH, plain("grid", 25)), "gaze", "cm"),
    "l2cs": Spec((FACE,), "angle", "degrees"),
    "social-eye": Spec(BOTH, "angle", "rad"),
    "blazegaze": Spec((STRIP, plain("head", 3), plain("origin", 3)), "gaze", scene=(800, 600)),
}
BLOCKS = [{"type": "vgg", "channels": 4}, {"type": "max-pool"}, {"type": "resnet", "channels": 6}]
ARGS = {
    "multi-eye": {"first_stride": 2},
    "scanpath-cnn": {"blocks": BLOCKS},
    "vitnet": {"blocks": BLOCKS},
} | {name: {"depth": 18, "channels": 4} for name in ("resnet", "kfn", "l2cs")}


def test_every_architecture_has_a_case():
    assert set(CASES) == set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_forward_is_head_of_features_and_independent_of_the_batch(name):
    spec = CASES[name]
    model = build(name, ARGS.get(name, {}), spec).eval()
    inputs = [torch.randn(3, *one.shape) for one in spec.inputs]
    with torch.no_grad():
        whole = model(*inputs)
        assert whole.shape == (3, spec.outputs)
        assert torch.equal(whole, model.head(model.features(*inputs)))
        alone = model(*(x[:1] for x in inputs))
    assert torch.allclose(whole[:1], alone, rtol=1e-4, atol=1e-4 * float(whole.abs().max()))


def test_the_published_multi_eye_net_has_its_published_size():
    recipe = load_recipe("multi-eye-reference")
    model = build(recipe.model.name, recipe.model.args, eyes(recipe.data.height, recipe.data.width))
    assert count_parameters(model) == 1_440_290
    assert sum(p.numel() for p in model.head.embedding.parameters()) == 1_089_664
    assert sum(p.numel() for p in model.towers[0].parameters()) == 85_560
    assert model.head.embedding.in_features == 8_512


def test_resized_to_256_the_published_net_has_416290_parameters():
    assert count_parameters(build("multi-eye", {}, eyes(256, 256))) == 416_290


def test_the_default_net_keeps_the_first_fc_dominant():
    recipe = load_recipe("multi-eye")
    model = build(recipe.model.name, recipe.model.args, eyes(recipe.data.height, recipe.data.width))
    first = sum(p.numel() for p in model.head.embedding.parameters())
    assert (count_parameters(model), first) == (1_137_186, 786_560)
    assert first / count_parameters(model) > 2 / 3


def test_the_published_heatmap_net_has_its_published_size():
    assert "heatmap-cnn" in builtin_recipes()
    recipe = load_recipe("heatmap-cnn", ("data.path=x",))
    model = build(recipe.model.name, recipe.model.args, picture())
    assert count_parameters(model) == 938_242
    assert count_fc_parameters(model) == 115_202


def test_macs_of_a_linear_layer_are_its_weights():
    model = build("heatmap-cnn", {"channels": (1, 1)}, picture())
    first = 126 * 126 * 3 * 9
    second = 30 * 30 * 25
    assert count_macs(model, picture()) == first + second + 15 * 15 * 2


def test_predictions_stay_full_precision_under_autocast():
    model = build("multi-eye", {"first_stride": 2}, eyes(128, 160)).eval()
    features = torch.randn(8, model.head.embedding.in_features)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        inside = model.head(features.bfloat16())
    with torch.no_grad():
        outside = model.head(features.bfloat16().float())
    assert inside.dtype == torch.float32 and torch.equal(inside, outside)


@pytest.mark.parametrize(
    ("name", "args", "spec", "message"),
    [
        ("multieye", {}, eyes(128, 160), "did you mean 'multi-eye'"),
        ("multi-eye", {"firststride": 2}, eyes(128, 160), "did you mean 'first_stride'"),
        ("multi-eye", {"first_stride": 0}, eyes(128, 160), "greater than or equal to 1"),
        ("multi-eye", {"output": "softmax"}, eyes(128, 160), "'sigmoid', 'relu' or 'none'"),
        ("multi-eye", {}, eyes(32, 32), "cannot read inputs eye0 1x32x32"),
    ],
)
def test_bad_models_are_refused_in_words(name, args, spec, message):
    with pytest.raises(InputError, match=message):
        build(name, args, spec)


class Toy(FeatureHead):
    """Means of the eyes, and one layer."""

    def __init__(self, spec, *, width: PositiveInt = 4):
        super().__init__()
        embedding, out = nn.Linear(len(spec.inputs), width), nn.Linear(width, spec.outputs)
        self.head = Float32Sequential(OrderedDict(embedding=embedding, out=out))

    def features(self, *inputs):
        return torch.stack([one.flatten(1).mean(1) for one in inputs], 1)


def test_an_architecture_from_outside_is_built_and_its_arguments_are_checked(monkeypatch):
    monkeypatch.setattr(ARCHITECTURES, "_registered", {})
    ARCHITECTURES.register(Architecture("toy", Toy))
    assert count_parameters(build("toy", {"width": 3}, eyes(8, 8))) == 4 * 3 + 3 + 3 * 2 + 2
    with pytest.raises(InputError, match="greater than 0"):
        build("toy", {"width": 0}, eyes(8, 8))
    with pytest.raises(InputError, match="did you mean 'toy'"):
        build("tooy", {}, eyes(8, 8))
    with pytest.raises(InputError, match="registered already"):
        ARCHITECTURES.register(Architecture("vitnet", Toy))
