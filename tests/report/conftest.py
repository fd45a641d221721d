"""A realistic report.json with maps, for gaze and for classes; `rich` adds every key that `xgaze explain` can store."""

import copy
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xgaze.report.drawing import svg
from xgaze.report.page.page import sections_of
from xgaze.report.section import with_every_key
from xgaze.report.sections.where_errors_lie.error_by_eccentricity import eccentricity
from xgaze.report.verdicts import judged

HERE = Path(__file__).parent
RUN = runpy.run_path(str(HERE / "run_sections.py"))
EXPLAINED = runpy.run_path(str(HERE / "explained_sections.py"))
make = RUN["make"]


def make_rich(task, size_px=(24, 30), cameras=2, samples=1):
    """As `make`, with drawn eyes and everything that can be there."""
    report, _ = make(task)
    inputs = [f"eye{k}" for k in range(cameras)] if task == "gaze" else ["image"]
    report["inputs"] = [{"name": name, "shape": [1, *size_px]} for name in inputs]
    targets = ["gaze x", "gaze y", "error"] if task == "gaze" else ["class ASD"]
    unit, (sample,) = report["attribution"]["target_unit"], report["attribution"]["samples"]
    report["attribution"] = found = RUN["attribution"](inputs, targets, unit, sample["truth"])
    found["samples"] = [{**copy.deepcopy(found["samples"][0]), "id": f"P00000{k + 1}/0/5"} for k in range(samples)]
    maps = {}
    for k in range(samples):
        maps |= drawn_maps(k, inputs, targets, size_px)
    if task == "gaze":
        report["sweep"]["variables"] = [sweep_line(k) for k in range(7)]
        report["sweep"]["truth"] = [436.0, 280.0]
        report["eccentricity"] = eccentricity(drawn_errors(), "px", "the centre of the scene")
        report["frame_radii"] = {"teacher": EXPLAINED["radii"](1.0), "student": EXPLAINED["radii"](1.05)}
    EXPLAINED["add_explanation"](report, maps, inputs)
    report["checks"] = judged(with_every_key(report))
    return report, maps


def drawn_maps(place, inputs, targets, size_px):
    """Eyes, and for each model and target maps that lie around the iris."""
    rng, maps = np.random.default_rng(3 + place), {}
    for name in inputs:
        maps[f"{place}/image/{name}"], ring = EXPLAINED["eye"](*size_px, rng)
        for model in ("teacher", "student"):
            for target in targets:
                maps[f"{place}/{model}/{target}/{name}"] = (ring * rng.uniform(0.4, 1)).astype(np.float32)
    return maps


def drawn_errors():
    """Of 20 people, 12 frames each: errors grow by a twentieth of the distance from the centre."""
    rng = np.random.default_rng(4)
    x, y = rng.uniform(0, 800, 240), rng.uniform(0, 600, 240)
    far = np.hypot(x - 400, y - 300)
    frames = {"group": [f"P{k // 12:06d}" for k in range(240)], "eccentricity": far}
    error = 20 + far / 20 + rng.normal(0, 2, 240)
    return {model: pd.DataFrame({**frames, "error": error + k}) for k, model in enumerate(("teacher", "student"))}


def sweep_line(k):
    angle = np.linspace(0, 5, 21)
    return {
        "variable": k,
        "values": angle.tolist(),
        "x_px": (412 + 20 * (7 - k) * np.sin(angle / 5 + k)).tolist(),
        "y_px": (301 + 12 * (7 - k) * np.cos(angle / 5 + 2 * k)).tolist(),
        "reach_px": 90.0 - 10 * k,
    }


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
    monkeypatch.setattr(svg, "_drawn", lambda *_, **__: "")


def parts_of(report, what):
    """All "charts" or "tables" of a report's sections, by name."""
    shown = with_every_key(report)
    return {name: one for section in sections_of(shown) for name, one in getattr(section, what)(shown).items()}


@pytest.fixture(scope="session")
def charts_of():
    return lambda report: parts_of(report, "charts")


@pytest.fixture(scope="session")
def tables_of():
    return lambda report: parts_of(report, "tables")


@pytest.fixture
def eight_bits():
    """What a card says of a file in 8 bits that is made of a tuned form."""

    def interval(mean, low, high):
        return {"mean": mean, "low": low, "high": high}

    def form(words, ratio, worse):
        return {"words": words, "time_ratio": interval(*ratio), "worse_percent": worse and interval(*worse)}

    return {
        "bytes": 74_000,
        "float_bytes": 229_000,
        "error": {"unit": "px", "mean": 31.25, "median": 28.0, "low": 29.7, "high": 32.8},
        "difference_percent": interval(0.21, 0.07, 0.38),
        "latency_ms": {"median": 1.86, "p95": 2.1},
        "float_latency_ms": {"median": 4.48, "p95": 4.9},
        "time_ratio": interval(0.4, 0.38, 0.42),
        "form": "all but the last, tuned so",
        "note": "Tuned in 8 bits for 3 epochs: 1.2 % worse than floats before, 0.2 % after.",
        "tried": [
            form("all", (0.42, 0.40, 0.44), (1.9, 1.5, 2.3)),
            form("all but the last", (0.45, 0.43, 0.47), (1.2, 0.9, 1.6)),
            form("the first and last in floats", (1.05, 1.02, 1.08), None),
        ],
        "rearranged": True,
    }
