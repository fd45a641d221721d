"""Where the time of a recipe's training step goes, by layer and by kind of layer, on one thread.

python benchmarks/profile_step.py [--recipe multi-eye] [--set KEY=VALUE ...] [--steps 12] [--batch 24]

Each layer is timed by itself, forward and backward, on what it reads within the model, in the precision and layout in which the
recipe trains here; towers of the same shape are summed. "rest": the optimiser, and what lies between layers. Data are random
where the recipe alone says what its models read. (The file cannot be called profile.py: Python's own profiler imports a module of
that name from beside the script.)
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from training_step import first_batch, laid_out, step_of

from xgaze.models.registry import build_architecture
from xgaze.processes import keep_freed_memory
from xgaze.recipe import Recipe, load_recipe
from xgaze.training.fit import resolve_precision

WARM_UP = 3
MOST_ROWS = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int)
    asked = parser.parse_args()
    recipe = load_recipe(asked.recipe, asked.set)
    if asked.batch:
        recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"batch_size": asked.batch})})
    keep_freed_memory()
    torch.set_num_threads(1)
    spec, inputs = first_batch(recipe)
    whole_ms = milliseconds(step_of(recipe, spec, inputs), asked.steps)
    model = build_architecture(recipe.model.model_dump(mode="json"), spec).to(memory_format=torch.channels_last)
    half = resolve_precision(recipe.training) == "bf16-mixed"
    layers = layer_times(model, laid_out(inputs), half, asked.steps)
    print_table(recipe, whole_ms, layers, half)


def milliseconds(work: Callable[[], object], times: int) -> float:
    """CPU time of one of them."""
    for _ in range(WARM_UP):
        work()
    start = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - start) / times


def layer_times(model: nn.Module, inputs: list[Tensor], half: bool, steps: int) -> dict[str, tuple[str, float, float]]:
    """Name -> (kind, forward ms, backward ms), summed over layers whose names differ in a number only."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        reads = what_layers_read(model, inputs)
        found: dict[str, tuple[str, float, float]] = {}
        for name, layer, given in reads:
            forward, both = alone(layer, given, steps)
            label = ".".join("*" if part.isdigit() else part for part in name.split("."))
            kind, ahead, back = found.get(label, (type(layer).__name__, 0.0, 0.0))
            found[label] = kind, ahead + forward, back + max(both - forward, 0.0)
    return found


def what_layers_read(model: nn.Module, inputs: list[Tensor]) -> list[tuple[str, nn.Module, Tensor]]:
    """Of every call of a layer without layers in it; pictures themselves want no gradient."""
    reads: list[tuple[str, nn.Module, Tensor]] = []
    names = {id(one): name for name, one in model.named_modules()}
    pictures = {id(one) for one in inputs}

    def note(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        kept = given[0].detach()
        known = id(given[0]) in pictures or not kept.is_floating_point()
        reads.append((names[id(layer)], layer, kept if known else kept.requires_grad_()))

    handles = [one.register_forward_pre_hook(note) for one in model.modules() if not list(one.children())]
    model(*inputs)
    for handle in handles:
        handle.remove()
    return reads


def alone(layer: nn.Module, given: Tensor, steps: int) -> tuple[float, float]:
    """Milliseconds of the forward, and of forward and backward."""
    gradient = torch.randn_like(first(layer(given)))

    def forward() -> None:
        layer(given)

    wanted = [one for one in (given, *layer.parameters()) if one.requires_grad]

    def both() -> None:
        result = first(layer(given))
        if wanted:
            torch.autograd.grad(result, wanted, gradient, allow_unused=True)

    return milliseconds(forward, steps), milliseconds(both, steps)


def first(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Of a recurrent layer, what it puts out at every step."""
    return outputs if isinstance(outputs, Tensor) else outputs[0]


def print_table(recipe: Recipe, whole_ms: float, layers: dict[str, tuple[str, float, float]], half: bool) -> None:
    precision = "bfloat16" if half else "float32"
    print(f"{recipe.name}, batch of {recipe.training.batch_size}, {precision}: {whole_ms:.1f} ms of CPU time a step")
    print(f"{'layer':32}{'kind':22}{'forward ms':>12}{'backward ms':>13}{'% of step':>11}")
    ordered = sorted(layers.items(), key=lambda one: -one[1][1] - one[1][2])
    for name, (kind, ahead, back) in ordered[:MOST_ROWS]:
        print(f"{name:32}{kind:22}{ahead:12.1f}{back:13.1f}{100 * (ahead + back) / whole_ms:11.1f}")
    kinds: dict[str, float] = defaultdict(float)
    for kind, ahead, back in layers.values():
        kinds[kind] += ahead + back
    kinds["rest"] = max(whole_ms - sum(kinds.values()), 0.0)
    print()
    for kind, spent in sorted(kinds.items(), key=lambda one: -one[1]):
        print(f"{kind:54}{spent:12.1f}{'':13}{100 * spent / whole_ms:11.1f}")


if __name__ == "__main__":
    main()
