"""Every section that `xgaze explain` can add to a run."""

import numpy as np

REGIONS = {"pupil": 3.1, "iris": 9.8, "glint": 0.3, "sclera": 14.2, "skin": 66.0, "lash": 6.6}
METHODS = (
    "saliency",
    "input x gradient",
    "integrated gradients",
    "GradientShap",
    "Grad-CAM",
    "occlusion",
    "DeepLift",
    "conductance",
)
RANKINGS = ["permutation", "ablation with refit", "integrated gradients", "random forest", "random"]


def interval(mean, half=None):
    half = abs(mean) * 0.12 + 0.02 if half is None else half
    return {"mean": mean, "low": mean - half, "high": mean + half}


def methods(target):
    return [verdict(k, name, role, target) for role in ("teacher", "student") for k, name in enumerate(METHODS)]


def verdict(k, name, role, target):
    refused = name == "DeepLift"
    checked = name in ("integrated gradients", "GradientShap", "DeepLift", "conductance")
    drawn = not refused and name != "conductance"
    return {
        "name": name,
        "role": role,
        "offered": not refused,
        "completeness_percent": (177.4 if refused else 0.4 + 0.5 * k) if checked else None,
        "randomised_similarity": 0.02 * k if drawn else None,
        "reason": "177.4 % of the output change is not attributed (limit 5 %)" if refused else None,
        "milliseconds": 30.0 + 400 * k,
        "target": target,
    }


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


def human():
    scores = ("pointing", "nss", "cc", "kl", "shuffled_auc", "auc_judd")
    worth = {
        "teacher": 0.8,
        "student": 0.7,
        "second teacher": 0.75,
        "centre bias": 0.5,
        "uniform": 0.0,
        "other viewers": 1.6,
    }
    roles = {"centre bias": "baseline", "uniform": "baseline", "other viewers": "ceiling"}
    rows, methods = [], ("Grad-CAM", "integrated gradients")
    for model, nss in worth.items():
        for method in ("",) if model in roles else methods:
            figures = dict(zip(scores, (0.3, nss, nss / 3, 3 - nss, 0.5 + nss / 10, 0.5 + nss / 5), strict=True))
            intervals = {name: interval(one, 0.05) for name, one in figures.items()}
            if model == "other viewers":
                intervals |= dict.fromkeys(("pointing", "cc", "kl"))
            rows.append({"model": model, "method": method, "role": roles.get(model, "result"), **intervals})
    pairs = (("student", "teacher"), ("teacher", "centre bias"))
    return {
        "groups": "pictures",
        "samples": 40,
        "sigma_px": 4.48,
        "side_px": 112,
        "fixations": "recorded",
        "map_is_input": False,
        "parts": {"Grad-CAM": "positive part", "integrated gradients": "absolute value"},
        "rows": rows,
        "differences": [
            {"first": first, "second": second, "method": one, **{name: interval(-0.1, 0.04) for name in scores}}
            for first, second in pairs
            for one in methods
        ],
    }


def radii(scale):
    """Of one model: 18 validation people promise nothing at 95 %."""
    levels = ((50, 18, 53), (60, 22, 61), (70, 28, 68), (80, 36, 81), (90, 52, 88), (95, None, None))
    return {"unit": "px", "validation": 18, "test": 20, "rows": [radius(scale, *one) for one in levels]}


def radius(scale, level, px, covered):
    measured = None if covered is None else {"mean": float(covered), "low": covered - 8.0, "high": covered + 7.0}
    return {
        "level_percent": float(level),
        "radius": px and px * scale,
        "coverage_percent": measured,
        "least_percent": covered and covered - 30.0,
    }


def layers():
    kinds = [(f"towers.eye{k}.conv{j}", "Conv2d", 9_000 * j, 18e6 / j, 7.5 / j) for k in range(4) for j in (1, 2, 3)]
    kinds += [("head.embedding", "Linear", 786_496, 786_432, 1.1), ("head.output", "Linear", 8450, 8400, 0.1)]
    return [
        {
            "model": model,
            "layer": layer,
            "kind": kind,
            "parameters": (own := parameters // (1 if model == "teacher" or kind == "Conv2d" else 20)),
            "macs": int(macs),
            "bytes": 4 * own,
            "latency_percent": share,
        }
        for model in ("teacher", "student")
        for layer, kind, parameters, macs, share in kinds
    ]


def wiring(inputs):
    """Of the layers above: towers of one input each, which the student's first one serves."""
    rows = []
    for row in layers():
        tower = int(row["layer"][len("towers.eye")]) if row["layer"].startswith("towers") else None
        seen = [inputs] if tower is None else [[inputs[tower % len(inputs)]]]
        owner = tower if row["model"] == "teacher" else 0
        seen = [[name] for name in inputs] if row["model"] == "student" and tower == 0 else seen
        of = row["layer"].replace(f"eye{tower}", f"eye{owner}") if tower and owner == 0 else None
        rows.append(
            {"model": row["model"], "layer": row["layer"], "of": of, "shape": [8, 4, 4], "units": 8, "sees": seen}
        )
    return rows


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
    targets, rng = found["targets"], np.random.default_rng(2)
    models = ("teacher", "student")
    worth = {t: {name: (-1) ** k * 30.0 / (k + 1 + j) for k, name in enumerate(inputs)} for j, t in enumerate(targets)}
    for sample in found["samples"]:
        sample["shapley"] = dict.fromkeys(models, worth)
        sample["conductance"] = {"teacher": rng.normal(0, 9, 64).tolist(), "student": rng.normal(0, 9, 6).tolist()}
    for model in models:
        for name in inputs:
            for method in ("occlusion", "Grad-CAM"):
                maps[f"0/{model}/{targets[-1]}/{name}/{method}"] = rng.normal(0, 0.1, (12, 15)).astype(np.float32)
    reach = "reach_px" if report["task"] == "gaze" else "reach"
    report.update(
        methods=methods(targets[-1]),
        agreement=agreement(unit),
        anatomy=anatomy(unit),
        human=human(),
        layers=layers(),
        wiring=wiring(inputs),
        embedding=embedding(unit),
        sweep_mean={
            "samples": 64,
            "variables": [{"variable": k, reach: 80.0 / (k + 1)} for k in range(64)],
            "paths": [mean_path(report["task"], k) for k in range(10)],
        },
        decision="Keep 6 of the 64 directions: 31.5 px on unseen people, 1.2 % worse than the teacher.",
    )
