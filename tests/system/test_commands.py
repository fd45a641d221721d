"""The commands end to end, as a user types them, on a small rendered recording."""

import json
import re
import shutil

import pandas as pd
import pytest
import torch


@pytest.fixture(scope="module")
def run(tmp_path_factory, shell_in, here_in):
    """Teacher, student and explanation of the tiny recipe, made once, the teacher by a process of its own; then a shell here."""
    outside = shell_in(tmp_path_factory.mktemp("run"))
    shell = here_in(outside)
    figures = {
        "teacher": outside.json("train-teacher", "tiny.yaml"),
        "student": shell.json("distill", "--prune-fc", "--effort", "quick", "tiny.yaml", "--max-worse", "5%"),
        "explain": shell.json("explain", "tiny.yaml", "--sample", "3", "--sample", "P000000/0/0"),
    }
    return shell, figures


def test_train_teacher_says_all_it_should(run):
    _, figures = run
    teacher = figures["teacher"]
    assert {
        "recipe",
        "model_dir",
        "parameters",
        "fc_parameters",
        "participants",
        "error",
        "baselines",
        "train_seconds",
    } <= set(teacher)
    assert teacher["participants"] == {"train": 12, "validation": 8, "test": 8}
    error = teacher["error"]
    assert error["unit"] == "px" and error["low"] < error["mean"] < error["high"]
    assert set(teacher["baselines"]) == {"mean gaze", "pixel ridge 8x8"}


def test_distill_says_all_it_should(run):
    _, figures = run
    student = figures["student"]
    wanted = {"teacher", "student", "difference_percent", "budget_percent", "budget_met", "fc_reduction"}
    assert wanted | {"parameter_reduction", "latency_ratio", "model_dir"} <= set(student)
    keys = {"parameters", "fc_parameters", "macs", "bytes", "error", "latency_ms", "onnx_bytes", "onnx_parity"}
    assert keys <= set(student["student"])
    assert set(student["student"]["latency_ms"]) == {"median", "p95"}
    assert student["budget_percent"] == 5.0 and student["student"]["onnx_parity"] <= 1e-5
    assert student["fc_reduction"] > 5


def test_explain_writes_one_report(run):
    shell, figures = run
    explained = figures["explain"]
    assert explained["samples"] == ["P000000/0/3", "P000000/0/0"]
    page = shell.folder / explained["report"]
    assert page.stat().st_size == explained["report_bytes"] < 1_500_000
    text = page.read_text()
    assert "default-src 'none'" in text and "rendered" in text.lower()
    assert explained["methods"]["integrated gradients"] >= 0


def test_no_artefact_is_a_pickle(run):
    shell, _ = run
    suffixes = {p.suffix for p in (shell.folder / "checkpoints").rglob("*") if p.is_file()}
    assert suffixes == {".json", ".safetensors", ".csv", ".onnx", ".npy", ".npz", ".md"}
    for path in (shell.folder / "checkpoints").rglob("*.safetensors"):
        assert not path.read_bytes()[:4].startswith((b"PK\x03\x04", b"\x80\x02"))


def test_a_finished_command_prints_its_result_again(run):
    shell, figures = run
    card = shell.folder / "checkpoints" / "tiny" / "student" / "model.json"
    written = card.stat().st_mtime_ns
    out, err = shell("train-teacher", "tiny.yaml", "--json")
    assert json.loads(out) == figures["teacher"] and "--force" in err
    assert (
        shell.json("distill", "--prune-fc", "--effort", "quick", "tiny.yaml", "--max-worse", "5") == figures["student"]
    )
    assert shell.json("explain", "tiny.yaml", "--sample", "3", "--sample", "P000000/0/0") == figures["explain"]
    assert card.stat().st_mtime_ns == written


def test_words_name_units_interval_place_and_next_command(run):
    shell, _ = run
    out, _ = shell("train-teacher", "tiny.yaml")
    assert "95 % interval over participants" in out and "rendered eyes" in out
    assert "Lies in: checkpoints/tiny/teacher" in out and "Next:    xgaze distill tiny.yaml" in out


def test_the_report_is_rebuilt_without_computing(run):
    shell, figures = run
    page = shell.folder / figures["explain"]["report"]
    before = page.read_bytes()
    page.unlink()
    shell("report", "tiny.yaml")
    assert page.read_bytes() == before


def test_predict_reads_the_rendered_folder_format(run, tmp_path):
    shell, _ = run
    out = shell.json(
        "render", str(tmp_path / "eyes"), "--people", "2", "--frames", "2", "--height", "64", "--width", "80"
    )
    assert shell.json("check", out["definition"]) == {"ok": True, "faults": []}
    shell("predict", "checkpoints/tiny/student", out["definition"], "--out", str(tmp_path / "predictions.csv"))
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert len(table) == 12 and table["error_px"].notna().all()


def test_a_check_that_fails_lists_faults_and_exits_2(run, tmp_path):
    shell, _ = run
    shell("render", str(tmp_path / "eyes"), "--people", "2", "--frames", "3", "--height", "64", "--width", "80")
    removed = next((tmp_path / "eyes" / "test").rglob("2_3.png"))
    removed.unlink()
    out, _ = shell("check", str(tmp_path / "eyes" / "recording.yaml"), code=2)
    session = removed.parent.relative_to(tmp_path / "eyes")
    assert f"{session} frame 2: eye3 missing (2_3.png); 3 of 4 views found." in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train-teacher", "tiny.yaml", "--set", "training.epoch=3"), "did you mean 'epochs'?"),
        (("train-teacher", "no-such"), "no recipe 'no-such'"),
        (("train-teacher", "tiny.yaml", "--set", "seed=9"), "holds a teacher of other settings"),
        (("train-teacher", "heatmap-cnn"), "key 'data.path' is missing"),
        (("distill", "tiny.yaml", "--set", "seed=9"), "holds a student of other settings"),
        (("distill", "tiny.yaml", "--set", "distill.max_worse_percent=.nan"), "should be a finite number"),
        (("distill", "tiny.yaml", "--max-params", "0"), "--max-params"),
        (("distill", "tiny.yaml", "--effort", "some"), "--effort"),
        (("distill", "--prune-fc", "tiny.yaml", "--max-worse", "lots"), "not a percentage"),
        (("distill", "--prune-fc", "multi-eye"), "Run `xgaze train-teacher` first"),
        (("explain", "tiny.yaml", "--sample", "999"), "no such test sample"),
        (("explain", "tiny.yaml", "--sample", "<b>" * 99), "or one of worst, best, disagree"),
        (("explain", "tiny.yaml", "--samples", "40"), "the test set holds 32"),
        (("explain", "tiny.yaml", "--over", "1"), "nor a number from 2 on"),
        (("predict", "pickled", "x", "--out", "y.csv"), "never opens"),
        (("check", "nothing.yaml"), "no such file"),
    ],
)
def test_bad_input_gets_one_message_and_exit_code_2(run, words, message):
    shell, _ = run
    pickled = shell.folder / "pickled"
    pickled.mkdir(exist_ok=True)
    torch.save({}, pickled / "model.pt")
    out, err = shell(*words, code=2)
    assert message in err and not out and "Traceback" not in err
    assert not (shell.folder / "y.csv").exists()


@pytest.mark.parametrize(
    "command", ["train-teacher", "distill", "explain", "check", "predict", "report", "compare", "render"]
)
def test_every_command_has_help_with_an_example(run, command):
    shell, _ = run
    out, _ = shell(command, "--help")
    assert "Example:" in out and f"xgaze {command}" in out


def test_a_budget_that_nothing_meets_names_the_nearest_and_leaves_its_table(run, here_in, tmp_path):
    shell, _ = run
    shutil.copytree(shell.folder / "checkpoints", tmp_path / "checkpoints")
    student = tmp_path / "checkpoints" / "tiny" / "student"
    before = (student / "budget.csv").read_bytes()
    elsewhere = here_in(shell, tmp_path)
    out, err = elsewhere("distill", "--prune-fc", "--effort", "quick", "tiny.yaml", "--max-params", "10", code=2)
    assert re.search(r"keeps --max-params 10; the nearest, rank \d, separable filters with 1 term, has ", err)
    assert not out and "Traceback" not in err
    assert not pd.read_csv(student / "tried.csv")["chosen"].any()
    # The student that was there stays whole, with the table that it was chosen from.
    assert (student / "budget.csv").read_bytes() == before and (student / "model.json").is_file()
    page = elsewhere.json("explain", "tiny.yaml", "--sample", "3", "--over", "0")["report"]
    assert "Students tried" in (tmp_path / page).read_text()


def test_calibrating_scores_both_models_on_the_same_frames_and_a_persons_map_is_applied(run, here_in, tmp_path):
    shell, _ = run
    shutil.copytree(shell.folder / "checkpoints", tmp_path / "checkpoints")
    elsewhere = here_in(shell, tmp_path)
    scored = len(json.loads((tmp_path / "checkpoints/tiny/scorings.json").read_text()))
    rows = elsewhere.json("calibrate", "tiny.yaml", "--points", "1", "3")["rows"]
    assert [(one["model"], one["points"]) for one in rows] == [
        ("teacher", 1),
        ("teacher", 3),
        ("student", 1),
        ("student", 3),
    ]
    assert rows[0]["before_mean"] == rows[1]["before_mean"] and rows[0]["people"] == 8
    assert (
        "worse_after_percent_mean" in rows[2] and "worse_after_percent_mean" not in rows[0]
    )  # no NaN, which is no JSON
    assert len(json.loads((tmp_path / "checkpoints/tiny/scorings.json").read_text())) == scored + 1
    page = elsewhere.json("report", "tiny.yaml")["report"]
    assert "Once the person is known" in (tmp_path / page).read_text()
    _, err = elsewhere("calibrate", "tiny.yaml", "--points", "4", code=2)
    assert "at most 3 points (--points)" in err and "16 of" not in err
    _, err = elsewhere("calibrate", "tiny.yaml", "--person", "anna.yaml", code=2)
    assert "--person and --out go together" in err


def test_distilling_names_a_next_command_that_works(run):
    shell, _ = run
    out, _ = shell("distill", "--prune-fc", "--effort", "quick", "tiny.yaml", "--max-worse", "5")
    assert out.rstrip().endswith("Next:    xgaze explain --samples 3 tiny.yaml")
