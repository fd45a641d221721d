"""A catalogue finds what its package holds and what was registered, and nothing twice."""

import sys
from types import SimpleNamespace

import pytest

from xgaze.catalogue import Catalogue
from xgaze.errors import InputError

MODULES = {
    "round_ones": "from types import SimpleNamespace as S\nSHAPE = (S(name='circle'), S(name='round-ones'))",
    "square": "from types import SimpleNamespace as S\nSHAPE = S(name='square')",
    "tools": "",
}


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    folder = tmp_path / "some_shapes"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield Catalogue("shape", "some_shapes", "SHAPE")
    for name in [one for one in sys.modules if one.startswith("some_shapes")]:
        del sys.modules[name]


def test_what_the_package_holds(shapes):
    assert list(shapes) == ["circle", "round-ones", "square"]
    assert [one.name for one in shapes.values()] == list(shapes)
    assert shapes["circle"].name == "circle" and "square" in shapes and "line" not in shapes


def test_a_name_imports_its_own_module_alone(shapes):
    assert shapes["square"].name == "square"
    assert "some_shapes.square" in sys.modules and "some_shapes.round_ones" not in sys.modules


def test_registered_from_outside(shapes):
    toy = shapes.register(SimpleNamespace(name="toy"))
    assert shapes["toy"] is toy and shapes.register(toy) is toy and "toy" in list(shapes)


@pytest.mark.parametrize(
    "ask", [lambda all_: "dot" in all_, lambda all_: "dot" in list(all_), lambda all_: all_["dot"]]
)
def test_what_a_plug_in_registers_is_there_whatever_is_asked(shapes, monkeypatch, ask):
    plugin = SimpleNamespace(load=lambda: shapes.register(SimpleNamespace(name="dot")))
    monkeypatch.setattr("xgaze.catalogue.entry_points", lambda group: [plugin] if group == "xgaze" else [])
    assert "square" in shapes and shapes["square"] and not shapes._plugins_loaded
    assert ask(shapes) and [one.name for one in shapes.values()] == ["circle", "dot", "round-ones", "square"]


@pytest.mark.parametrize("name", ["toy", "circle"])
def test_no_name_stands_for_two_things(shapes, name):
    shapes.register(SimpleNamespace(name="toy"))
    with pytest.raises(InputError, match=f"shape '{name}' is registered already"):
        shapes.register(SimpleNamespace(name=name))


def test_an_unknown_name_says_what_there_is(shapes):
    with pytest.raises(InputError, match=r"there is no shape 'line'\. There are: circle, round-ones, square"):
        shapes["line"]
