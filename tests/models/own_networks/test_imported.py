"""A class of the user's own: built, compressed, rebuilt, or refused with one clear message."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, write_card, write_weights
from xgaze.compression.build import build_student
from xgaze.compression.export.onnx import export_onnx, onnx_parity, open_session
from xgaze.compression.head import first_linear
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.imported import build_imported
from xgaze.training.teacher import train_teacher

EYES = Spec((InputSpec("eye0", (1, 20, 24)), InputSpec("eye1", (1, 20, 24))), "gaze", scene=(800, 600))
MODULE = """
import torch
from torch import nn

class TwoEyes(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU())
        self.right = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU())
        self.fc = nn.ModuleDict({"first": nn.Linear(1280, width), "second": nn.Linear(width, 10), "gaze": nn.Linear(10, 2)})

    def forward(self, left, right):
        a, b = self.left(left), self.right(right)
        x = torch.cat([a.view(a.size(0), -1), b.view(-1, 8 * 8 * 10)], dim=1)
        x = self.fc["second"](self.fc["first"](x))
        return 100 * torch.sigmoid(self.fc["gaze"](x.relu()))

class WithSpec(TwoEyes):
    def __init__(self, spec, width=12):
        super().__init__(width)
        self.outputs = spec.outputs

class NoLinear(nn.Module):
    def forward(self, left, right):
        return (left * right).flatten(1)[:, :2]

class OneEye(TwoEyes):
    def forward(self, left):
        return super().forward(left, left)

class FivePoints(TwoEyes):
    def forward(self, left, right):
        return torch.cat([super().forward(left, right)] * 5, dim=1)

class Branching(TwoEyes):
    def forward(self, left, right):
        return super().forward(left, right) if left.mean() > -1 else super().forward(right, left)

class TooWide(TwoEyes):
    def __init__(self):
        super().__init__()
        self.left[0] = nn.Conv2d(3, 8, 5)

class FixedBatch(TwoEyes):
    def forward(self, left, right):
        return super().forward(left, right).view(2, 2)

class BesideTheLinear(TwoEyes):
    def forward(self, left, right):
        return super().forward(left, right) + left.mean(dim=(1, 2, 3))[:, None]

class WorksInPlace(TwoEyes):
    def forward(self, left, right):
        out = super().forward(left, right)
        out.clamp_(0, 50)
        return out

class Asking(TwoEyes):
    def forward(self, left, right):
        out = super().forward(left, right)
        return out * 2 if self.training else out

function = len
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's module in the working directory, under a name no other test uses."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield name
    sys.modules.pop(name, None)


def pictures(n, inputs=2, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(n, channels, 20, 24, generator=generator) for _ in range(inputs))


def test_maps_in_channels_last_pass_where_the_users_view_could_not(own):
    model = build_imported(f"{own}:TwoEyes", {}, EYES).eval()
    x = pictures(3)
    with torch.no_grad():
        expected = model(*x)
        model.to(memory_format=torch.channels_last)
        found = model(*(one.to(memory_format=torch.channels_last) for one in x))
    assert torch.allclose(found, expected, rtol=1e-4)


def test_an_imported_class_is_the_users_class(own):
    torch.manual_seed(3)
    model = build_imported(f"{own}:TwoEyes", {"width": 7}, EYES).eval()
    torch.manual_seed(3)
    whole = sys.modules[own].TwoEyes(width=7).eval()
    x = pictures(3)
    with torch.no_grad():
        assert torch.equal(model(*x), whole(*x))
    assert (first_linear(model), model.feature_shape) == ("head.fc_first", (16, 8, 10))
    assert model.head.fc_first.out_features == 7


def test_a_first_parameter_named_spec_receives_the_spec_and_a_feature_head_stays_as_it_is(own, tmp_path):
    build_imported(f"{own}:WithSpec", {"width": 5}, EYES)
    source = """
    from torch import nn
    from xgaze.models.layers import FeatureHead
    class Mine(FeatureHead):
        def __init__(self, spec):
            super().__init__()
            self.head = nn.Sequential(nn.Linear(480, spec.outputs))
        def features(self, *inputs):
            if inputs[0].mean() > 1e9:
                raise RuntimeError
            return inputs[0].flatten(1)
    """
    (tmp_path / f"{own}_head.py").write_text(textwrap.dedent(source))
    model = build_imported(f"{own}_head:Mine", {}, EYES)
    assert type(model).__name__ == "Mine" and isinstance(model, FeatureHead)


def test_an_imported_model_exports_with_a_free_batch_size(own, tmp_path):
    torch.manual_seed(0)
    model = build_imported(f"{own}:TwoEyes", {}, EYES)
    export_onnx(model, EYES, tmp_path / "m.onnx")
    session = open_session(tmp_path / "m.onnx")
    for n in (1, 5):
        assert onnx_parity(model, session, pictures(n)) < 1e-5


def folded_and_factored(own):
    """A student of TwoEyes: half its channels, its first two linear layers folded, the result thin filters of rank 2."""
    torch.manual_seed(0)
    teacher = build_imported(f"{own}:TwoEyes", {"width": 9}, EYES).eval()

    def probe_of(model):
        with torch.no_grad():
            return Probe(pictures(8), model.features(*pictures(64)))

    return build_student(teacher, Plan(share=0.5, rank=2, terms=1), probe_of)


def test_surgeries_of_an_imported_model_are_proved(own):
    student, steps = folded_and_factored(own)
    assert [step.surgery.kind for step in steps] == ["channels", "fold", "low_rank", "separable"]
    assert isinstance(student.get_submodule("head.tail.fc.second"), nn.Identity)


def test_an_imported_student_rebuilds_bit_equal_in_a_fresh_process(own, tmp_path):
    student, steps = folded_and_factored(own)
    folder = tmp_path / "student"
    write_weights(folder / WEIGHTS_FILE, student.state_dict())
    architecture = {"import": f"{own}:TwoEyes", "args": {"width": 9}}
    surgeries = [step.to_json() for step in steps]
    write_card(folder, ModelCard("student", architecture, EYES.to_json(), {}, "hash", 0, surgeries=surgeries))
    np.savez(tmp_path / "x.npz", *(x.numpy() for x in pictures(3)))
    script = """
    import numpy as np, torch
    from pathlib import Path
    from xgaze.compression.student import load_model
    model, _ = load_model(Path("student"), trust_import=True)
    stored = np.load("x.npz")
    with torch.no_grad():
        print(model(*(torch.from_numpy(stored[k]) for k in stored.files)).numpy().tobytes().hex())
    """
    # -P: like a console script, without the working directory in the search path
    command = [sys.executable, "-P", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with torch.no_grad():
        assert done.stdout.strip() == student(*pictures(3)).numpy().tobytes().hex()


@pytest.mark.parametrize(
    ("reference", "args", "message"),
    [
        ("TwoEyes", {}, "expected package.module:Class, for example mypackage:MyNet"),
        ("my-package:TwoEyes", {}, "expected package.module:Class"),
        ("nowhere_at_all:Net", {}, "no module 'nowhere_at_all' in .* run xgaze where it lies"),
        ("{own}:TwoEye", {}, "has no 'TwoEye'; did you mean 'TwoEyes'"),
        ("{own}:function", {}, "'function' is not a class derived from torch.nn.Module"),
        ("{own}:TwoEyes", {"wide": 3}, r"constructor fails with model.args \(wide=3\): TypeError: .*'wide'"),
        ("{own}:NoLinear", {}, "'NoLinear' has no nn.Linear"),
        ("{own}:OneEye", {}, r"forward\(left\) does not fit the recording's 2 inputs, .*eye0, eye1"),
        ("{own}:FivePoints", {}, r"makes \(2, 10\), not \(batch, outputs\) = \(2, 2\): gaze x and y"),
        ("{own}:TooWide", {}, r"forward fails on inputs eye0 \(2, 1, 20, 24\).*expected input.* to have 3 channels"),
        ("{own}:Branching", {}, "asks for the numbers in a tensor .*subclassing xgaze.models.layers.FeatureHead"),
        (
            "{own}:FixedBatch",
            {},
            r"forward fails on inputs eye0 \(3, .*invalid for input of size 6 \(own_.*, line 46\)",
        ),
        ("{own}:BesideTheLinear", {}, "through which everything goes; found fc.first, fc.gaze, fc.second"),
        ("{own}:Asking", {}, "'Asking' asks after 'fc.first' whether it is training"),
    ],
)
def test_an_import_that_fails_is_one_clear_message(own, reference, args, message):
    path = list(sys.path)
    with pytest.raises(InputError, match=message):
        build_imported(reference.format(own=own), args, EYES)
    assert sys.path == path


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_like_this", "importing .* fails: ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("class (", "importing .* fails: SyntaxError"),
        ("1 / 0", "importing .* fails: ZeroDivisionError"),
    ],
)
def test_a_module_that_cannot_be_read_is_named_with_its_fault(own, tmp_path, source, message):
    (tmp_path / f"{own}_bad.py").write_text(source)
    with pytest.raises(InputError, match=message):
        build_imported(f"{own}_bad:Net", {}, EYES)


def test_a_teacher_whose_import_fails_leaves_nothing(tmp_path, make_recipe, gaze_recording):
    recipe = make_recipe(model={"import": "nowhere_at_all:Net"})
    with pytest.raises(InputError, match="nowhere_at_all"):
        train_teacher(recipe, gaze_recording, tmp_path / "teacher")
    assert not list(tmp_path.iterdir())
