"""A small finished run, made in this process: the teacher by its command, the rest, which takes minutes, as commands write it."""

import contextlib
import io
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from xgaze.artifacts import file_hash, hashes_of, read_card, write_card, write_json
from xgaze.cli.main import main
from xgaze.compression.result import TABLES
from xgaze.recipe import Recipe, load_recipe

RECIPE = """
name: small
data:
  source: rendered
  height: 40
  width: 40
  train_participants: 4
  validation_participants: 3
  test_participants: 3
  frames_per_participant: 2
model:
  name: multi-eye
  args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false, embedding: 4, hidden: 4}
training: {epochs: 1, batch_size: 8, loss: euclidean, precision: 32-true}
explain: {steps: 8, sweep_points: 3, over_people: 2}
"""
BUDGET = """\
method,rank,terms,towers_share,coarse_input,others,stage,teaching,epochs,seed,parameters,parameter_reduction,fc_parameters,\
fc_reduction,macs,bytes,latency_ms,seconds,against,validation_score,worse_unit,worse_percent_mean,worse_percent_low,\
worse_percent_high,chosen
xgaze,1,,1.0,False,,no training,recipe,0,0,452,1.5,8,1.25,8662,3200,,0.1,teacher,200.0,%,10.0,5.0,20.0,False
xgaze,2,1.0,1.0,False,,head tuned,recipe,2,0,458,1.4,14,1.25,8668,3224,1.5,0.2,teacher,190.0,%,0.0,-1.0,1.0,True
"""
SPECTRA, MEASURES = ("singular_share", "output_share", "active_share"), ("effective_rank", "participation_ratio")
COMPONENTS = ("weight", "output", "active_subspace", "prediction")
NO_SECTION = ("regions", "layers", "embedding", "sweep_mean", "decision", "agreement", "anatomy", "human")
DIFFERENCES = ("difference_percent", "difference_from_teacher_percent", "control_difference_from_teacher_percent")


@dataclass(frozen=True)
class Ended:
    """A command that came to an end as it should: with an exit code, not with an exception."""

    code: int
    out: str
    err: str


def run(*words: str) -> Ended:
    """`xgaze` with these words, here and now. Whatever is no exit comes through as the fault that it is."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["xgaze", *words]):
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as stopped:
            return Ended(int(stopped.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("main ended without an exit code")


def make_run(folder: Path) -> None:
    """Teacher, student, explanation and cross validation of the recipe `small.yaml` in an empty folder."""
    (folder / "small.yaml").write_text(RECIPE)
    with contextlib.chdir(folder):
        ended = run("train-teacher", "small.yaml")
        assert ended.code == 0, ended.err
    root = folder / "checkpoints" / "small"
    _write_student(root, load_recipe(str(folder / "small.yaml")))
    _write_explanation(root / "explanation")
    write_json(root / "crossval" / "crossval.json", _crossval(read_card(root / "teacher").recipe_hash))


def _write_student(root: Path, recipe: Recipe) -> None:
    shutil.copytree(root / "teacher", root / "student")
    teacher = read_card(root / "teacher")
    sizes = {key: teacher.metrics[key] for key in ("parameters", "fc_parameters", "macs", "bytes", "error")}
    time = {"median": 1.0, "p95": 2.0}
    measured = {**sizes, "latency_ms": time, "onnx_bytes": 9000, "onnx_parity": 1e-7}
    interval = {"mean": 0.0, "low": -1.0, "high": 1.0}
    int8 = {
        "bytes": 3000,
        "latency_ms": time,
        "form": "all",
        "note": "",
        "tried": [],
        "worse_than_reference_percent": interval,
    }
    metrics = {
        "teacher": measured,
        "student": {**measured, "int8": int8},
        "control": {"error": sizes["error"]},
        "reference": "teacher",
        **dict.fromkeys(DIFFERENCES, interval),
        "budget_percent": 2.0,
        **dict.fromkeys(("budget_met", "held_on_validation"), True),
        "teacher_weights": file_hash(root / "teacher" / "model.safetensors"),
        "reason": "the smallest",
        "macro_f1": None,
        "labels_only": None,
        "test_participants": 3,
        **dict.fromkeys(("int8_file_reduction", "fc_reduction", "parameter_reduction", "latency_ratio"), 3.0),
    }
    (root / "student" / "budget.csv").write_text(BUDGET)
    capacity = {
        "layer": "head.embedding",
        "in_features": 4,
        "out_features": 2,
        **{key: [0.75, 0.25] for key in SPECTRA},
        **dict.fromkeys(MEASURES, 1.1),
        "components_99": dict.fromkeys(COMPONENTS, 2),
        **dict.fromkeys(("expected_rank", "chosen_rank", "chosen_terms"), 2),
        "sensitivity": [],
    }
    write_json(root / "student" / "capacity.json", capacity)
    shutil.copy(root / "student" / "predictions.csv", root / "student" / "control_predictions.csv")
    metrics |= hashes_of(root / "student", [name for name in TABLES if (root / "student" / name).is_file()])
    card = replace(teacher, role="student", recipe_hash=recipe.student_hash(), metrics=metrics)
    write_card(root / "student", card)


def _write_explanation(folder: Path) -> None:
    by_target = {role: {"error": 1.0} for role in ("teacher", "student")}
    share = {role: {"error": {"eye0": 100.0}} for role in by_target}
    sample = {"id": "P000000/0/0", "completeness_percent": by_target, "share_percent": share}
    line = {"variable": 0, "values": [0.0, 1.0], "x_px": [1.0, 2.0], "y_px": [1.0, 2.0], "reach_px": 3.0}
    found = {"method": "integrated gradients", "steps": 8, "targets": ["error"], "target_unit": "px"}
    stored = {
        "key": "0" * 12,
        "attribution": {**found, "samples": [sample]},
        "methods": [],
        "sweep": {"variables": [line]},
    }
    write_json(folder / "explanation.json", {**stored, **dict.fromkeys(NO_SECTION)})
    np.savez(folder / "maps.npz", **{"0/image/eye0": np.zeros((4, 4), np.uint8)})


def _crossval(recipe_hash: str) -> dict[str, Any]:
    score = {"unit": "px", "mean": 100.0, "median": 90.0, "low": 80.0, "high": 120.0}
    return {
        "recipe": "small",
        "settings": {"recipe_hash": recipe_hash, "outer": 2, "inner": 1, "seeds": 1, "protocol": "nested"},
        "clean": True,
        "estimate": "clean",
        "folds": 2,
        **dict.fromkeys(("participants_tested", "participants", "samples", "seconds"), 10),
        "never_tested": [],
        "rendered": True,
        "groups": "participants",
        "score": score,
        "baselines": {"mean gaze": score},
        "scores_of_seeds": [100.0],
        "confusion": None,
        "permutation": None,
        **{key: [] for key in ("measures", "per_participant", "per_fold", "history")},
    }
