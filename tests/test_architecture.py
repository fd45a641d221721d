"""The house keeps its floors: imports point downwards only, and no file outgrows its room."""

import ast
from pathlib import Path

import xgaze

PACKAGE = Path(xgaze.__file__).parent
FLOORS = [
    {"errors", "processes", "code_version", "spreadsheet", ""},
    {"catalogue", "jobs", "limits", "progress", "stored", "writing"},
    {"artifacts", "recipe"},
    {"scorings"},
    {"data", "report"},
    {"models", "evaluation", "capacity"},
    {"training", "explanation"},
    {"compression"},
    {"cli"},
]
FLOOR = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}


def room_of(parts: tuple[str, ...]) -> str:
    return parts[0] if parts else ""


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "xgaze":
            names = [node.module] if node.module != "xgaze" else [f"xgaze.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] == "xgaze"]
        rooms |= {room_of(tuple(name.split(".")[1:])) for name in names}
    return {room if room in FLOOR else "" for room in rooms}


def test_every_room_has_a_floor():
    rooms = {p.relative_to(PACKAGE).with_suffix("").parts[0] for p in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == set(FLOOR) - {""}


def test_imports_point_only_downwards():
    upward = []
    for path in PACKAGE.rglob("*.py"):
        room = room_of(path.relative_to(PACKAGE).with_suffix("").parts)
        for other in imported_rooms(path) - {room}:
            if FLOOR[other] >= FLOOR.get(room, 0) and room in FLOOR:
                upward.append(f"{path.relative_to(PACKAGE)} ({room}) imports {other}")
    assert not upward


def test_no_file_is_long():
    long = {
        str(p.relative_to(PACKAGE)): n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 260
    }
    assert not long
