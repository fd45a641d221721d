"""What `xgaze train-teacher`, `xgaze distill` and a first `xgaze explain` store of a run, for gaze and for classes."""

import numpy as np

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
        "group": "P000001",
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
    """(report, maps) without the keys that may be missing."""
    gaze, unit = task == "gaze", UNITS[task]
    inputs = ["eye0", "eye1"] if gaze else ["image"]
    targets = ["gaze x", "error"] if gaze else ["class ASD"]
    good = 31.2 if gaze else 0.81
    point = [412.0, 301.0] if gaze else "ASD"
    report = {
        **identity(task, inputs),
        **figures(unit, good),
        **search(good),
        "sweep": sweep(gaze, point),
        "attribution": attribution(inputs, targets, "px" if gaze else "logit", point),
        "regions": regions(targets[-1]) if gaze else None,
        "provenance": {
            "created_with": {"xgaze": "0.1.0", "torch": "2.13.0"},
            "seed": 0,
            "recipe_hash": "0123456789ab",
            "split": "by participant",
            "device": "cpu",
        },
        "commands": ["xgaze train-teacher toy"],
    }
    return report, maps_of(inputs, targets)


def identity(task, inputs):
    gaze = task == "gaze"
    return {
        "schema": 1,
        "recipe": {"name": "toy", "hash": "0123456789ab", "seed": 0, "settings": {"name": "toy"}},
        "task": task,
        "rendered": gaze,
        "scene": [800, 600] if gaze else None,
        "classes": [] if gaze else ["TD", "ASD"],
        "inputs": [{"name": name, "shape": [1, 24, 30]} for name in inputs],
        "score": {
            "unit": UNITS[task],
            "name": "mean Euclidean error" if gaze else "area under the ROC curve",
            "higher_is_better": not gaze,
        },
        "participants": {"train": 600, "validation": 60, "test": 20},
        "samples": {"train": 7200, "validation": 720, "test": 240},
    }


def figures(unit, good):
    teacher, student = size(unit, good, 1), size(unit, good * 1.01, 21)
    student.pop("train_seconds")
    return {
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
        "macro_f1": None,
        "reason": "the smallest whose upper bound is at most 2 %",
        "baselines": [{"name": "mean gaze", "error": error(242.3 if unit == "px" else 0.5, unit)}],
        "surgeries": [
            {"kind": "fold", "layer": "head.embedding", "into": "head.hidden", "proof": proof()}
            | {"words": "fold", "where": "head.embedding with head.hidden"},
            {"kind": "low_rank", "layer": "head.embedding", "rank": 6, "weighting": "variance", "proof": proof()}
            | {"words": "low rank to rank 6", "where": "head.embedding"},
        ],
        "per_participant": [
            {"group": f"P{k:06d}", "samples": 12, "teacher": 20.0 + k, "student": 21.0 + k, "difference": 1.0}
            for k in range(20)
        ],
    }


def proof():
    return {
        "kind": "largest change of the output",
        "value": 3e-7,
        "limit": 1e-5,
        "unit": "fraction of the largest output",
    }


def search(good):
    return {
        "candidates": [candidate(rank, stage, good) for rank in (3, 6) for stage in ("no training", "head tuned")],
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
    }


def candidate(rank, stage, good):
    return {
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


def sweep(gaze, point):
    path = {"x_px": [10.0, 20.0], "y_px": [5.0, 6.0], "reach_px": 10.0} if gaze else {"score": [0.1, 0.9], "reach": 0.8}
    return {
        "sample_id": "P000001/0/5",
        "layer": "head.embedding",
        "prediction": point,
        "truth": point,
        "variables": [{"variable": 7, "values": [-1.0, 1.0], **path}],
    }


def regions(target):
    return [
        {"model": model, "target": target, "region": region, "share_percent": 40.0, "area_percent": 5.0}
        for model in ("teacher", "student")
        for region in ("pupil", "iris")
    ]


def maps_of(inputs, targets):
    rng = np.random.default_rng(0)
    maps = {f"0/image/{name}": rng.integers(0, 255, (1, 24, 30), dtype=np.uint8) for name in inputs}
    for model in ("teacher", "student"):
        for target in targets:
            for name in inputs:
                maps[f"0/{model}/{target}/{name}"] = rng.normal(0, 0.1, (24, 30)).astype(np.float32)
    return maps
