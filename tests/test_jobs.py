"""Jobs in other processes: where they stand, and whom they belong to."""

import os
from pathlib import Path

import pytest

from xgaze.jobs import Fan, run_elsewhere


def note_folder(name):
    """A job that leaves the process's number and folder in a file, by a relative path."""
    Path(name).write_text(f"{os.getpid()} {Path.cwd()}")


def test_processes_started_in_another_folder_work_where_their_parent_stands_now(tmp_path, monkeypatch):
    said = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        run_elsewhere(Fan(workers=2), note_folder, [("a",), ("b",)], "jobs")
        said += [(folder / name).read_text().split(" ") for name in ("a", "b")]
    assert [place for _, place in said] == [str(tmp_path / name) for name in ("first", "first", "second", "second")]
    # The same processes did both: without being told, they would have stayed in the first folder.
    assert {pid for pid, _ in said[2:]} <= {pid for pid, _ in said[:2]} and str(os.getpid()) not in {
        pid for pid, _ in said
    }


def test_an_error_of_a_job_reaches_its_parent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        run_elsewhere(Fan(workers=2), note_folder, [("missing/a",)], "jobs")


def test_jobs_at_the_same_time_fill_the_machine(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert [Fan(workers=4).threads(jobs) for jobs in (0, 1, 2, 3, 4, 40)] == [8, 8, 4, 2, 2, 2]
    assert Fan(workers=16).threads(40) == 1 and Fan().threads(3) == 8
