"""Scanpaths per second on one core, 100 x 100 pixels, beside eyefeatures. `python benchmarks/representations.py FIXATIONS.csv`

Reads a table of fixations (columns subject, image, order, x, y in px, duration_ms). Rates are per second of CPU time, the best of
a few rounds, so that other processes disturb them little; the load of the machine is told beside. `--eyefeatures PYTHON` runs
eyefeatures (2.0.2 was compared) on the same scanpaths with a Python that has it; without it the ratios are against the rates
recorded of it before. Its density is a kernel density with a width of its own, its Gramian field that of differences.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from xgaze.data.representations.density import density_maps
from xgaze.data.representations.drawing import scanpath_drawings
from xgaze.data.representations.fields import gramian_angular_fields, markov_transition_fields

SHAPE = (100, 100)
RECORDED = {"density": 795.0, "drawing": 50.0, "gramian": 2086.0}  # eyefeatures 2.0.2, scanpaths/s
TARGETS = {"density": 10, "drawing": 20, "gramian": 5}  # times as fast
THEIRS = """
import json, sys, time
from functools import partial
import pandas as pd
from eyefeatures.features.feature_maps import get_gafs, get_heatmaps, get_mtfs
from eyefeatures.visualization.static_visualization import get_visualizations
table, rounds = pd.read_csv(sys.argv[1]), int(sys.argv[2])
how = dict(x="x", y="y", shape=(100, 100), pk=["scanpath"])
drawn = partial(get_visualizations, zoom_to_data=False, **how)
jobs = {
    "density": (partial(get_heatmaps, **how), 300),
    "drawing": (partial(drawn, pattern="baseline"), 40),
    "gramian": (partial(get_gafs, **how), 300),
    "markov": (partial(get_mtfs, **how), 300),
}
for name, (job, most) in jobs.items():
    few = table[table.scanpath < most]
    job(table[table.scanpath < 3])
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        job(few)
        seconds.append(time.process_time() - start)
    print("RATE", json.dumps([name, few.scanpath.nunique() / min(seconds)]))
"""


def main() -> None:
    asked = arguments()
    table = fixations(asked.fixations, asked.scanpaths)
    load_before = os.getloadavg()[0]
    with threadpool_limits(1):
        ours = rates(table, tuple(asked.size), asked.rounds)
    theirs = eyefeatures_rates(table, asked.size, asked.eyefeatures, asked.rounds) if asked.eyefeatures else {}
    rows = [compared(name, rate, theirs) for name, rate in ours.items()]
    show = partial(print, file=sys.stderr if asked.json else sys.stdout)
    show(f"{table.scanpath.nunique()} scanpaths, {SHAPE[0]} x {SHAPE[1]}, one core, scanpaths per CPU second")
    show(f"{'':<10}{'xgaze':>10}{'eyefeatures':>13}{'times':>8}{'target':>8}")
    for row in rows:
        cells = [f"{row[key]:.0f}" if row[key] else "-" for key in ("eyefeatures_per_s", "times", "target_times")]
        show(f"{row['representation']:<10}{row['xgaze_per_s']:>10.0f}{cells[0]:>13}{cells[1]:>8}{cells[2]:>8}")
    measured = "measured now" if theirs else "recorded before"
    show(
        f"eyefeatures: {measured}; load of the machine {load_before:.1f} on {os.cpu_count()} cores, 0 to 1 is undisturbed"
    )
    if asked.json:
        print(json.dumps({"rows": rows, "eyefeatures": measured, "load": load_before, "cores": os.cpu_count()}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixations", type=Path)
    parser.add_argument("--size", nargs=2, type=int, default=[800, 600], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--scanpaths", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--eyefeatures", metavar="PYTHON")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def fixations(path: Path, most: int) -> pd.DataFrame:
    """The first `most` scanpaths of at least three fixations: scanpath (a number), x, y, duration_ms."""
    table = pd.read_csv(path).sort_values(["subject", "image", "order"], kind="stable")
    table = table[table.groupby(["subject", "image"])["x"].transform("size") > 2]
    table["scanpath"] = table.groupby(["subject", "image"]).ngroup()
    return table.loc[table["scanpath"] < most, ["scanpath", "x", "y", "duration_ms"]].reset_index(drop=True)


def rates(table: pd.DataFrame, size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Our scanpaths per CPU second by representation."""
    cuts = np.flatnonzero(np.diff(table["scanpath"])) + 1
    points = np.split(table[["x", "y"]].to_numpy(float), cuts)
    durations = np.split(table["duration_ms"].to_numpy(float), cuts)
    how: dict[str, Any] = {"size": size, "shape": SHAPE}
    jobs: dict[str, Callable[[], Any]] = {
        "density": partial(density_maps, points, **how),
        "drawing": partial(scanpath_drawings, points, durations, **how),
        "gramian": partial(gramian_angular_fields, points, **how),
        "markov": partial(markov_transition_fields, points, **how),
    }
    return {name: len(points) / min(cpu_seconds(job) for _ in range(rounds)) for name, job in jobs.items()}


def cpu_seconds(job: Callable[[], Any]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def eyefeatures_rates(table: pd.DataFrame, size: list[int], python: str, rounds: int) -> dict[str, float]:
    """Theirs, in a process of its own; the places as it wants them, 0 to 1."""
    one_core = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    one_core.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder, "theirs.py"), Path(folder, "fixations.csv")
        script.write_text(THEIRS)
        table.assign(x=table["x"] / size[0], y=table["y"] / size[1]).to_csv(data, index=False)
        command = [python, str(script), str(data), str(rounds)]
        done = subprocess.run(command, env=one_core, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"eyefeatures did not run with {python}:\n{done.stderr[-2000:]}")
    return dict(json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("RATE "))


def compared(name: str, rate: float, theirs: dict[str, float]) -> dict[str, Any]:
    other = (theirs or RECORDED).get(name)
    times = rate / other if other else None
    recorded_times = rate / RECORDED[name] if name in RECORDED else None
    return {
        "representation": name,
        "xgaze_per_s": rate,
        "eyefeatures_per_s": other,
        "times": times,
        "times_recorded": recorded_times,
        "target_times": TARGETS.get(name),
    }


if __name__ == "__main__":
    main()
