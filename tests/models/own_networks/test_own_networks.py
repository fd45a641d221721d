"""Networks as people write them are imported as the very functions they are, in training too, or refused with the reason."""

import copy
import importlib
from pathlib import Path

import pytest
import torch

from xgaze.compression.head import first_linear
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.explanation.attribution.prepared import analysis_copy
from xgaze.models.own_networks.fidelity import apart, outputs, training_difference
from xgaze.models.own_networks.imported import build_imported, own_and_parted

HERE = Path(__file__).parent
EYES = Spec((InputSpec("left", (1, 12, 16)), InputSpec("right", (1, 12, 16))), "gaze", scene=(800, 600))
SAME = [
    *("ClampStatement", "ReluStatement", "TimesInPlace", "ResidualSum", "PreActivation", "PreActivationByFunction"),
    *(
        "OneReluForAll",
        "SliceOverwritten",
        "SliceOverwrittenByModule",
        "ItemSet",
        "ItemSetFromItself",
        "BaseOverwritten",
    ),
    *("ViewOfViewOverwritten", "HalvesOverwritten", "Transposed", "MaskFilled", "Copied"),
    *(
        "ShapeInPlace",
        "InPlaceInTheTail",
        "DropoutInPlace",
        "DropoutByFunction",
        "CountsCalls",
        "Normalised",
        "Constants",
    ),
    *("StochasticDepth", "NoiseInTraining", "ViewLeftOut", "NoisyAndDropping", "SkippedNorm"),
    *("EyesInOneBatch", "EyesStacked", "BranchesOnSizes", "ScaledBySizes", "ViewedByLength"),
    *("TwoHeads", "HeadWithAuxiliary", "Own", "OwnPreActivation", "OwnStatement"),
]
OWN_HEADS = {"linear": "head.fc", "plain": "head.0", "dropout": "head.1", "norm": "head.2", "nested": "head.0_0"}
REFUSED = {
    "DropoutThenRelu": "in training, .* not the same model",
    "OverwritesItsBuffer": "changes its own 'seen' also in evaluation",
    "OverwritesItsMean": "changes its own 'seen' also in evaluation",
    "Remembers": "another output at the second call.*: chance, or what it remembers",
    "CentresTheBatch": r"depends on the other samples of its batch \(first in 'fc1'\)",
    "BatchStatistics": r"forward fails on inputs left \(1, .*Expected more than 1 value per channel",
    "BehindTheGraph": "in training, .* not the same model .*gradients",
    "ChunkOverwritten": "Output 0 of Split is a view and is being modified inplace",
    "OutGiven": "out=... arguments don't support automatic differentiation",
    "Noise": r"another output at the second call \(first in 'fc1'\)",
    "AlwaysDrops": "another output at the second call",
    "NumpyChance": "draws numbers by chance in its forward",
    "TorchChance": "another output at the second call",
    "NoiseAfterTheFirst": r"asks after 'fc1' whether it is training \(own_networks.py, line \d+, `return super\(\).end\(h \+",
    "ChanceAfterTheFirst": "another output at the second call",
    "ChanceInTrainingAfterTheFirst": "draws numbers by chance after 'fc1'",
    "LayerInTrainingAlone": "model.import '.*': its 'block' runs in training alone, .*let it run in use too",
    "AsksForOneSample": r"asks how many samples there are \(own_networks.py, line \d+\)",
    "SampleBySample": r"goes through the samples one by one \(own_networks.py, line \d+\)",
    "BranchesOnValues": r"asks for the numbers in a tensor \(own_networks.py, line \d+\).* Write it with torch.where",
    "FixedToTwo": "forward fails on inputs left .3, .*own_networks.py, line",
    "AssumesTheFirst": r"depends on the other samples",
    "TwoHeadsReadOther": "through which everything goes; found x, y",
    "OwnPreActivationBranching": "overwrites in place what is read later, and .* asks for the numbers in a tensor",
    "OwnForward": r"is not head\(features\(",
    "OwnForwardInTraining": r"is not head\(features\(",
}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


def eyes(n, scale=1.0):
    generator = torch.Generator().manual_seed(n)
    return tuple(scale * torch.randn(n, 1, 12, 16, generator=generator) for _ in range(2))


def imported(name, args=None):
    torch.manual_seed(3)
    return build_imported(f"own_networks:{name}", args or {}, EYES)


def written(name, args=None):
    """The user's own, never seen by xgaze, with the same weights."""
    torch.manual_seed(3)
    return getattr(importlib.import_module("own_networks"), name)(**args or {})


@pytest.mark.parametrize(
    ("name", "args"), [*((one, {}) for one in SAME), *(("Own", {"head": one}) for one in OWN_HEADS)]
)
def test_an_imported_network_and_its_analysed_copy_are_the_users_own_and_let_every_module_be_watched(name, args):
    own, model, seen = written(name, args), imported(name, args), []
    analysed = analysis_copy(model)
    for one in model.modules():
        one.register_forward_hook(lambda _m, _i, out: seen.append((out, out.clone())))
    for n, scale in ((1, 1), (4, 1), (3, 100), (2, 0.001)):
        expected = outputs(own, eyes(n, scale))
        assert expected.std() > 0
        assert apart(expected, outputs(model, eyes(n, scale))) == 0
        assert apart(expected, outputs(analysed, eyes(n, scale))) == 0
    assert seen and all(torch.equal(out, then) for out, then in seen)  # nothing was overwritten later


@pytest.mark.parametrize("name", SAME)
def test_a_training_step_leaves_the_same_outputs_gradients_and_statistics(name):
    own, model = own_and_parted(f"own_networks:{name}", {}, EYES)
    assert training_difference(own, model, eyes(4)) == 0


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_reason(name):
    with pytest.raises(InputError, match=REFUSED[name]):
        imported(name)


def test_a_network_that_overwrites_its_input_is_the_same_and_leaves_the_input_alone():
    own, model, given = written("InputOverwritten"), imported("InputOverwritten").eval(), eyes(3)
    kept = copy.deepcopy(given)
    with torch.no_grad():
        found = model(*given)
    assert torch.equal(given[0], kept[0]) and apart(outputs(own, kept), found) == 0


@pytest.mark.parametrize("name", ["BaseOverwritten", "ItemSet"])
def test_views_are_overwritten_in_channels_last_too(name):
    own, model = written(name), imported(name).to(memory_format=torch.channels_last)
    found = outputs(model, tuple(one.to(memory_format=torch.channels_last) for one in eyes(3)))
    assert apart(outputs(own, eyes(3)), found) == 0


@pytest.mark.parametrize("head", OWN_HEADS)
def test_the_users_own_head_begins_with_its_first_linear_layer(head):
    assert first_linear(imported("Own", {"head": head})) == OWN_HEADS[head]


@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("Own", {"head": "plain", "shape": (8, 5, 7)}, (8, 5, 7)),
        ("Own", {"head": "norm", "shape": (8, 5, 7)}, (8, 5, 7)),
        ("Own", {"head": "turned", "shape": (8, 5, 7)}, (8, 5, 7)),
        ("OwnPreActivation", {"head": "dropout", "shape": (8, 5, 7)}, (8, 5, 7)),
    ],
)
def test_a_shape_of_maps_that_the_user_says_is_kept_where_it_is_true(name, args, shape):
    assert imported(name, args).feature_shape == shape


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("Own", (4, 5, 7), r"has 140 values, features 280: set it to \(8, 5, 7\), as measured, or to None"),
        ("Own", (8, 7, 5), r"is \(8, 7, 5\), but features are maps of \(8, 5, 7\)"),
        ("OwnTurned", (8, 5, 7), "no such maps flattened as channels x height x width"),
    ],
)
def test_a_shape_of_maps_that_is_not_theirs_is_refused(name, shape, message):
    with pytest.raises(InputError, match=message):
        imported(name, {"head": "plain", "shape": shape})


def test_two_heads_that_read_the_same_are_one_layer_whose_weights_are_theirs():
    own, model = own_and_parted("own_networks:TwoHeads", {}, EYES)
    wide = model.get_submodule(first_linear(model))
    assert (wide.in_features, wide.out_features) == (280, 18)
    with torch.no_grad():
        wide.weight += 1
    assert apart(outputs(own, eyes(3)), outputs(model, eyes(3))) == 0
    assert torch.equal(own.y.weight, wide.weight[9:])
