"""What a training step of a recipe costs on one thread, with memory that is freed given back, as by itself, or kept, as commands
do: CPU seconds of the step itself and of the kernel, and pages that had to be mapped anew.

python benchmarks/training_step.py [--recipe multi-eye] [--steps 12]
"""

import argparse
import json
import resource
import subprocess
import sys

import torch

from xgaze.data.contract import Spec
from xgaze.data.source import source_of
from xgaze.models.registry import build_architecture
from xgaze.processes import keep_freed_memory
from xgaze.recipe import Recipe, load_recipe
from xgaze.training.fit import resolve_precision

WARM_UP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--alone", choices=["given back", "kept"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(measured(load_recipe(asked.recipe), asked.steps, asked.alone == "kept")))
        return
    for how in ("given back", "kept"):  # each in a process of its own: what was kept once stays kept
        words = [sys.executable, __file__, "--recipe", asked.recipe, "--steps", str(asked.steps), "--alone", how]
        found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        print(f"freed memory {how}: " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()))


def measured(recipe: Recipe, steps: int, kept: bool) -> dict[str, float]:
    """Means over steps."""
    if kept:
        keep_freed_memory()
    torch.set_num_threads(1)
    spec = source_of(recipe.data).spec(recipe.data)
    if spec is None:
        raise SystemExit(f"{recipe.name}: what its models read is known only once its data are opened; take multi-eye.")
    step = step_of(recipe, spec)
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


def step_of(recipe: Recipe, spec: Spec):  # noqa: ANN201
    """Forward, backward and update on random inputs, in the precision in which the recipe trains here."""
    model = build_architecture(recipe.model.model_dump(mode="json"), spec).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), recipe.training.learning_rate)
    count = recipe.training.batch_size
    inputs = [torch.randn(count, *one.shape).to(memory_format=torch.channels_last) for one in spec.inputs]
    half = resolve_precision(recipe.training) == "bf16-mixed"
    targets = 500 * torch.rand(count, spec.outputs)

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = model(*inputs)
        (outputs - targets).norm(dim=1).mean().backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    main()
