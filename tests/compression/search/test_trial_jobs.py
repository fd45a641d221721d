"""Trials in other processes leave what the same trials leave here: two workers, and a Dask cluster of two local ones."""

import shutil

import numpy as np
import pytest

from xgaze.compression.plan import Plan
from xgaze.compression.search.exploration import open_search
from xgaze.compression.search.trial import Trial, run_trial
from xgaze.compression.search.trial_jobs import is_finished, run_all
from xgaze.compression.student import load_model
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.jobs import Fan, jobs_at_once
from xgaze.recipe import Recipe
from xgaze.training.teacher import train_teacher

TRIALS = [Trial(Plan(rank=rank)) for rank in (2, 3)]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A search over a teacher of a few small rendered pictures, which any process can open again."""
    people = {"train_participants": 6, "validation_participants": 3, "test_participants": 3}
    recipe = Recipe.model_validate(
        {
            "name": "small",
            "data": {"source": "rendered", "height": 48, "width": 48, "frames_per_participant": 2, **people},
            "model": {
                "name": "multi-eye",
                "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False},
            },
            "training": {"epochs": 1, "precision": "32-true"},
            "distill": {"tuning_epochs": 2, "calibration_samples": 12},
        }
    )
    root = tmp_path_factory.mktemp("fanout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XGAZE_CACHE", str(root / "cache"))
        recording = open_recording(recipe.data)
        train_teacher(recipe, recording, root / "small" / "teacher")
        teacher, _ = load_model(root / "small" / "teacher")
        search = open_search(recipe, recording, teacher, root / "small" / "student", Fan())
        here = [run_trial(search.bench, trial).outputs for trial in TRIALS]
        yield search, here


def again(search, fan):
    shutil.rmtree(search.bench.folder / "trials")
    return [one.outputs for one in run_all(search.bench, TRIALS, fan, search.teacher_folder)]


def test_two_workers_find_what_one_finds(small):
    search, here = small
    for ours, theirs in zip(here, again(search, Fan(workers=2)), strict=True):
        assert np.abs(ours - theirs).max() < 1e-2  # px; thread counts differ, so sums round differently


def test_a_dask_cluster_finds_what_one_process_finds(small):
    distributed = pytest.importorskip("distributed")
    search, here = small
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        fan = Fan(dask=cluster.scheduler_address)
        assert jobs_at_once(fan) == 2
        found = again(search, fan)
    for ours, theirs in zip(here, found, strict=True):
        assert np.abs(ours - theirs).max() < 1e-2


def test_what_is_finished_is_not_done_again(small):
    search, _ = small
    run_all(search.bench, TRIALS, Fan(), search.teacher_folder)
    assert all(is_finished(search.bench, trial) for trial in TRIALS)
    assert run_all(search.bench, TRIALS, Fan(workers=2, dask=None), search.teacher_folder)[0].trial == TRIALS[0]


def test_without_a_cluster_as_many_trials_run_as_there_are_processes():
    assert [jobs_at_once(Fan(workers)) for workers in (1, 3)] == [1, 3]


def test_a_scheduler_without_workers_is_one_message(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("xgaze.jobs.WAIT_SECONDS", 0.2)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(InputError) as caught:
            jobs_at_once(Fan(dask=address))
    assert str(caught.value) == (
        f"--dask {address}: the scheduler has no workers, and none came within 0.2 s. "
        f"Start some where they see this folder: dask worker {address}."
    )


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no-port", "nothing://here:1"])
def test_a_scheduler_that_does_not_answer_is_one_message(small, address):
    pytest.importorskip("distributed")
    search, _ = small
    shutil.rmtree(search.bench.folder / "trials", ignore_errors=True)
    with pytest.raises(InputError, match="no scheduler answers there"):
        run_all(search.bench, TRIALS, Fan(dask=address), search.teacher_folder)
