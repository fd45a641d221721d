"""Every file of a trial's folder, damaged in every way: what is damaged is computed again, and all is as it was."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import open_bench
from xgaze.compression.search.trial import Trial, ended_trial, latency_ms, run_trial, trial_folder
from xgaze.compression.student import load_model
from xgaze.training.teacher import train_teacher

HEAD, WHOLE = Trial(Plan(rank=2)), Trial(Plan(rank=2), "whole")
TUNING = ("best.safetensors", "last.safetensors", "fitted.json", "history.csv")


@pytest.fixture(scope="module")
def bench(tmp_path_factory, gaze_recording):
    """With a head and a whole student that are done, the latter exported and timed."""
    from xgaze.recipe import Recipe

    stored = {
        "name": "toy",
        "data": {"source": "rendered"},
        "model": {
            "name": "multi-eye",
            "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False, "hidden": 8},
        },
        "training": {"epochs": 1, "batch_size": 24, "precision": "32-true", "loss": "euclidean"},
        "distill": {"tuning_epochs": 1, "calibration_samples": 12, "end_to_end_epochs": 1},
    }
    recipe, folder = Recipe.model_validate(stored), tmp_path_factory.mktemp("damaged") / "toy"
    train_teacher(recipe, gaze_recording, folder / "teacher")
    found = open_bench(recipe, gaze_recording, load_model(folder / "teacher")[0], folder / "student")
    assert latency_ms(found, run_trial(found, HEAD)) is None and latency_ms(found, run_trial(found, WHOLE)) > 0
    return found


def damages_of(file: Path) -> dict[str, bytes | None]:
    """Damaged contents by name; None: no such file."""
    content = file.read_bytes()
    damages: dict[str, bytes | None] = {
        "gone": None,
        "empty": b"",
        "half": content[: len(content) // 2],
        "short of a byte": content[:-1] if file.suffix != ".json" else content[:-3],
        "garbage": bytes(range(256)) * 4,
        "of another": b"\x00" + content[1:],
    }
    if file.suffix == ".json":
        stored = json.loads(content)
        wrong = {"nan": float("nan"), "text": "x", "null": None, "negative": -1}
        for what, value in wrong.items():
            damages[f"all {what}"] = json.dumps(dict.fromkeys(stored, value)).encode()
        damages |= {"list": b"[]", "mapping": b"{}", "deep": b"[" * 100_000}
    return damages


def filled_with_nan(file: Path) -> None:
    """The same arrays of the same shapes, without a number in them."""
    if file.suffix == ".npy":
        np.save(file, np.full_like(np.load(file), np.nan))
    else:
        tensors = load_file(file)
        save_file({name: tensor.float() * float("nan") for name, tensor in tensors.items()}, file)


def made_again(bench, trial, file, damages):
    """The trial must come out as it was, whatever is made of the file."""
    before = run_trial(bench, trial)
    for what, content in damages.items():
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        again = run_trial(bench, trial)
        assert np.array_equal(again.outputs, before.outputs), what
        assert replace(again, outputs=before.outputs, seconds=before.seconds) == before, what
        assert ended_trial(bench, trial) is not None, what
        yield again


@pytest.mark.parametrize("name", ["trial.json", "outputs.npy", "model.safetensors"])
def test_what_a_trial_stored_is_made_again_where_it_is_damaged(bench, name):
    file = trial_folder(bench, HEAD) / name
    whole = file.read_bytes()
    for _ in made_again(bench, HEAD, file, damages_of(file)):
        assert name == "trial.json" or file.read_bytes() == whole


@pytest.mark.parametrize("name", ["model.onnx", "latency.json"])
def test_a_time_is_measured_again_on_a_file_exported_again(bench, name):
    file = trial_folder(bench, WHOLE) / name
    damages = damages_of(file)
    few = damages if name == "latency.json" else {what: damages[what] for what in ("gone", "half")}
    for again in made_again(bench, WHOLE, file, few):
        assert latency_ms(bench, again) > 0 and json.loads((file.parent / "latency.json").read_text())["median"] > 0
        assert len(file.read_bytes()) > 30


def test_a_damaged_file_that_a_later_budget_of_time_needed_is_exported_again(bench):
    wanted = bench.recipe.distill.model_copy(update={"max_latency_ms": 1000.0})
    timed = replace(bench, recipe=bench.recipe.model_copy(update={"distill": wanted}))
    done, folder = run_trial(timed, HEAD), trial_folder(bench, HEAD)
    (folder / "model.onnx").write_bytes(b"\x08")
    assert latency_ms(timed, done) > 0 and (folder / "model.onnx").stat().st_size > 1000


@pytest.mark.parametrize("name", ["outputs.npy", "model.safetensors"])
def test_numbers_that_are_none_are_computed_again(bench, name):
    file = trial_folder(bench, HEAD) / name
    whole = file.read_bytes()
    filled_with_nan(file)
    assert ended_trial(bench, HEAD) is None
    run_trial(bench, HEAD)
    assert file.read_bytes() == whole


def test_outputs_of_fewer_samples_are_computed_again(bench):
    file = trial_folder(bench, HEAD) / "outputs.npy"
    whole = file.read_bytes()
    np.save(file, np.load(file)[:-1])
    assert ended_trial(bench, HEAD) is None
    assert len(run_trial(bench, HEAD).outputs) == len(bench.validation) and file.read_bytes() == whole


@pytest.mark.parametrize("name", TUNING)
def test_a_trial_is_done_again_whatever_of_its_tuning_is_damaged(bench, name):
    before, folder = run_trial(bench, HEAD), trial_folder(bench, HEAD)
    file = folder / "tuning" / name
    for what, content in damages_of(file).items():
        (folder / "trial.json").unlink()
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        assert np.array_equal(run_trial(bench, HEAD).outputs, before.outputs), what


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_a_tuning_state_without_a_number_is_begun_anew(bench, name):
    before, folder = run_trial(bench, HEAD), trial_folder(bench, HEAD)
    (folder / "trial.json").unlink()
    filled_state_with_nan(folder / "tuning" / name)
    assert np.array_equal(run_trial(bench, HEAD).outputs, before.outputs)


def filled_state_with_nan(file: Path) -> None:
    """The same structure."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as stored:
        structure, names = stored.metadata(), list(stored.keys())
        tensors = {name: stored.get_tensor(name).float() * float("nan") for name in names}
    save_file(tensors, file, structure)


def test_embeddings_without_a_number_or_of_other_people_are_collected_again(bench, gaze_recording):
    file = bench.folder / "embeddings" / f"{bench.layer}.input.validation.npy"
    whole, recipe = file.read_bytes(), bench.recipe
    for what, content in damages_of(file).items():
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        open_bench(recipe, gaze_recording, bench.teacher, bench.folder)
        assert file.read_bytes() == whole, what
    values = np.load(file)
    values[3] = np.nan
    np.save(file, values)
    open_bench(recipe, gaze_recording, bench.teacher, bench.folder)
    assert file.read_bytes() == whole
