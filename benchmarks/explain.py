"""CPU seconds and extra memory of every explanation beside plain Captum calls, and of the report. Linux, one thread.

`python benchmarks/explain.py --help`. Every figure comes from a process of its own, which has built the model (random weights,
four cameras: the default recipe's net at 144x180, the published one at 576x720) and run it once. Extra memory is the peak over
what it held then. "captum" is what a user would write: tuples of inputs, baselines, windows and strides, one layer at a time.
"""

import argparse
import itertools
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

import torch
from captum import attr
from torch import Tensor

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.grad_cam import tower_layers
from xgaze.explanation.attribution.method import Effort, Question, attribute, known_methods
from xgaze.explanation.attribution.shapley import shapley
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.trust.conductance import conductance
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build
from xgaze.report.page.folder import write_report
from xgaze.report.results import gather

METHODS = known_methods()

NETS = {"144x180": {"first_stride": 2, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}, "576x720": {}}
LAYER = "head.embedding"
OTHERS = ("exact Shapley", "conductance")
SHORT_SECONDS = 5  # what takes less is timed a second time


def main() -> None:
    asked = arguments()
    if asked.one:
        print(json.dumps(measure(*asked.one)))
        return
    report = measure_report(asked.run) if asked.run else None
    show = partial(print, file=sys.stderr if asked.json else sys.stdout, flush=True)
    show(f"{'size':>8}  {'what':<22}{'by':<8}{'CPU s':>8}{'extra MB':>10}")
    rows = []
    for size, what, by in itertools.product(asked.sizes, asked.what, asked.by):
        rows.append(row := measured_apart(size, what, by))
        show(f"{size:>8}  {what:<22}{by:<8}{row['seconds']:8.2f}{row['extra_mb']:10.0f}")
    if report:
        show(f"report of {report['run']}: {report['bytes'] / 1e3:.0f} kB, built in {report['seconds']:.1f} s")
    if asked.json:
        print(json.dumps({"methods": rows, "report": report}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--what", nargs="+", choices=[*METHODS, *OTHERS], default=[*METHODS, *OTHERS], metavar="METHOD")
    parser.add_argument("--by", nargs="+", choices=["xgaze", "captum"], default=["xgaze", "captum"])
    parser.add_argument("--run", type=Path, help="a run's folder, as checkpoints/multi-eye: time its report too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured_apart(size: str, what: str, by: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", size, what, by]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    return json.loads(done.stdout)


def measure(size: str, what: str, by: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    model, question = model_and_question(size)
    call = ours(what, model, question) if by == "xgaze" else captums(what, model, question)
    with torch.no_grad():
        model(*question.inputs)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = memory_mb("VmRSS")
    seconds = timed(call)
    extra = memory_mb("VmHWM") - before
    if seconds < SHORT_SECONDS:
        seconds = min(seconds, timed(call))
    return {"size": size, "what": what, "by": by, "seconds": round(seconds, 3), "extra_mb": round(extra, 1)}


def timed(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def memory_mb(field: str) -> float:
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(field))
    return int(line.split()[1]) / 1024


def model_and_question(size: str) -> tuple[FeatureHead, Question]:
    height, width = map(int, size.split("x"))
    spec = Spec(tuple(InputSpec(f"eye{k}", (1, height, width)) for k in range(4)), "gaze", scene=(800, 600))
    torch.manual_seed(0)
    model = build("multi-eye", NETS[size], spec).eval()
    inputs = tuple(torch.randn(1, 1, height, width) for _ in range(4))
    baseline = tuple(torch.zeros(1, 1, height, width) for _ in range(4))
    return model, Question(targets_for(spec)[-1], inputs, torch.tensor([[400.0, 300.0]]), baseline)


def ours(what: str, model: FeatureHead, asked: Question) -> Callable[[], Any]:
    if what == "exact Shapley":
        return lambda: shapley(model, [asked.target], asked.inputs, asked.truth, asked.baseline)
    if what == "conductance":
        return lambda: conductance(model, LAYER, asked)
    return lambda: attribute(what, model, asked)


def captums(what: str, model: FeatureHead, asked: Question) -> Callable[[], Any]:
    scalar, effort, extra = Scalar(model, asked.target), Effort(), {"additional_forward_args": (asked.truth,)}
    inputs = tuple(one.clone().requires_grad_() for one in asked.inputs)
    baseline, batch = asked.baseline, effort.internal_batch_size
    windows, strides = windows_and_strides(inputs, effort.occlusion_windows)
    cameras = tuple(torch.full_like(one[:1], k, dtype=torch.long) for k, one in enumerate(inputs))
    steps: dict[str, Any] = {"n_steps": effort.steps, "internal_batch_size": batch, **extra}
    layer = model.get_submodule(LAYER)
    calls: dict[str, Callable[[], Any]] = {
        "saliency": lambda: attr.Saliency(scalar).attribute(inputs, abs=False, **extra),
        "input x gradient": lambda: attr.InputXGradient(scalar).attribute(inputs, **extra),
        "integrated gradients": lambda: attr.IntegratedGradients(scalar).attribute(inputs, baseline, **steps),
        "GradientShap": lambda: attr.GradientShap(scalar).attribute(
            inputs, baseline, n_samples=effort.shap_samples, **extra
        ),
        "Grad-CAM": lambda: [
            attr.LayerGradCam(scalar, one).attribute(inputs, **extra)
            for one in tower_layers(scalar, asked.inputs, asked.truth)
        ],
        "occlusion": lambda: attr.Occlusion(scalar).attribute(
            asked.inputs, windows, strides, baseline, perturbations_per_eval=batch, **extra
        ),
        "DeepLift": lambda: attr.DeepLift(scalar).attribute(inputs, baseline, **extra),
        "exact Shapley": lambda: attr.ShapleyValues(scalar).attribute(
            asked.inputs, baseline, feature_mask=cameras, **extra
        ),
        "conductance": lambda: attr.LayerConductance(scalar, layer).attribute(inputs, baseline, **steps),
    }
    return calls[what]


def windows_and_strides(inputs: tuple[Tensor, ...], count: int) -> tuple[Any, Any]:
    sides = [[-(-side // count) for side in one.shape[2:]] for one in inputs]
    return tuple((1, *side) for side in sides), tuple((1, *(-(-one // 2) for one in side)) for side in sides)


def measure_report(run: Path) -> dict[str, Any]:
    """From the run's results, as they lie there, to the page."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(Path(folder), *gather(run))
        return {"run": str(run), "seconds": round(time.perf_counter() - start, 2), "bytes": page.stat().st_size}


if __name__ == "__main__":
    main()
