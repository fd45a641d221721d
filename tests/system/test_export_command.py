"""`xgaze export` and `xgaze verify` on a small finished run: what is written, run, sent, and noticed when it is damaged."""

import ast
import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from xgaze.compression.export.checksums import handed_over, write_checksums, write_package
from xgaze.compression.export.eight_bits import WEIGHTS_ALONE
from xgaze.compression.export.verification import hash_checks

STOPPED = runpy.run_path(str(Path(__file__).parent / "stopped_commands.py"))
STUDENT = Path("checkpoints/small/student")
PLAIN = {
    "model_card.md",
    "model.safetensors",
    "model.json",
    "model.onnx",
    "model.int8.onnx",
    "predict.py",
    "samples.npz",
}
C = {"Makefile", "harness.c", "samples.raw", "student.c", "student.h"}
FILES = PLAIN | {f"c-{form}/{name}" for form in ("int8", "float32") for name in C} | {"c-int8/ranges.json"}
GCC = shutil.which("gcc") is not None


@pytest.fixture(scope="module")
def exported(finished, run):
    """The student's folder with all forms, and what the commands printed."""
    told = {}
    for words in (["onnx"], ["int8"], ["c", "--bits", "32"], ["c"]):
        ended = run("export", "small.yaml", "--to", *words, "--samples", "4", "--json")
        assert ended.code == 0, ended.err
        told["".join(words)] = json.loads(ended.out)
    return told


@pytest.fixture
def copy(exported, tmp_path):
    shutil.copytree(STUDENT, tmp_path / "sent")
    return tmp_path / "sent"


def test_all_that_is_handed_over_lies_there(exported):
    assert set(handed_over(STUDENT)) == FILES
    assert {line.split("  ")[1] for line in (STUDENT / "SHA256SUMS").read_text().splitlines()} == FILES
    assert exported["c"]["form"] == "int8" and exported["c--bits32"]["form"] == "float32"
    assert exported["c"]["weights"] < exported["c--bits32"]["weights"] / 3
    assert exported["c"]["input"] == 40 * 40 and exported["c"]["samples"] == 4
    assert exported["int8"]["bytes"] == (STUDENT / "model.int8.onnx").stat().st_size


def test_a_package_holds_what_is_handed_over_and_arrives_whole(exported, run, tmp_path):
    ended = run("export", "small.yaml", "--to", "package", "--samples", "4", "--json")
    assert ended.code == 0, ended.err
    file = Path(json.loads(ended.out)["file"])
    with zipfile.ZipFile(file) as package:
        package.extractall(tmp_path)
    sent = tmp_path / "small-student"
    found = {str(one.relative_to(sent)) for one in sent.rglob("*") if one.is_file()}
    assert found == FILES | {"SHA256SUMS"} and file == STUDENT.with_suffix(".zip")
    assert {one.verdict for one in hash_checks(sent)} == {"passed"}
    before = file.read_bytes()
    write_package(STUDENT, "small-student")
    assert file.read_bytes() == before


@pytest.mark.skipif(not GCC, reason="gcc is not installed")
def test_c_is_near_the_model_and_as_good_over_people(exported):
    assert exported["c--bits32"]["apart"] < 0.01
    assert exported["c"]["apart"] < 20
    worse = exported["c"]["worse_percent"]
    assert abs(worse["mean"]) < 5
    # Beside it onnxruntime's 8 bits, where its file computes in 8 bits on this machine.
    assert ("onnxruntime_worse_percent" in exported["c"]) == (exported["int8"]["form"] != WEIGHTS_ALONE)
    theirs = exported["c"].get("onnxruntime_worse_percent", worse)
    assert theirs["low"] - 5 <= worse["mean"] <= theirs["high"] + 5


def test_a_whole_folder_is_verified(exported, run):
    ended = run("verify", str(STUDENT), "--json")
    assert ended.code == 0
    verdicts = {one["name"]: one["verdict"] for one in json.loads(ended.out)["checks"]}
    assert {name for name in verdicts if name.startswith("hash of ")} == {f"hash of {name}" for name in FILES}
    c = "passed" if GCC else "not run"
    computed = {"model.safetensors", "model.onnx", "model.int8.onnx", "predict.py", "no pickle"}
    assert {name: verdicts[name] for name in computed} == dict.fromkeys(computed, "passed")
    assert verdicts["c-int8"] == verdicts["c-float32"] == c


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_changed_byte_is_noticed_in_every_file(name, copy):
    file = copy / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert [one.name for one in hash_checks(copy) if one.verdict == "failed"] == [f"hash of {name}"]
    file.unlink()
    assert [(one.name, one.told) for one in hash_checks(copy) if one.verdict == "failed"] == [
        (f"hash of {name}", "missing")
    ]


@pytest.fixture
def uncompiled(monkeypatch):
    monkeypatch.setattr("xgaze.compression.export.firmware.compiler", lambda: None)
    for tool in ("footprints", "emulated"):
        monkeypatch.setattr(f"xgaze.compression.export.firmware.{tool}", lambda *_: None)


@pytest.mark.parametrize(("form", "every", "at_least"), [("int8", 1, 4), ("c --bits 32", 4, 8)])
def test_an_export_stopped_at_each_write_tears_nothing_and_is_finished_by_the_next(
    exported, uncompiled, run, tmp_path, form, every, at_least
):
    start = tmp_path / "start"
    shutil.copytree("checkpoints", start / "checkpoints")
    shutil.copy("small.yaml", start)

    def act():
        ended = run("export", "small.yaml", "--samples", "2", "--to", *form.split())
        if ended.code:
            raise RuntimeError(ended.err)
        assert not [one for one in hash_checks(STUDENT) if one.verdict == "failed"]

    known, faults = STOPPED["faults_of"](start, tmp_path, act, every)
    assert not faults and len(known) >= at_least, (known, faults)


@pytest.mark.parametrize("name", ["model.onnx", "model.int8.onnx"])
@pytest.mark.parametrize("damage", [lambda _: b"", lambda whole: whole[: len(whole) // 2], lambda _: bytes(range(256))])
def test_a_damaged_onnx_file_is_named(copy, uncompiled, run, name, damage):
    (copy / name).write_bytes(damage((copy / name).read_bytes()))
    ended = run("export", str(copy), "--to", "c", "--samples", "2")
    assert ended.code == 2 and f"{copy / name}: damaged" in ended.err and "Remove it" in ended.err, ended.err
    (copy / name).unlink()
    if name == "model.int8.onnx":
        assert run("export", str(copy), "--to", "c", "--samples", "2").code == 0


def test_an_onnx_file_of_another_model_is_named(copy, uncompiled, run):
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "other", [x], [y])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, ir_version=8, opset_imports=opset), copy / "model.onnx")
    ended = run("export", str(copy), "--to", "c", "--samples", "2")
    assert ended.code == 2 and f"{copy / 'model.onnx'}: damaged" in ended.err, ended.err


SAYS_NOTHING = {"model_card.md"}
"""Text for people: without its hash there is nothing to hold it against."""


@pytest.mark.parametrize("name", sorted(one for one in FILES if not one.startswith("c-float32")))
@pytest.mark.parametrize("content", [lambda _: b"", lambda whole: whole[: len(whole) // 3]], ids=["emptied", "cut"])
def test_a_damaged_file_fails_whatever_the_hashes_say(name, content, copy, uncompiled, run):
    for form in {"c-float32", "c-int8"} - {name.split("/")[0]}:
        shutil.rmtree(copy / form)
    (copy / name).write_bytes(content((copy / name).read_bytes()))
    write_checksums(copy)
    ended = run("verify", str(copy))
    assert ended.code == (0 if name in SAYS_NOTHING else 2 if name == "model.json" else 1), ended.out + ended.err


def failed(ended):
    return [line for line in ended.out.splitlines() if line.startswith("failed")]


def test_a_damaged_folder_ends_with_1(copy, run):
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes()[:-100])
    (copy / "notes.pkl").write_bytes(b"\x80\x04N.")
    ended = run("verify", str(copy))
    assert ended.code == 1
    told = "\n".join(failed(ended))
    assert "hash of model.onnx: changed since it was exported" in told
    assert "notes.pkl: can run code when it is opened" in told
    assert any(line.startswith("failed  model.onnx: ") for line in failed(ended))


def test_new_hashes_do_not_hide_what_was_changed(copy, run):
    source = copy / "c-int8" / "student.c"
    source.write_text(source.read_text().replace("int64_t whole", "int64_t  whole"))
    (copy / "predict.py").write_text("import os\n")
    with np.load(copy / "samples.npz") as found:
        arrays = dict(found)
    arrays["outputs"] = arrays["outputs"] + 50
    np.savez(copy / "samples.npz", **arrays)
    write_checksums(copy)
    ended = run("verify", str(copy))
    told = "\n".join(failed(ended))
    assert ended.code == 1 and "hash of" not in told
    assert "c-int8: student.c is not what this version of xgaze writes" in told
    assert "predict.py: is not the script" in told and "model.onnx: outputs differ" in told


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "SHA256SUMS").unlink(), "Run `xgaze export"),
        (lambda folder: (folder / "SHA256SUMS").write_text("x"), "damaged or edited"),
        (lambda folder: (folder / "model.json").unlink(), "not a model folder"),
    ],
    ids=["no list", "a damaged list", "no model"],
)
def test_what_cannot_be_verified_ends_with_2(break_it, message, copy, run):
    break_it(copy)
    ended = run("verify", str(copy))
    assert ended.code == 2 and message in ended.err and not ended.out


def test_the_script_runs_alone(copy):
    text = (copy / "predict.py").read_text()
    imports = {one.names[0].name for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Import)}
    assert imports == {"json", "sys", "numpy", "onnxruntime"} and len(text.splitlines()) <= 40
    ended = subprocess.run([sys.executable, "-I", "predict.py"], cwd=copy, capture_output=True, text=True, check=True)
    with np.load(copy / "samples.npz") as stored:
        expected = stored["outputs"]
    found = np.array([line.split(",") for line in ended.stdout.splitlines()], float)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["small.yaml"], "--to"),
        (["small.yaml", "--to", "exe"], "'exe' is not one of"),
        (["small.yaml", "--to", "c", "--set", "name=other"], "Run `xgaze distill small.yaml --set name=other` first"),
        ([str(STUDENT), "--to", "c", "--set", "name=other"], "is a folder"),
        (["checkpoints", "--to", "c"], "not a model folder"),
    ],
)
def test_bad_input_ends_with_2(words, message, finished, run):
    ended = run("export", *words)
    assert ended.code == 2 and message in ended.err and not ended.out
