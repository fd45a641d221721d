"""What a training step of a recipe costs on one thread, with memory that is freed given back, as by itself, or kept, as commands
do: CPU seconds of the step itself and of the kernel, and pages that had to be mapped anew.

python benchmarks/training_step.py [--recipe multi-eye] [--set KEY=VALUE ...] [--steps 12]
"""

import argparse
import json
import resource
import subprocess
import sys

import torch
from torch import Tensor

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Spec, rows_of
from xgaze.data.open import open_recording
from xgaze.data.source import source_of
from xgaze.models.registry import build_architecture
from xgaze.processes import keep_freed_memory
from xgaze.recipe import Recipe, load_recipe
from xgaze.training.fit import resolve_precision
from xgaze.training.folded_norm import put_norms
from xgaze.training.task import make_optimiser

WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--alone", choices=["given back", "kept"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(measured(load_recipe(asked.recipe, asked.set), asked.steps, asked.alone == "kept")))
        return
    for how in ("given back", "kept"):  # each in a process of its own: what was kept once stays kept
        sets = [word for one in asked.set for word in ("--set", one)]
        words = [sys.executable, __file__, "--recipe", asked.recipe, *sets, "--steps", str(asked.steps), "--alone", how]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        print(f"freed memory {how}: " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()))


def measured(recipe: Recipe, steps: int, kept: bool) -> dict[str, float]:
    """Means over steps."""
    if kept:
        keep_freed_memory()
    torch.set_num_threads(1)
    step = step_of(recipe, *first_batch(recipe))
    for _ in range(WARM_UP):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(steps):
        step()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "own CPU s": (after.ru_utime - before.ru_utime) / steps,
        "kernel CPU s": (after.ru_stime - before.ru_stime) / steps,
        "pages": (after.ru_minflt - before.ru_minflt) / steps,
        "peak MB": after.ru_maxrss / 1024,
    }


def first_batch(recipe: Recipe) -> tuple[Spec, list[Tensor]]:
    """What models read and predict, and a batch of it: random where it is known before data are opened, else the first one."""
    spec, count = source_of(recipe.data).spec(recipe.data), recipe.training.batch_size
    if spec is not None:
        return spec, [torch.randn(count, *one.shape) for one in spec.inputs]
    recording = open_recording(recipe.data)
    return recording.spec, list(next(ordered_batches(recording, rows_of(recording, "train"), count)).inputs)


def laid_out(inputs: list[Tensor]) -> list[Tensor]:
    """Pictures as a training lays them out."""
    return [one.contiguous(memory_format=torch.channels_last) if one.ndim == 4 else one for one in inputs]


def step_of(recipe: Recipe, spec: Spec, inputs: list[Tensor]):  # noqa: ANN201
    """Forward, backward and update on these inputs with random targets, as the recipe trains here; towers apart."""
    model = build_architecture(recipe.model.model_dump(mode="json"), spec).to(memory_format=torch.channels_last)
    if recipe.training.batch_norm:
        put_norms(model, [one[:1] for one in inputs])
    optimiser = make_optimiser(model, recipe.training)
    inputs = laid_out(inputs)
    half = resolve_precision(recipe.training) == "bf16-mixed"
    targets = 500 * torch.rand(len(inputs[0]), spec.outputs)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = model(*inputs)
        (outputs - targets).norm(dim=1).mean().backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    main()
