"""A realistic report.json with maps, for gaze and for classes; `rich` adds every key that `xgaze explain` can store."""

import numpy as np
import pytest

from xgaze.report import figures, figures_inside, figures_sample, figures_trust
from xgaze.report.svg import Chart

UNITS = {"gaze": "px", "class": "AUC"}


def error(mean, unit):
    return {"unit": unit, "mean": mean, "median": mean * 0.9, "low": mean * 0.95, "high": mean * 1.05}


def size(unit, mean, scale):
    return {
        "parameters": 1_137_186 // scale,
        "fc_parameters": 794_946 // scale,
        "macs": 234_451_200,
        "bytes": 4_552_784 // scale,
        "onnx_bytes": 4_631_148 // scale,
        "onnx_parity": 1.7e-7,
        "latency_ms": {"median": 3.37, "p95": 4.16},
        "error": error(mean, unit),
        "train_seconds": 400.0,
    }


def attribution(inputs, targets, unit, point):
    per = {model: dict.fromkeys(targets, 0.5) for model in ("teacher", "student")}
    shares = {model: {t: {one: 100 / len(inputs) for one in inputs} for t in targets} for model in per}
    sample = {
        "id": "P000001/0/5",
        "participant": "P000001",
        "truth": point,
        "teacher_prediction": point,
        "student_prediction": point,
        "completeness_percent": per,
        "share_percent": shares,
        "explained": {model: dict.fromkeys(targets, -71.9) for model in per},
    }
    return {
        "method": "integrated gradients",
        "steps": 50,
        "baseline": "mean training image",
        "targets": targets,
        "target_unit": unit,
        "samples": [sample],
    }


def make(task):
    gaze, unit = task == "gaze", UNITS[task]
    inputs = ["eye0", "eye1"] if gaze else ["image"]
    targets = ["gaze x", "error"] if gaze else ["class ASD"]
    good = 31.2 if gaze else 0.81
    rng = np.random.default_rng(0)
    variable = (
        {"x_px": [10.0, 20.0], "y_px": [5.0, 6.0], "reach_px": 10.0} if gaze else {"score": [0.1, 0.9], "reach": 0.8}
    )
    point = [412.0, 301.0] if gaze else "ASD"
    teacher, student = size(unit, good, 1), size(unit, good * 1.01, 21)
    student.pop("train_seconds")
    report = {
        "schema": 1,
        "recipe": {"name": "toy", "hash": "0123456789ab", "seed": 0, "settings": {"name": "toy"}},
        "task": task,
        "rendered": gaze,
        "scene": [800, 600] if gaze else None,
        "classes": [] if gaze else ["TD", "ASD"],
        "inputs": [{"name": name, "shape": [1, 24, 30]} for name in inputs],
        "score": {
            "unit": unit,
            "name": "mean Euclidean error" if gaze else "area under the ROC curve",
            "higher_is_better": not gaze,
        },
        "participants": {"train": 600, "validation": 60, "test": 20},
        "samples": {"train": 7200, "validation": 720, "test": 240},
        "teacher": teacher,
        "student": student,
        "control": {"name": "teacher given the same extra tuning", "error": error(good * 0.99, unit)},
        "reference": "control",
        "difference_percent": {"mean": 1.234, "low": -0.5, "high": 2.9},
        "teacher_tuning_gain_percent": 1.0,
        "budget_percent": 2.0,
        "budget_met": False,
        "fc_reduction": 21.23,
        "parameter_reduction": 2.86,
        "latency_ratio": 1.03,
        "int8_file_reduction": 12.0,
        "labels_only": None,
        "reason": "the smallest whose upper bound is at most 2 %",
        "baselines": [{"name": "mean gaze", "error": error(242.3 if gaze else 0.5, unit)}],
        "surgeries": [
            {"kind": "fold", "layer": "head.embedding", "into": "head.hidden", "proof": proof()},
            {"kind": "low_rank", "layer": "head.embedding", "rank": 6, "weighting": "variance", "proof": proof()},
        ],
        "per_participant": [
            {"participant": f"P{k:06d}", "samples": 12, "teacher": 20.0 + k, "student": 21.0 + k, "difference": 1.0}
            for k in range(20)
        ],
        "candidates": [
            {
                "rank": rank,
                "stage": stage,
                "against": "teacher",
                "terms": None if rank == 3 else 2,
                "method": "xgaze",
                "towers_share": 1.0,
                "coarse_input": False,
                "parameters": 340_000 + 6000 * rank,
                "parameter_reduction": 3.2,
                "latency_ms": None,
                "fc_parameters": 6000 * rank,
                "fc_reduction": 130 / rank,
                "error": good,
                "difference_percent": {"mean": 9.0 / rank, "low": 8.0 / rank, "high": 10.0 / rank},
                "chosen": rank == 6 and stage == "head tuned",
            }
            for rank in (3, 6)
            for stage in ("no training", "head tuned")
        ],
        "capacity": {
            "layer": "head.embedding",
            "in_features": 6144,
            "out_features": 64,
            **{key: (0.5 ** np.arange(1, 65)).tolist() for key in ("singular_share", "output_share", "active_share")},
            "components_99": {"weight": 33, "output": 8, "prediction": 4, "active_subspace": 4},
            "effective_rank": 3.7,
            "participation_ratio": 2.9,
            "expected_rank": 4,
            "chosen_rank": 6,
            "chosen_terms": 2,
        },
        "sweep": {
            "sample_id": "P000001/0/5",
            "layer": "head.embedding",
            "prediction": point,
            "truth": point,
            "variables": [{"variable": 7, "values": [-1.0, 1.0], **variable}],
        },
        "attribution": attribution(inputs, targets, "px" if gaze else "logit", point),
        "regions": [
            {"model": model, "target": targets[-1], "region": region, "share_percent": 40.0, "area_percent": 5.0}
            for model in ("teacher", "student")
            for region in ("pupil", "iris")
        ]
        if gaze
        else None,
        "provenance": {
            "created_with": {"xgaze": "0.1.0", "torch": "2.13.0"},
            "seed": 0,
            "recipe_hash": "0123456789ab",
            "split": "by participant",
            "device": "cpu",
        },
        "commands": ["xgaze train-teacher toy"],
    }
    maps = {f"0/image/{name}": rng.integers(0, 255, (1, 24, 30), dtype=np.uint8) for name in inputs}
    for model in ("teacher", "student"):
        for target in targets:
            for name in inputs:
                maps[f"0/{model}/{target}/{name}"] = rng.normal(0, 0.1, (24, 30)).astype(np.float32)
    return report, maps


def proof():
    return {
        "kind": "largest change of the output",
        "value": 3e-7,
        "limit": 1e-5,
        "unit": "fraction of the largest output",
    }


REGIONS = {"pupil": 3.1, "iris": 9.8, "glint": 0.3, "sclera": 14.2, "skin": 66.0, "lash": 6.6}
METHODS = ("saliency", "input x gradient", "integrated gradients", "GradientShap", "Grad-CAM", "occlusion", "DeepLift")
RANKINGS = ["permutation", "ablation with refit", "integrated gradients", "random forest", "random"]


def interval(mean, half=None):
    half = abs(mean) * 0.12 + 0.02 if half is None else half
    return {"mean": mean, "low": mean - half, "high": mean + half}


def methods():
    rows = []
    for role in ("teacher", "student"):
        for k, name in enumerate(METHODS):
            refused = name == "DeepLift"
            checked = name in ("integrated gradients", "GradientShap", "DeepLift")
            rows.append(
                {
                    "name": name,
                    "role": role,
                    "offered": not refused,
                    "completeness_percent": (177.4 if refused else 0.4 + 0.7 * k) if checked else None,
                    "randomised_similarity": None if refused else 0.02 * k,
                    "reason": "177.4 % of the output change is not attributed (limit 5 %)" if refused else None,
                    "milliseconds": 30.0 + 400 * k,
                }
            )
    return rows


def agreement(unit):
    pairs = (("student", "result", 0.58), ("untrained student", "floor", 0.01), ("second teacher", "ceiling", 0.71))
    curves = (("teacher", 88.0, 31.0), ("student", 84.0, 33.5), ("random order", 52.0, 51.0))
    return {
        "samples": 160,
        "participants": 20,
        "target": "error",
        "unit": unit,
        "rows": [
            {"pair": pair, "role": role, "spearman": interval(rho, 0.04), "top_iou": interval(rho / 2 + 0.02, 0.03)}
            for pair, role, rho in pairs
        ],
        "curves": [
            {"model": model, "deletion": interval(one, 6), "insertion": interval(other, 4)}
            for model, one, other in curves
        ],
    }


def anatomy(unit):
    rows, differences = [], []
    shares = {"pupil": 31.0, "iris": 24.0, "glint": 12.0, "sclera": 11.0, "skin": 15.0, "lash": 7.0}
    for region, area in REGIONS.items():
        for model, factor in (("teacher", 1.0), ("student", 0.9)):
            mass = shares[region] * factor
            figures = {
                "mass_percent": interval(mass),
                "density": interval(mass / area),
                "deletion": interval(mass * 1.3),
                "error_growth": interval(mass * 0.9) if unit == "px" else None,
            }
            rows.append({"model": model, "region": region, "area_percent": area, **figures})
        lost = {"mass_percent": interval(-0.1 * shares[region], 1.2), "deletion": interval(-0.13 * shares[region], 2)}
        differences.append({"region": region, **lost})
    return {
        "samples": 160,
        "participants": 20,
        "target": "error",
        "unit": unit,
        "rows": rows,
        "differences": differences,
    }


def layers():
    kinds = [(f"towers.eye{k}.conv{j}", "Conv2d", 9_000 * j, 18e6 / j, 7.5 / j) for k in range(4) for j in (1, 2, 3)]
    kinds += [("head.embedding", "Linear", 786_496, 786_432, 1.1), ("head.output", "Linear", 8450, 8400, 0.1)]
    return [
        {
            "model": model,
            "layer": layer,
            "kind": kind,
            "parameters": parameters // (1 if model == "teacher" or kind == "Conv2d" else 20),
            "macs": int(macs),
            "bytes": 4 * parameters,
            "latency_percent": share,
        }
        for model in ("teacher", "student")
        for layer, kind, parameters, macs, share in kinds
    ]


def embedding(unit):
    rng = np.random.default_rng(1)
    what = (("gaze x", "px"), ("gaze y", "px"), ("pupil centre x", "px"), ("pupil size", "px"), ("lid opening", "%"))
    pairs = [(a, b) for k, a in enumerate(RANKINGS) for b in RANKINGS[k + 1 :]]
    worth = np.sort(rng.gamma(0.7, 6, 64))[::-1]
    return {
        "layer": "head.embedding",
        "measures": {"effective rank": 3.71, "participation ratio": 2.94, "components for 99 %": 8, "active rank": 4},
        "cka": interval(0.93, 0.02),
        "probes": [
            {
                "model": model,
                "what": name,
                "unit": own,
                "score": interval(4.0 + 3 * k + (model == "student")),
                "r2": 0.98 - 0.15 * k - 0.04 * (model == "student"),
            }
            for k, (name, own) in enumerate(what)
            for model in ("teacher", "student")
        ],
        "importance": {
            "methods": RANKINGS,
            "rows": [
                {"variable": k, **{one: float(worth[k] * rng.uniform(0.7, 1.3)) for one in RANKINGS}} for k in range(64)
            ],
            "agreement": [
                {"a": a, "b": b, "spearman": 0.03 if "random" in (a, b) else 0.5 + 0.06 * k}
                for k, (a, b) in enumerate(pairs)
            ],
            "ties": {"permutation": 0, "random forest": 12},
            "refit": [
                {"kept": kept, "order": order, "error": 20 + (220 if order == "random" else 90 + 9 * k) / kept}
                for k, order in enumerate(RANKINGS)
                for kept in (1, 2, 4, 8, 16, 32, 64)
            ],
        },
    }


def mean_path(task, k):
    """How far the prediction moves along one variable; the strongest first."""
    way = np.linspace(-40, 40, 11) / (k + 1)
    moved = (
        {"x_px": way.tolist(), "y_px": (way * (-1) ** k / 2).tolist()} if task == "gaze" else {"score": way.tolist()}
    )
    return {"variable": k, "values": way.tolist(), **moved}


def eye(height, width, rng):
    """A drawn eye: skin, sclera, iris, pupil, glint."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1.25 : 1.25 : width * 1j]
    cx, cy = rng.uniform(-0.2, 0.2, 2)
    picture = 150 + 25 * y + rng.normal(0, 4, (height, width))
    picture[(x / 1.0) ** 2 + (y / 0.6) ** 2 < 1] = 205
    picture[(x - cx) ** 2 + (y - cy) ** 2 < 0.2] = 110
    picture[(x - cx) ** 2 + (y - cy) ** 2 < 0.04] = 30
    picture[(x - cx - 0.12) ** 2 + (y - cy + 0.1) ** 2 < 0.003] = 250
    ring = np.exp(-(((x - cx) ** 2 + (y - cy) ** 2 - 0.12) ** 2) / 0.01)
    return picture.clip(0, 255).astype(np.uint8)[None], ring * np.sin(9 * (x - cx))


def add_explanation(report, maps, inputs):
    """Every key of the contract, and maps of two more methods."""
    found, unit = report["attribution"], report["attribution"]["target_unit"]
    targets, sample = found["targets"], report["attribution"]["samples"][0]
    models = ("teacher", "student")
    worth = {t: {name: (-1) ** k * 30.0 / (k + 1 + j) for k, name in enumerate(inputs)} for j, t in enumerate(targets)}
    sample["shapley"] = dict.fromkeys(models, worth)
    rng = np.random.default_rng(2)
    sample["conductance"] = {"teacher": rng.normal(0, 9, 64).tolist(), "student": rng.normal(0, 9, 6).tolist()}
    for model in models:
        for name in inputs:
            for method in ("occlusion", "Grad-CAM"):
                maps[f"0/{model}/{targets[-1]}/{name}/{method}"] = rng.normal(0, 0.1, (12, 15)).astype(np.float32)
    reach = "reach_px" if report["task"] == "gaze" else "reach"
    report.update(
        methods=methods(),
        agreement=agreement(unit),
        anatomy=anatomy(unit),
        layers=layers(),
        embedding=embedding(unit),
        sweep_mean={
            "samples": 64,
            "variables": [{"variable": k, reach: 80.0 / (k + 1)} for k in range(64)],
            "paths": [mean_path(report["task"], k) for k in range(10)],
        },
        decision="Keep rank 6 with 2 outer products per filter: 31.5 px on unseen people, +1.2 % against the teacher.",
    )


def make_rich(task, size_px=(24, 30), cameras=2):
    """As `make`, with drawn eyes and everything that can be there."""
    report, maps = make(task)
    inputs = [f"eye{k}" for k in range(cameras)] if task == "gaze" else ["image"]
    report["inputs"] = [{"name": name, "shape": [1, *size_px]} for name in inputs]
    targets = ["gaze x", "gaze y", "error"] if task == "gaze" else ["class ASD"]
    unit, sample = report["attribution"]["target_unit"], report["attribution"]["samples"][0]
    report["attribution"] = attribution(inputs, targets, unit, sample["truth"])
    rng, maps = np.random.default_rng(3), {}
    for name in inputs:
        maps[f"0/image/{name}"], ring = eye(*size_px, rng)
        for model in ("teacher", "student"):
            for target in targets:
                maps[f"0/{model}/{target}/{name}"] = (ring * rng.uniform(0.4, 1)).astype(np.float32)
    if task == "gaze":
        angle = np.linspace(0, 5, 21)
        report["sweep"]["variables"] = [
            {
                "variable": k,
                "values": angle.tolist(),
                "x_px": (412 + 20 * (7 - k) * np.sin(angle / 5 + k)).tolist(),
                "y_px": (301 + 12 * (7 - k) * np.cos(angle / 5 + 2 * k)).tolist(),
                "reach_px": 90.0 - 10 * k,
            }
            for k in range(7)
        ]
        report["sweep"]["truth"] = [436.0, 280.0]
    add_explanation(report, maps, inputs)
    return report, maps


@pytest.fixture(scope="session")
def rich_of():
    """task -> (report, maps) with everything that can be there."""
    return make_rich


@pytest.fixture(params=["gaze", "class"])
def run(request):
    return make(request.param)


@pytest.fixture
def gaze_run():
    return make("gaze")


@pytest.fixture
def undrawn(monkeypatch):
    """Charts without their drawing, which takes most of the time, for tests of everything else."""
    for module in (figures, figures_inside, figures_sample, figures_trust):
        monkeypatch.setattr(
            module, "chart", lambda name, title, description, draw, **size: Chart(title, description, "")
        )
