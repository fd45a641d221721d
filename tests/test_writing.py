"""What a killed process leaves, and what two at once may do."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import xgaze.writing
from xgaze.errors import InputError
from xgaze.writing import LOCK, atomic_path, new_folder, one_writer, replace_folder, scratch_folder, settle, together

SOURCE = str(Path(xgaze.writing.__file__).parents[1])


def start(code, folder):
    """Another process that has run `code`, which ends in a long sleep."""
    program = f"import sys, time; from pathlib import Path; from xgaze.writing import *; p = Path(sys.argv[1])\n{code}"
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


WRITING = "with atomic_path(p / 'a.json') as half: half.write_text('half'); print('ready', flush=True); time.sleep(99)"
HOLDING = "with one_writer(p): print('ready', flush=True); time.sleep(99)"


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_what_a_killed_writer_leaves_is_removed_by_the_next_of_the_same_file(tmp_path):
    kill(start(WRITING, tmp_path))
    (left,) = tmp_path.iterdir()
    with atomic_path(tmp_path / "b.json") as other:
        other.write_text("{}")
    assert left.exists()  # another file's
    with atomic_path(tmp_path / "a.json") as whole:
        whole.write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json"]
    assert (tmp_path / "a.json").read_text() == "whole"


def test_what_a_living_writer_has_begun_stays(tmp_path):
    process = start(WRITING, tmp_path)
    try:
        with atomic_path(tmp_path / "a.json") as whole:
            whole.write_text("whole")
        names = sorted(p.name for p in tmp_path.iterdir())
        assert len(names) == 2 and names[0].startswith(".xgaze-") and names[1] == "a.json"
    finally:
        kill(process)


def test_a_second_writer_is_told_who_the_first_is_until_it_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["xgaze", "distill", "my recipe.yaml"])
    process = start(HOLDING, tmp_path)
    try:
        told = rf"another process writes there \(process {process.pid} on .* xgaze"
        with pytest.raises(InputError, match=told), one_writer(tmp_path):
            pass
    finally:
        kill(process)
    with one_writer(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["command"] == "xgaze distill 'my recipe.yaml'"
        with pytest.raises(InputError, match="another process writes there"), one_writer(tmp_path):
            pass
    with one_writer(tmp_path):
        pass


def test_a_dead_writer_whose_own_workers_hold_its_lock_is_waited_for(tmp_path):
    code = (
        "import os\nwith one_writer(p):\n"
        "  if os.fork() == 0: time.sleep(1.5); os._exit(0)\n"
        "  print('ready', flush=True); time.sleep(99)"
    )
    kill_only = start(code, tmp_path)
    os.kill(kill_only.pid, signal.SIGKILL)
    os.waitpid(kill_only.pid, 0)
    with one_writer(tmp_path):
        pass


def test_a_folder_takes_the_place_of_another_whenever_it_is_killed(tmp_path, monkeypatch):
    """Killed before each of the renames and before the removal, then settled: the old one or the new one, never none."""
    for steps in range(4):
        folder = tmp_path / str(steps) / "teacher"
        for place, text in ((folder, "old"), (new_folder(folder), "new")):
            place.mkdir(parents=True)
            (place / "model.json").write_text(text)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            count = iter(range(99))
            rename = Path.replace

            def replace(path, target, count=count, rename=rename, steps=steps):
                if next(count) == steps:
                    raise KeyboardInterrupt
                return rename(path, target)

            def remove(*_, **__):
                raise KeyboardInterrupt

            patch.setattr(Path, "replace", replace)
            patch.setattr("xgaze.writing.shutil.rmtree", remove)
            replace_folder(folder)
        settle(folder.parent)
        assert (folder / "model.json").read_text() == ("old" if steps == 0 else "new")
        assert sorted(p.name for p in folder.parent.iterdir()) == (
            [".xgaze-new-teacher", "teacher"] if steps == 0 else ["teacher"]
        )


NAMES = ("budget.csv", "model.json", "model.onnx", "model.safetensors")


@pytest.mark.parametrize("moves", range(7))
def test_files_take_their_places_together_whenever_that_is_killed(tmp_path, monkeypatch, moves):
    """Killed before each of the six renames: never a card beside files of another result, and settled, the old or the new."""
    folder = tmp_path / "student"
    (folder / "trials").mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text("old")
    count, rename = iter(range(9)), Path.replace

    def replace(path, target):
        if next(count) == moves:
            raise KeyboardInterrupt
        return rename(path, target)

    def make():
        with together(folder, "model.json") as made:
            for name in NAMES:
                (made / name).write_text("new")
            assert {(folder / name).read_text() for name in NAMES} == {"old"}

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        if moves < 6:
            with pytest.raises(KeyboardInterrupt):
                make()
        else:
            make()
    found = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert "model.json" not in found or set(found.values()) in ({"old"}, {"new"})
    settle(tmp_path)
    assert {(folder / name).read_text() for name in NAMES} == {"old" if moves < 2 else "new"}
    assert sorted(path.name for path in folder.iterdir()) == [*NAMES, "trials"] and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("folders", [[".xgaze-last"], []], ids=["the last moved", "its place removed"])
def test_what_a_killed_removal_leaves_of_files_that_took_their_places_is_removed(tmp_path, folders):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "model.json").write_text("new")
    (tmp_path / ".xgaze-ready-student").mkdir()
    for name in folders:
        (tmp_path / ".xgaze-ready-student" / name).mkdir()
    settle(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "student"]
    assert (tmp_path / "student" / "model.json").read_text() == "new"


def test_a_result_that_was_ready_comes_back_where_its_folder_was_removed(tmp_path):
    (tmp_path / ".xgaze-ready-student" / ".xgaze-last").mkdir(parents=True)
    (tmp_path / ".xgaze-ready-student" / "budget.csv").write_text("new")
    (tmp_path / ".xgaze-ready-student" / ".xgaze-last" / "model.json").write_text("new")
    settle(tmp_path)
    assert sorted(one.name for one in (tmp_path / "student").iterdir()) == ["budget.csv", "model.json"]


def test_a_disk_without_room_for_the_lock_names_it_and_nothing_is_left(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught, one_writer(tmp_path / "run"):
            raise AssertionError
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "run" / LOCK) and not list(tmp_path.iterdir())
    with one_writer(tmp_path / "run"):
        pass


def test_a_result_that_fails_leaves_the_old_one(tmp_path):
    folder = tmp_path / "student"
    folder.mkdir()
    (folder / "model.json").write_text("old")
    with pytest.raises(OSError, match="full"), together(folder, "model.json") as made:
        (made / "model.json").write_text("new")
        raise OSError("full")
    assert (folder / "model.json").read_text() == "old" and list(tmp_path.iterdir()) == [folder]


def test_names_as_long_as_a_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("ä" * 125 + ".json")
    with atomic_path(path) as temporary:
        temporary.write_text("{}")
    assert path.read_text() == "{}" and len(os.fsencode(path.name)) == 255


def test_a_helping_process_writes_nothing_and_needs_no_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with one_writer(tmp_path), one_writer(tmp_path), atomic_path(tmp_path / "a.json") as temporary:
        temporary.write_text("mine")
    assert not list(tmp_path.iterdir())


def test_scratch_goes_also_when_the_block_fails(tmp_path):
    with pytest.raises(RuntimeError), scratch_folder(tmp_path, "a") as scratch:
        (scratch / "file").write_text("x")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_scratch_folder_may_hold_others(tmp_path):
    with scratch_folder(tmp_path, "student") as scratch:
        with atomic_path(scratch / "a.json") as temporary:
            temporary.write_text("{}")
        assert [p.name for p in scratch.iterdir()] == ["a.json"]
