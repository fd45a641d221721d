"""Published gaze networks: their sizes, files in their published layouts, and what the published formula makes of these."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.architecture import ARCHITECTURES
from xgaze.models.architectures.gaze_nets.blazegaze import BlazeBlock, OnScreen
from xgaze.models.architectures.gaze_nets.l2cs import MeanOfBins
from xgaze.models.published_names import in_own_names
from xgaze.models.registry import build
from xgaze.models.size import count_fc_parameters, count_parameters


def picture(name, *shape):
    return InputSpec(name, shape, 0.0, 255.0)


def vector(name, numbers):
    return InputSpec(name, (numbers,), 0.0, 1.0, "float32")


def direction(*inputs, unit="rad"):
    return Spec(inputs, "angle", unit)


def itracker_spec(side=224, cells=625):
    pictures = (picture(name, 3, side, side) for name in ("face", "left", "right"))
    return Spec((*pictures, vector("grid", cells)), "gaze", "cm")


EYE = direction(picture("eye", 1, 36, 60), vector("head", 2))
FACE = direction(picture("face", 3, 64, 64))
EYES = direction(picture("left", 1, 240, 320), picture("right", 1, 240, 320))
STRIP = Spec((picture("eyes", 3, 128, 512), vector("head", 3), vector("origin", 3)), "gaze", scene=(1920, 1080))
MPII = {"bins": 28, "bin_degrees": 3, "lowest_degrees": -42}
SIZES = {
    # pytorch_mpiigaze @2a31a6c, models/mpiigaze: counted on its definitions
    "LeNet": ("lenet", {}, EYE, 1_827_076, 0, 1_801_506),
    "ResNet-preact": ("resnet-preact", {}, EYE, 77_046, 0, 134),
    # GazeCapture @e4af90d, pytorch/ITrackerModel.py: counted on its definition
    "iTracker": ("itracker", {}, itracker_spec(), 6_286_274, 0, 3_781_954),
    # L2CS-Net @a4d8f7f, l2cs/model.py: counted on its definition, fc_finetune (2051 -> 3) included
    "L2CS, Gaze360": ("l2cs", {}, FACE, 23_883_008, 2051 * 3 + 3, 368_820),
    "L2CS, MPIIFaceGaze": ("l2cs", MPII, FACE, 23_628_932, 2051 * 3 + 3, 114_744),
    # ETH-XGaze @ef9bff0, model.py: torchvision's ResNet-50 (25,557,032, its fc included) and gaze_fc
    "ResNet-50, ETH-XGaze": ("resnet", {"dropout": 0}, FACE, 25_557_032 + 4098, 2048 * 1000 + 1000, 4098),
    # torchvision's ResNet-18 (11,689,512, its fc of 1000 classes included) with an fc of 2, as pytorch_mpiigaze_demo has it
    "ResNet-18": ("resnet", {"depth": 18, "dropout": 0}, FACE, 11_689_512 - 513_000 + 1026, 0, 1026),
    # projectaria_eyetracking @02fdf2f: counted on its definition, fc_upper and fc_lower (1024 -> 2) included
    "SocialEye": ("social-eye", {}, EYES, 1_402_182, 2 * 2050, 2050),
    # WebEyeTrack @14719ad, model.json: 156,018 stored values, 192 of them statistics of its two BatchNorm
    "BlazeGaze": ("blazegaze", {}, STRIP, 156_018, 192, 8_610),
}


@pytest.mark.parametrize(("name", "args", "spec", "stored", "unread", "connected"), SIZES.values(), ids=SIZES)
def test_published_sizes(name, args, spec, stored, unread, connected):
    model = build(name, args, spec)
    assert count_parameters(model) == stored - unread
    assert count_fc_parameters(model) == connected


def test_parts_of_itracker_and_blazegaze_have_their_published_sizes():
    itracker = build("itracker", {}, itracker_spec())
    assert [count_parameters(one) for one in (itracker.eye, itracker.face)] == [1_252_160] * 2
    assert count_parameters(itracker.head.eyes) == 2_359_424
    assert [count_parameters(one) for one in (itracker.face_fc, itracker.grid_fc)] == [1_188_032, 193_152]
    assert itracker.feature_shape == (128, 12, 12)
    assert count_parameters(build("blazegaze", {}, STRIP).strip) == 147_408 - 192
    assert build("lenet", {}, EYE).feature_shape == (50, 6, 12)


def drawn(shapes):
    """Weights by published name, of these shapes; variances positive."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {name: one.abs() + 0.5 if name.endswith("running_var") else one for name, one in weights.items()}


def norm_shapes(name, channels):
    return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}


def normed(w, name, x):
    stored = (w[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *stored)


def conv(w, name, x, **how):
    return F.conv2d(x, w[f"{name}.weight"], w.get(f"{name}.bias"), **how)


def linear(w, name, x):
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


LENET = {"conv1": (20, 1, 5, 5), "conv2": (50, 20, 5, 5), "fc1": (500, 3600), "fc2": (2, 502)}


def biased(shapes):
    return {
        f"{name}.{part}": one
        for name, shape in shapes.items()
        for part, one in (("weight", shape), ("bias", shape[:1]))
    }


def lenet(w, eye, head):
    maps = F.max_pool2d(conv(w, "conv2", F.max_pool2d(conv(w, "conv1", eye), 2)), 2)
    return linear(w, "fc2", torch.cat([linear(w, "fc1", maps.flatten(1)).relu(), head], 1))


def preact_shapes():
    shapes = {"conv.weight": (16, 1, 3, 3), **norm_shapes("bn", 64), **biased({"fc": (2, 66)})}
    for stage, (read, made) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
        block = f"stage{stage}.block1"
        shapes |= norm_shapes(f"{block}.bn1", read) | norm_shapes(f"{block}.bn2", made)
        shapes |= {f"{block}.conv1.weight": (made, read, 3, 3), f"{block}.conv2.weight": (made, made, 3, 3)}
        shapes |= {f"{block}.shortcut.conv.weight": (made, read, 1, 1)} if read != made else {}
    return shapes


def preact(w, eye, head):
    x = conv(w, "conv", eye, padding=1)
    for stage, stride in ((1, 1), (2, 2), (3, 2)):
        block = f"stage{stage}.block1"
        x = normed(w, f"{block}.bn1", x).relu()
        y = conv(w, f"{block}.conv1", x, stride=stride, padding=1)
        y = conv(w, f"{block}.conv2", normed(w, f"{block}.bn2", y).relu(), padding=1)
        x = y + (conv(w, f"{block}.shortcut.conv", x, stride=stride) if stage > 1 else x)
    return linear(w, "fc", torch.cat([normed(w, "bn", x).relu().mean((2, 3)), head], 1))


def itracker_shapes():
    tower = {"0": (96, 3, 11, 11), "4": (256, 48, 5, 5), "8": (384, 256, 3, 3), "10": (64, 384, 1, 1)}
    shapes = {f"{at}.features.{k}": one for at in ("eyeModel", "faceModel.conv") for k, one in tower.items()}
    shapes |= {"faceModel.fc.0": (128, 256), "faceModel.fc.2": (64, 128)}
    shapes |= {"gridModel.fc.0": (256, 25), "gridModel.fc.2": (128, 256)}
    return biased({**shapes, "eyesFC.0": (128, 512), "fc.0": (128, 320), "fc.2": (2, 128)})


def across(x):
    """Caffe's local response normalisation over 5 channels, channel by channel."""
    squares = x.square()
    sums = [squares[:, max(c - 2, 0) : c + 3].sum(1) for c in range(x.shape[1])]
    return x / (1 + 1e-4 / 5 * torch.stack(sums, 1)) ** 0.75


def itracker(w, face, left, right, grid):
    def tower(name, x):
        x = across(F.max_pool2d(conv(w, f"{name}.0", x, stride=4).relu(), 3, 2))
        x = across(F.max_pool2d(conv(w, f"{name}.4", x, padding=2, groups=2).relu(), 3, 2))
        return conv(w, f"{name}.10", conv(w, f"{name}.8", x, padding=1).relu()).relu().flatten(1)

    eyes = torch.cat([tower("eyeModel.features", x) for x in (left, right)], 1)
    said = [linear(w, "eyesFC.0", eyes).relu()]
    for name, x in (("faceModel", tower("faceModel.conv.features", face)), ("gridModel", grid)):
        said.append(linear(w, f"{name}.fc.2", linear(w, f"{name}.fc.0", x).relu()).relu())
    return linear(w, "fc.2", linear(w, "fc.0", torch.cat(said, 1)).relu())


LAYOUTS = {
    "LeNet": ("lenet", EYE, biased(LENET), lenet),
    "ResNet-preact": ("resnet-preact", EYE, preact_shapes(), preact),
    "iTracker": ("itracker", itracker_spec(64, 25), itracker_shapes(), itracker),
}


@pytest.mark.parametrize("wrapped", ["", "module."])
@pytest.mark.parametrize(("name", "spec", "shapes", "formula"), LAYOUTS.values(), ids=LAYOUTS)
def test_weights_of_a_published_file_make_what_its_own_formula_makes(name, spec, shapes, formula, wrapped):
    weights, model = drawn(shapes), build(name, {}, spec).eval()
    stored = {wrapped + key: one for key, one in weights.items()}
    layouts = ARCHITECTURES[name].layouts
    assert not model.load_state_dict(in_own_names(stored, model.state_dict(), layouts)[0], strict=False).unexpected_keys
    inputs = [torch.rand(2, *one.shape, generator=torch.Generator().manual_seed(1)) for one in spec.inputs]
    with torch.no_grad():
        assert torch.allclose(model(*inputs), formula(weights, *inputs), rtol=1e-4, atol=1e-4)


def renamed(model, names, extra=()):
    """Its weights as a file names them; names: own beginning -> that of the file."""
    stored = {}
    for name, one in model.state_dict().items():
        own = max((key for key in names if name.startswith(key)), key=len, default="")
        stored[names.get(own, "") + name.removeprefix(own)] = one
    return stored | dict.fromkeys(extra, torch.zeros(2))


@pytest.mark.parametrize(
    ("names", "extra"),
    [
        ({"trunk.": "", "head.fc.": "fc."}, ()),
        ({"trunk.": "module.gaze_network.", "head.fc.": "module.gaze_fc.0."}, ("module.gaze_network.fc.weight",)),
    ],
    ids=["torchvision", "ETH-XGaze"],
)
def test_residual_networks_are_read_by_torchvisions_and_eth_xgazes_names(names, extra):
    args = {"depth": 18, "channels": 4}
    model, other = build("resnet", args, FACE), build("resnet", args, FACE)
    stored = renamed(model, names, extra)
    assert "layer2.0.downsample.0.weight" in {
        one.removeprefix("module.").removeprefix("gaze_network.") for one in stored
    }
    other.load_state_dict(in_own_names(stored, other.state_dict(), ARCHITECTURES["resnet"].layouts)[0])
    assert all(torch.equal(one, other.state_dict()[name]) for name, one in model.state_dict().items())


def test_the_two_heads_of_l2cs_are_one_layer_pitch_first():
    model = build("l2cs", {"depth": 18, "channels": 2, **MPII}, FACE).eval()
    stored = {
        k: v for k, v in renamed(model, {"trunk.": ""}, ["fc_finetune.bias"]).items() if not k.startswith("head.")
    }
    yaw, pitch = nn.Linear(16, 28), nn.Linear(16, 28)
    for name, head in {"fc_yaw_gaze": yaw, "fc_pitch_gaze": pitch}.items():
        stored |= {f"{name}.weight": head.weight.data, f"{name}.bias": head.bias.data}
    model.load_state_dict(in_own_names(stored, model.state_dict(), ARCHITECTURES["l2cs"].layouts)[0])
    x = torch.rand(3, *FACE.inputs[0].shape)
    with torch.no_grad():
        features, found = model.features(x), model(x)
        own = [3 * (head(features).softmax(1) * torch.arange(28)).sum(1) - 42 for head in (pitch, yaw)]
    assert torch.allclose(found, torch.deg2rad(torch.stack(own, 1)), atol=1e-5)


def test_the_mean_of_bins_is_a_left_edge_where_one_is_sure_and_the_middle_where_none_is():
    bins = MeanOfBins(2, 4.0, -180.0)
    logits = torch.zeros(1, 180)
    logits[0, 50] = 1e4
    assert bins(logits)[0].tolist() == pytest.approx([50 * 4 - 180, 89 / 2 * 4 - 180])
    with pytest.raises(InputError, match="it tells pitch and yaw, in rad or degrees"):
        build("l2cs", {}, direction(picture("face", 3, 64, 64), unit="vector"))


def test_social_eye_reads_both_eyes_alike_and_its_file_tells_yaw_first():
    spec = direction(picture("left", 1, 48, 64), picture("right", 1, 48, 64))
    model = build("social-eye", {"min_max": True}, spec).eval()
    eye = torch.rand(2, 1, 48, 64)
    with torch.no_grad():
        first, second = model.features(eye, eye.flip(-1)).chunk(2, dim=1)
        brighter = model.features(3 * eye + 1, eye.flip(-1))
        assert torch.equal(first, second) and torch.allclose(brighter, torch.cat([first, second], 1), atol=1e-4)
        assert model(torch.ones(1, 1, 48, 64), eye[:1]).isfinite().all()
    own = model.state_dict()
    published = own | {f"head.fc_{one}.bias": torch.zeros(2) for one in ("upper", "lower")}
    for stored, order in ((published, [1, 0]), (own, [0, 1])):
        read, _ = in_own_names(stored, own, ARCHITECTURES["social-eye"].layouts)
        assert read.keys() == own.keys()
        assert torch.equal(read["head.fc_main.weight"], own["head.fc_main.weight"][order])


def test_blazegaze_pads_as_keras_does_and_tells_px_of_the_screen():
    block = BlazeBlock(1, 1, stride=2)
    pad, depthwise, pointwise = block.changed
    nn.init.ones_(depthwise.weight)
    nn.init.zeros_(depthwise.bias)
    # Keras, "same", stride 2, 8 px: one pixel before, two after, so that windows hold 4, 5, 5 and 3 px of its side.
    seen = torch.tensor([4.0, 5, 5, 3])
    assert torch.equal(depthwise(pad(torch.ones(1, 1, 8, 8)))[0, 0], seen[:, None] * seen)
    assert block(torch.ones(1, 1, 8, 8)).shape == (1, 1, 4, 4) and pointwise.weight.numel() == 1
    assert OnScreen(1920, 1080)(torch.tensor([[0.0, 0], [-0.5, 0.25]])).tolist() == [[960, 540], [0, 810]]


@pytest.mark.parametrize(("unit", "factor"), [("rad", 1), ("degrees", 180 / math.pi)], ids=["rad", "degrees"])
def test_published_radians_become_the_recordings_unit(unit, factor):
    torch.manual_seed(0)
    model = build("lenet", {}, direction(*EYE.inputs, unit=unit)).eval()
    torch.manual_seed(0)
    rad = build("lenet", {}, EYE).eval()
    inputs = [torch.rand(2, *one.shape) for one in EYE.inputs]
    with torch.no_grad():
        assert torch.allclose(model(*inputs), factor * rad(*inputs))


def test_values_are_told_as_they_are_and_only_px_are_px_of_the_screen():
    value = Spec(EYE.inputs, "value", "diopters")
    assert next(reversed(dict(build("lenet", {}, value).head.named_children()))) == "fc2"
    cm = Spec(STRIP.inputs, "gaze", "cm", scene=(1920, 1080))
    assert dict(build("blazegaze", {}, cm).head.named_children())["output_unit"].scale == 20
    assert "screen" in dict(build("blazegaze", {}, STRIP).head.named_children())


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("lenet", EYES, "reads one picture, and vectors; the recording gives left 1x240x320, right 1x240x320"),
        ("social-eye", EYE, "reads 2 pictures, and vectors"),
        ("itracker", EYE, "this model reads face, left, right, grid"),
        ("itracker", itracker_spec(30), "cannot read inputs face 3x30x30"),
        ("blazegaze", direction(picture("eyes", 3, 16, 64)), "cannot read inputs eyes 3x16x64"),
    ],
)
def test_recordings_that_do_not_fit_are_refused_in_words(name, spec, message):
    with pytest.raises(InputError, match=message):
        build(name, {}, spec)
