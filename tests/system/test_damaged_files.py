"""Every stored file of a finished run, damaged in every way: a message that names it, or no harm; never a traceback."""

import json
from itertools import combinations, cycle
from pathlib import Path

import pytest
import safetensors.torch
import torch

RUN = "checkpoints/small"
TEACHER, STUDENT, EXPLANATION = f"{RUN}/teacher", f"{RUN}/student", f"{RUN}/explanation"
REPORT = ("report", "small.yaml")
TRAIN, DISTILL = ("train-teacher", "small.yaml"), ("distill", "small.yaml")
EXPLAIN = ("explain", "small.yaml", "--sample", "0")
CALIBRATE = ("calibrate", "small.yaml", "--points", "1")
PREDICT = ("predict", TEACHER, "small.yaml", "--out", "p.csv")
READERS = {
    f"{TEACHER}/model.json": [TRAIN, REPORT, EXPLAIN, DISTILL, PREDICT],
    f"{TEACHER}/model.safetensors": [PREDICT, TRAIN, DISTILL, EXPLAIN],
    f"{TEACHER}/splits.json": [REPORT, TRAIN, EXPLAIN],
    f"{TEACHER}/baselines.json": [REPORT, TRAIN],
    f"{TEACHER}/history.csv": [REPORT, TRAIN],
    f"{RUN}/scorings.json": [REPORT, TRAIN, DISTILL],
    f"{TEACHER}/predictions.csv": [REPORT],
    f"{STUDENT}/model.json": [DISTILL, REPORT, EXPLAIN],
    f"{STUDENT}/model.safetensors": [("predict", STUDENT, "small.yaml", "--out", "p.csv"), DISTILL, REPORT],
    f"{STUDENT}/predictions.csv": [REPORT],
    f"{STUDENT}/budget.csv": [REPORT, EXPLAIN],
    f"{STUDENT}/capacity.json": [REPORT, EXPLAIN],
    f"{STUDENT}/control_predictions.csv": [REPORT],
    f"{RUN}/calibration.json": [REPORT, CALIBRATE],
    f"{EXPLANATION}/explanation.json": [REPORT, EXPLAIN],
    f"{EXPLANATION}/maps.npz": [REPORT],
    f"{RUN}/crossval/crossval.json": [REPORT, ("crossval", "small.yaml", "--outer", "2", "--inner", "1")],
    "reports/small/report.json": [REPORT],
}
OF_A_KEY = {"null": None, "text": "x", "list": [], "number": -1.5, "nan": float("nan"), "missing": ...}
DEEP = b"[" * 100_000


def whole(kind: str, content: bytes) -> dict[str, bytes | None]:
    """Damages of any file by name; None: a folder in its place."""
    damages = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "deep": DEEP,
        "binary": bytes(range(256)) * 4,
        "folder": None,
    }
    if kind == ".json":
        damages |= {"null": b"null", "list": b"[]", "mapping": b"{}", "text": b'"x"', "number": b"1e999"}
    return damages


def of_keys(content: bytes) -> dict[str, bytes]:
    """A JSON object with one key at a time missing, of another type, or no number (two of these in turn); and one key more."""
    stored, damages = json.loads(content), {}
    if not isinstance(stored, dict):
        return {
            "of mappings": b"[{}]",
            "of numbers": b"[1]",
            "with a key more": json.dumps([{**stored[0], "x": 1}]).encode(),
        }
    turns = cycle(list(combinations(OF_A_KEY, 2)))
    damages["an extra key"] = json.dumps({**stored, "extra": 1}).encode()
    for path in _paths(stored):
        for name in next(turns):
            changed = _changed(stored, path, OF_A_KEY[name])
            damages[f"{'.'.join(map(str, path))} {name}"] = json.dumps(changed).encode()
    return damages


def _paths(stored, depth=2):
    if isinstance(stored, dict) and depth:
        for key, value in stored.items():
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value, depth - 1))
    elif isinstance(stored, list) and stored and depth:
        yield from ((0, *rest) for rest in [(), *_paths(stored[0], depth - 1)])


def _changed(stored, path, value):
    key, *rest = path
    new = dict(stored) if isinstance(stored, dict) else list(stored)
    if rest:
        new[key] = _changed(stored[key], rest, value)
    elif value is ...:
        del new[key]
    else:
        new[key] = value
    return new


def of_columns(content: bytes) -> dict[str, bytes]:
    """A table with one column at a time missing, empty, or of words."""
    head, *rows = [line.split(",") for line in content.decode().splitlines()]
    damages = {"no row": ",".join(head).encode()}
    for place, name in enumerate(head):
        for what, cell in {"empty": [""], "words": ["x y"], "inf": ["inf"], "missing": []}.items():
            lines = [head[:place] + [name] * len(cell) + head[place + 1 :]]
            lines += [row[:place] + cell + row[place + 1 :] for row in rows]
            damages[f"{name} {what}"] = "\n".join(map(",".join, lines)).encode()
    return damages


def of_weights(content: bytes) -> dict[str, bytes]:
    """Tensors without a number, of another size, and of another type."""
    stored = safetensors.torch.load(content)
    changes = {"nan": lambda x: x * float("nan"), "longer": lambda x: torch.cat([x, x]), "double": torch.Tensor.double}
    return {
        name: safetensors.torch.save({key: change(one) for key, one in stored.items()})
        for name, change in changes.items()
    }


def damages_of(path: Path) -> dict[str, bytes | None]:
    content = path.read_bytes()
    more = {".json": of_keys, ".csv": of_columns, ".safetensors": of_weights}.get(path.suffix, lambda _: {})
    return whole(path.suffix, content) | more(content)


@pytest.fixture(scope="module", autouse=True)
def calibrated(finished, run):
    assert run(*CALIBRATE).code == 0


@pytest.mark.parametrize("file", READERS)
def test_a_damaged_file_is_named_or_does_no_harm(run, finished, file):
    path = finished / file
    original, faults = path.read_bytes(), []
    for name, content in damages_of(path).items():
        for words in READERS[file]:
            put(path, content)
            try:
                ended = run(*words)
            except Exception as error:
                faults.append(f"{name}, {words[0]}: {type(error).__name__}: {str(error)[:200]}")
                continue
            told = ended.err.strip().splitlines()
            if ended.code not in (0, 2) or (ended.code == 2 and not named(told, path)):
                faults.append(f"{name}, {words[0]}: exit {ended.code}: {told[-1:]}")
            if not path.is_file() or (content is not None and path.read_bytes() != content):
                break  # it was written again
    put(path, original)
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:40])


def test_a_damaged_calibration_is_removed_as_the_message_says_and_made_again(run, finished):
    file = finished / RUN / "calibration.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    for words in (CALIBRATE, REPORT):
        ended = run(*words)
        assert ended.code == 2 and "calibration.json: " in ended.err and "Remove it, and calibrate again" in ended.err
    file.unlink()
    assert run(*CALIBRATE).code == 0 and file.read_bytes() == whole


def named(told: list[str], path: Path) -> bool:
    """One short message, naming the file or what it belongs to, or that the result would be made again."""
    text = "\n".join(told)
    known = (
        path.name,
        path.parent.name + ":",
        "the model was trained with",
        "holds a",
        "computed again",
        f"{RUN}:",
        "no finished teacher",
    )
    return len(told) <= 8 and len(text) < 1500 and any(one in text for one in known)


TABLES = [
    *(f"{TEACHER}/{name}" for name in ("history.csv", "predictions.csv")),
    *(f"{STUDENT}/{name}" for name in ("budget.csv", "predictions.csv", "control_predictions.csv")),
]


@pytest.mark.parametrize("file", TABLES)
def test_a_table_cut_short_at_a_lines_end_is_named_not_shown(run, finished, file):
    path = finished / file
    whole = path.read_bytes()
    for content in (whole[: whole.rstrip().rindex(b"\n") + 1], whole.replace(b"1", b"2", 1), None):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        ended = run(*REPORT)
        path.write_bytes(whole)
        assert ended.code == 2 and f"{file}: " in ended.err and "--force" in ended.err, ended.err
    assert run(*REPORT).code == 0


def put(path: Path, content: bytes | None) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
