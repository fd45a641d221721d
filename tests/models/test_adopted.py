"""Published files are adopted in the unit that they tell, or one that it exactly becomes; all others in the recording's."""

import math
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.adopted import adopted_network
from xgaze.models.registry import build

FACE = (InputSpec("face", (3, 32, 32)),)
EYE = (InputSpec("eye", (1, 20, 24)), InputSpec("head", (2,), 0.0, 1.0, "float32"))
BOTH = (InputSpec("left", (1, 24, 32)), InputSpec("right", (1, 24, 32)))
SEEN = (
    *(InputSpec(name, (3, 47, 47)) for name in ("face", "left", "right")),
    InputSpec("grid", (9,), 0.0, 1.0, "float32"),
)
RESNET = {"depth": 18, "channels": 4, "dropout": 0}
PUBLISHED = {
    "lenet": ({}, EYE, ("angle", "rad"), {"eye.": "", "head.fc1.layer.": "fc1.", "head.fc2.": "fc2."}),
    "resnet-preact": ({}, EYE, ("angle", "rad"), {"head.fc.": "fc."}),
    "social-eye": ({"channels": 4}, BOTH, ("angle", "rad"), {}),
    "resnet": (RESNET, FACE, ("angle", "rad"), {"trunk.": "gaze_network.", "head.fc.": "gaze_fc.0."}),
    "itracker": (
        {},
        SEEN,
        ("gaze", "cm"),
        {
            "eye.": "eyeModel.features.",
            "face.": "faceModel.conv.features.",
            "face_fc.": "faceModel.fc.",
            "grid_fc.": "gridModel.fc.",
            "head.eyes.layer.": "eyesFC.0.",
            "head.fc.": "fc.0.",
            "head.gaze.": "fc.2.",
        },
    ),
}
"""Arguments, inputs, what it tells, and own beginnings of names beside those of the published file."""
TORCHVISION = {"trunk.": "", "head.fc.": "fc."}


def written(file, model, names, **more):
    """A file of its weights by other names."""
    stored = dict(more)
    for name, one in model.state_dict().items():
        own = max((key for key in names if name.startswith(key)), key=len, default="")
        stored[names.get(own, "") + name.removeprefix(own)] = one
    save_file(stored, file)
    return file


def published(name, folder):
    """The network, told as published, and its file."""
    args, inputs, told, names = PUBLISHED[name]
    torch.manual_seed(0)
    model = build(name, args, Spec(inputs, *told)).eval()
    more = {"head.fc_upper.bias": torch.zeros(2)} if name == "social-eye" else {}
    return model, written(folder / "published.safetensors", model, names, **more)


def adopted(name, args, file, spec):
    return adopted_network({"name": name, "args": args}, file, SimpleNamespace(spec=spec))


def outputs(model, spec):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        return model(*(torch.rand(2, *one.shape, generator=generator) for one in spec.inputs))


OTHER = {
    "gaze in px": {"kind": "gaze", "scene": (800, 600)},
    "angle in vector": {"kind": "angle", "unit": "vector"},
    "value in rad": {"kind": "value", "unit": "rad"},
    "classes": {"kind": "class", "unit": "accuracy", "classes": ("a", "b")},
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("wanted", OTHER)
def test_a_published_file_is_refused_where_its_unit_does_not_become_the_recordings(name, wanted, tmp_path):
    args, inputs, (_, told), _ = PUBLISHED[name]
    _, file = published(name, tmp_path)
    with pytest.raises(InputError) as caught:
        adopted(name, args, file, Spec(inputs, **OTHER[wanted]))
    for part in (f"tells {told}; the recording's target is {wanted},", f"labels to {told}, or train the network on it"):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_becomes_the_recordings_unit_exactly_or_stays(name, tmp_path):
    args, inputs, told, _ = PUBLISHED[name]
    own, file = published(name, tmp_path)
    other, scale = {"rad": ("degrees", 180 / math.pi), "cm": ("mm", 10)}[told[1]]
    turned = [1, 0] if name == "social-eye" else [0, 1]  # its file tells yaw first
    for unit, factor in ((told[1], 1), (other, scale)):
        spec = Spec(inputs, told[0], unit)
        found = outputs(adopted(name, args, file, spec), spec)
        torch.testing.assert_close(found, factor * outputs(own, spec)[:, turned])


@pytest.mark.parametrize(
    "told",
    [{"kind": "gaze", "scene": (800, 600)}, {"kind": "angle", "unit": "degrees"}, {"kind": "value", "unit": "mm"}],
    ids=["px", "degrees", "value"],
)
def test_a_resnet_by_torchvisions_names_tells_what_its_last_layer_does(told, tmp_path):
    spec = Spec(FACE, **told)
    own = build("resnet", RESNET, spec).eval()
    found = adopted("resnet", RESNET, written(tmp_path / "own.safetensors", own, TORCHVISION), spec)
    with torch.no_grad():
        picture = torch.rand(2, 3, 32, 32)
        assert torch.equal(found(picture), own.head.fc(own.features(picture)))


def test_what_was_trained_here_is_adopted_in_any_unit(tmp_path):
    spec = Spec(EYE, "gaze", scene=(800, 600))
    own = build("lenet", {}, spec).eval()
    file = written(tmp_path / "model.safetensors", own, {"": ""})
    assert torch.equal(outputs(adopted("lenet", {}, file, spec), spec), outputs(own, spec))


def test_the_file_of_another_network_is_told_by_its_names(tmp_path):
    file = tmp_path / "other.safetensors"
    save_file({"fc2.weight": torch.zeros(2, 502), "fc1.weight": torch.zeros(1)}, file)
    with pytest.raises(InputError, match=r"missing: .*Check the class"):
        adopted("lenet", {}, file, Spec(EYE, "gaze", scene=(800, 600)))
