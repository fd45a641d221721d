"""Code of the user's may print, end the program or change the world: results stay alone, and one message comes of it."""

import os
import signal
import sys
import warnings
from pathlib import Path

import pytest
import torch

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.own_networks.imported import build_imported
from xgaze.models.own_networks.user_code import user_code

EYE = Spec((InputSpec("eye", (1, 6, 6)),), "value", unit="mm")
NET = """
import sys, warnings
from torch import nn
print("imported")
class Net(nn.Module):
    def __init__(self):
        print("constructed")
        super().__init__()
        self.fc = nn.Linear(36, 1)
    def forward(self, x):
        print("called")
        return self.fc(x.flatten(1))
class Ends(Net):
    def __init__(self):
        sys.exit(3)
class EndsLater(Net):
    def forward(self, x):
        raise KeyboardInterrupt
class Generator(Net):
    def forward(self, x):
        raise GeneratorExit
class Deep(Net):
    def forward(self, x):
        return self.forward(x)
class Long(Net):
    def forward(self, x):
        raise RuntimeError("first\\nsecond")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    name = f"prints_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield name
    sys.modules.pop(name, None)


def test_what_a_users_module_prints_goes_to_standard_error(own, capsys):
    build_imported(f"{own}:Net", {}, EYE)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("imported\nconstructed\ncalled\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Ends", r"the constructor fails .*it ends the program, sys.exit\(3\) \(prints_.*\.py, line 15\)"),
        ("EndsLater", r"forward fails on inputs eye \(2, 1, 6, 6\): KeyboardInterrupt \(prints_.*, line 18\)"),
        ("Generator", "forward fails .*: GeneratorExit"),
        ("Deep", "forward fails .*: RecursionError: maximum recursion depth exceeded"),
        ("Long", r"forward fails .*: RuntimeError: first \("),
    ],
)
def test_whatever_a_users_class_raises_is_one_message(own, name, message):
    with pytest.raises(InputError, match=message) as caught:
        build_imported(f"{own}:{name}", {}, EYE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["raise SystemExit", "import sys; sys.exit('no GPU')", "raise KeyboardInterrupt"])
def test_a_module_that_ends_the_program_when_imported_is_one_message(own, tmp_path, ending):
    (tmp_path / f"{own}_ends.py").write_text(ending)
    with pytest.raises(InputError, match=r"importing .* fails: (it ends the program, sys.exit|KeyboardInterrupt)"):
        build_imported(f"{own}_ends:Net", {}, EYE)


def test_ctrl_c_still_ends_what_the_user_started():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt), user_code("a class"):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_world_is_as_before_after_the_users_code(tmp_path):
    before = Path.cwd(), list(warnings.filters)
    with user_code("a module"):
        os.chdir(tmp_path)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        warnings.simplefilter("error")
    assert (Path.cwd(), list(warnings.filters)) == before
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32


def test_a_message_of_xgazes_own_passes_as_it_is():
    with pytest.raises(InputError, match=r"^as it is$"), user_code("a class"):
        raise InputError("as it is")
