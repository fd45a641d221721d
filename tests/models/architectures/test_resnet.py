import pytest
import torch
from safetensors.torch import save_file

from xgaze.compression.head import first_linear
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.registry import build
from xgaze.models.size import count_parameters
from xgaze.models.starting_weights import start_from

SMALL = {"depth": 18, "channels": 4}


def photographs(side=64, classes=2, attention=False):
    inputs = [InputSpec("image", (3, side, side))] + [InputSpec("attention", (1, side, side))] * attention
    return Spec(tuple(inputs), "class", unit="accuracy", classes=tuple(map(str, range(classes))))


@pytest.fixture
def torchvision_file(tmp_path):
    """Weights as torchvision stores them, of another number of classes."""

    def write(suffix=".safetensors", **changes):
        model = build("resnet", SMALL, photographs())
        stored = {name: torch.randn_like(value.float()) for name, value in model.trunk.state_dict().items()}
        stored |= {"fc.weight": torch.zeros(1000, 32), "fc.bias": torch.zeros(1000)} | changes
        path = tmp_path / f"weights{suffix}"
        (save_file if suffix == ".safetensors" else torch.save)(
            {name: value for name, value in stored.items() if value is not None}, path
        )
        return path, stored

    return write


def test_published_sizes():
    gat = build("resnet", {}, photographs(classes=200))
    assert count_parameters(gat.trunk) == 23_508_032
    assert count_parameters(gat) == 25_966_832 - 2_049_000 == 23_917_832
    assert count_parameters(build("kfn", {}, photographs(classes=200, attention=True))) == 47_835_464


@pytest.mark.parametrize(("depth", "parameters"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_sizes_and_names_are_torchvisions(depth, parameters):
    model = build("resnet", {"depth": depth}, photographs(classes=1000))
    assert count_parameters(model) == parameters
    names = set(model.trunk.state_dict())
    assert {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "layer2.0.downsample.1.bias"} <= names
    assert "layer1.1.downsample.0.weight" not in names and ("layer1.0.conv3.weight" in names) == (depth == 50)


def test_the_first_linear_layer_can_be_pruned():
    assert first_linear(build("resnet", SMALL, photographs())) == "head.fc"
    assert first_linear(build("kfn", SMALL, photographs(attention=True))) == "head.fc"


def test_a_grey_mean_photograph_is_zero_to_the_trunk():
    trunk = build("resnet", SMALL, photographs()).trunk
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert torch.equal(trunk.standardised(mean), torch.zeros(1, 3, 8, 8))


def test_where_nobody_looked_changes_nothing_in_the_masked_twin():
    model = build("kfn", SMALL, photographs(attention=True)).eval()
    picture, attention = torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    attention[:, :, :32] = 1
    other = picture.clone()
    other[:, :, 32:] = torch.rand(2, 3, 32, 64)
    with torch.no_grad():
        first, second = model.features(picture, attention), model.features(other, attention)
    half = model.image.width
    assert torch.equal(first[:, half:], second[:, half:])
    assert not torch.equal(first[:, :half], second[:, :half])


def test_a_map_of_one_everywhere_shows_the_twin_the_whole_photograph():
    model = build("kfn", SMALL, photographs(attention=True)).eval()
    model.looked_at.load_state_dict(model.image.state_dict())
    with torch.no_grad():
        features = model.features(torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64))
    assert torch.equal(*features.chunk(2, dim=1))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_local_file_of_torchvisions_names_is_loaded_but_not_its_classes(torchvision_file, suffix):
    path, stored = torchvision_file(suffix)
    model = build("resnet", SMALL, photographs())
    fresh = model.head.fc.weight.clone()
    start_from(model, path)
    for name, value in model.trunk.state_dict().items():
        assert torch.equal(value.float(), stored[name].to(value.dtype).float()), name
    assert torch.equal(model.head.fc.weight, fresh)


def test_both_branches_of_the_fusion_net_start_from_a_trained_model(tmp_path):
    trained = build("resnet", SMALL, photographs())
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    model = build("kfn", SMALL, photographs(attention=True))
    start_from(model, tmp_path / "model.safetensors")
    for name, value in trained.trunk.state_dict().items():
        assert torch.equal(model.image.state_dict()[name], value)
        assert torch.equal(model.looked_at.state_dict()[name], value)


def test_older_files_without_counts_of_batches_are_loaded(torchvision_file):
    trunk = build("resnet", SMALL, photographs()).trunk
    counts = dict.fromkeys(name for name in trunk.state_dict() if name.endswith("num_batches_tracked"))
    path, _ = torchvision_file(**counts)
    start_from(build("resnet", SMALL, photographs()), path)


def test_names_that_do_not_fit_are_listed_and_nothing_is_loaded(torchvision_file):
    path, _ = torchvision_file(
        **{"layer1.0.conv1.weight": None, "layer9.weight": torch.zeros(1), "bn1.weight": torch.zeros(7)}
    )
    model = build("resnet", SMALL, photographs())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError) as error:
        start_from(model, path)
    for part in (
        "3 weights",
        "missing: layer1.0.conv1.weight",
        "unknown: layer9.weight",
        "bn1.weight: is 7, the model's is 4",
    ):
        assert part in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


class Unsafe:
    """Not a tensor."""


def test_files_that_are_no_plain_weights_are_refused(tmp_path):
    model = build("resnet", SMALL, photographs())
    torch.save({"model": Unsafe()}, tmp_path / "code.pth")
    with pytest.raises(InputError, match="not readable as weights alone"):
        start_from(model, tmp_path / "code.pth")
    torch.save({"epoch": 3}, tmp_path / "more.pth")
    with pytest.raises(InputError, match="more than tensors"):
        start_from(model, tmp_path / "more.pth")
    with pytest.raises(InputError, match="no such file of weights"):
        start_from(model, tmp_path / "absent.pth")
    with pytest.raises(InputError, match="only resnet and kfn"):
        start_from(build("heatmap-cnn", {}, photographs()), tmp_path / "code.pth")


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("kfn", photographs(), "reads an input 'attention'"),
        ("resnet", photographs(attention=True), "reads one picture"),
    ],
)
def test_recordings_without_the_right_inputs_are_refused(name, spec, message):
    with pytest.raises(InputError, match=message):
        build(name, SMALL, spec)
