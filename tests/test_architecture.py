"""The house keeps its floors: imports point downwards only, inside rooms too; what it is made of stays small and has one name."""

import ast
from collections import Counter
from pathlib import Path

import pytest

import xgaze

PACKAGE = Path(xgaze.__file__).parent
FLOORS = [
    {"errors", "processes", "code_version", "spreadsheet", "units", ""},
    {"progress"},
    {"catalogue", "geometry", "jobs", "limits", "recorded_targets", "stored", "writing"},
    {"artifacts", "recipe"},
    {"scorings", "sums"},
    {"data", "report"},
    {"models", "evaluation", "capacity"},
    {"training", "explanation", "calibration"},
    {"compression"},
    {"api"},
    {"cli"},
]
FLOOR = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}
MOST_LINES, MOST_FILES = 40, 16
ONE_COMMAND = "a command, and what it runs"
TWICE = {
    "distill": ONE_COMMAND,
    "explain": ONE_COMMAND,
    "heatmaps": ONE_COMMAND,
    "loading": "of recipes; of fixation tables",
    "comparison": "of two models in numbers; of two runs as a page",
    "fold": "of a cross validation; of two linear layers into one",
}
"""File names in two rooms, each with the reason."""

MODULES = {
    ".".join(("xgaze", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imported(path: Path) -> set[str]:
    """Modules of xgaze that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                f"{node.module}.{one.name}" if f"{node.module}.{one.name}" in MODULES else node.module
                for one in node.names
            }
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found & set(MODULES)


IMPORTS = {name: imported(path) for name, path in MODULES.items()}


def room_of(module: str) -> str:
    return (*module.split(".")[1:2], "")[0]


def folder_of(module: str) -> str:
    """The folder of a room in which a module lies, "" for those that lie in no further one."""
    path = MODULES[module].relative_to(PACKAGE).parts
    return path[1] if len(path) > 2 else ""


def test_every_room_has_a_floor():
    assert {room_of(name) for name in MODULES} == set(FLOOR)


def test_imports_point_only_downwards():
    upward = [
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if room_of(other) != room_of(name) and FLOOR[room_of(other)] >= FLOOR[room_of(name)]
    ]
    assert not upward


@pytest.mark.parametrize("room", sorted(room for room in FLOOR if (PACKAGE / room).is_dir() and room))
def test_folders_of_a_room_do_not_import_each_other_in_a_circle(room):
    below = {}
    for name in MODULES:
        if room_of(name) == room and folder_of(name):
            own = {folder_of(other) for other in IMPORTS[name] if room_of(other) == room} - {"", folder_of(name)}
            below[folder_of(name)] = below.get(folder_of(name), set()) | own
    while free := [folder for folder, others in below.items() if not others & set(below)]:
        for folder in free:
            del below[folder]
    assert not below


def test_no_module_imports_itself_by_way_of_others():
    left = {name: others - {name} for name, others in IMPORTS.items()}
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    assert not left


def test_no_function_is_long():
    long = {
        f"{path.relative_to(PACKAGE)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > MOST_LINES
    }
    assert not long


def test_no_folder_is_crowded():
    counts = Counter(path.parent for path in MODULES.values() if path.name != "__init__.py")
    assert not {str(folder.relative_to(PACKAGE)): count for folder, count in counts.items() if count > MOST_FILES}


def test_a_file_name_stands_in_one_room_or_has_a_reason():
    counts = Counter(path.stem for path in MODULES.values() if path.name != "__init__.py")
    assert {name for name, count in counts.items() if count > 1} == set(TWICE)
