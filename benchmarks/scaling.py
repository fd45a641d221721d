"""What a recording of any size costs: CPU time per frame of every step, measured here, and what so many frames take.

python benchmarks/scaling.py [--recipe multi-eye] [--frames 2400000] [--epochs 10] [--cores 2 32]

Each step is timed on one thread (on a GPU too, where there is one) with the recipe's model on random pictures; the table divides
by the number of cores, as processes that share nothing but the gradients do at best. A large recording is read from disk by every
epoch: its bytes are told too.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from profile_step import milliseconds
from torch import Tensor, nn
from training_step import first_batch, step_of

from xgaze.data.contract import Spec
from xgaze.data.source import source_of
from xgaze.explanation.attribution.attribution import integrated_gradients
from xgaze.explanation.attribution.targets import targets_for
from xgaze.models.registry import build_architecture
from xgaze.processes import keep_freed_memory
from xgaze.recipe import Recipe, load_recipe

SCORED_AT_ONCE, STEPS = 64, 50
GPU_WARM_UP, GPU_TIMES = 5, 20
HOUR = 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="multi-eye")
    parser.add_argument("--frames", type=int, default=2_400_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 32])
    parser.add_argument("--times", type=int, default=8)
    asked = parser.parse_args()
    recipe = load_recipe(asked.recipe)
    spec = source_of(recipe.data).spec(recipe.data)
    if spec is None:
        raise SystemExit(f"{recipe.name}: what its models read is known only once its data are opened; take multi-eye.")
    keep_freed_memory()
    torch.set_num_threads(1)
    costs = costs_ms(recipe, spec, asked.times)
    gpu_ms = training_on_gpu_ms(recipe, spec) if torch.cuda.is_available() else None
    print_costs(recipe, spec, costs, gpu_ms)
    print_recording(spec, costs, gpu_ms, asked.frames, asked.epochs, asked.cores)


def costs_ms(recipe: Recipe, spec: Spec, times: int) -> dict[str, float]:
    """CPU milliseconds of one frame on one thread."""
    model = build_architecture(recipe.model.model_dump(mode="json"), spec).eval()
    model.to(memory_format=torch.channels_last)  # as trained models are loaded
    frames = [torch.randn(SCORED_AT_ONCE, *one.shape) for one in spec.inputs]
    one = tuple(x[:1] for x in frames)
    truth, there = torch.zeros(1, spec.outputs), tuple(torch.zeros_like(x) for x in one)
    target, given = targets_for(spec)[-1], (recipe, *first_batch(recipe))
    return {
        "training, forward and backward": milliseconds(step_of(*given), times) / recipe.training.batch_size,
        "scoring": milliseconds(scored(model, frames), times) / SCORED_AT_ONCE,
        f"one map of integrated gradients, {STEPS} steps": milliseconds(
            lambda: integrated_gradients(model, target, one, truth, there, STEPS), max(2, times // 4)
        ),
    }


def scored(model: nn.Module, frames: Sequence[Tensor]) -> Callable[[], object]:
    def work() -> None:
        with torch.inference_mode():
            model(*frames)

    return work


def training_on_gpu_ms(recipe: Recipe, spec: Spec) -> float:
    """Milliseconds of one frame in a training step, in bfloat16."""
    model = build_architecture(recipe.model.model_dump(mode="json"), spec).cuda().to(memory_format=torch.channels_last)
    optimiser, count = torch.optim.AdamW(model.parameters()), recipe.training.batch_size
    frames = [torch.randn(count, *one.shape, device="cuda") for one in spec.inputs]
    for k in range(GPU_WARM_UP + GPU_TIMES):
        if k == GPU_WARM_UP:
            torch.cuda.synchronize()
            start = time.perf_counter()
        optimiser.zero_grad()
        with torch.autocast("cuda", torch.bfloat16):
            outputs = model(*frames)
        outputs.float().norm(dim=1).mean().backward()
        optimiser.step()
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start) / GPU_TIMES / count


def frame_bytes(spec: Spec) -> int:
    """Stored: pictures in one byte a value, the rest in four."""
    sizes = {"uint8": 1}
    return sum(sizes.get(one.dtype, 4) * torch.Size(one.shape).numel() for one in spec.inputs)


def print_costs(recipe: Recipe, spec: Spec, costs: dict[str, float], gpu_ms: float | None) -> None:
    shapes = ", ".join("x".join(map(str, one.shape)) for one in spec.inputs)
    print(f"{recipe.name} ({shapes}), per frame, one thread:")
    for what, spent in costs.items():
        print(f"  {what:45}{spent:10.2f} ms")
    print(
        f"  {'training on the GPU':45}" + (f"{gpu_ms:10.2f} ms" if gpu_ms is not None else "  not measured: none here")
    )
    print(f"  {'pictures on disk':45}{frame_bytes(spec) / 1000:10.1f} kB")


def print_recording(
    spec: Spec, costs: dict[str, float], gpu_ms: float | None, frames: int, epochs: int, cores: Sequence[int]
) -> None:
    train, score = list(costs.values())[:2]
    print(f"\n{frames:,} frames, {frames * frame_bytes(spec) / 1e9:.0f} GB, at best:")
    print(f"{'':34}" + "".join(f"{f'{many} cores':>14}" for many in cores) + f"{'one GPU':>16}")
    for what, ms, gpu in (
        (f"training for {epochs} epochs", train * epochs, None if gpu_ms is None else gpu_ms * epochs),
        ("scoring all of them once", score, None),
    ):
        hours = [f"{ms * frames / 1000 / many / HOUR:.1f} h" for many in cores]
        on_gpu = "not measured" if gpu is None else f"{gpu * frames / 1000 / HOUR:.1f} h"
        print(f"{what:34}" + "".join(f"{one:>14}" for one in hours) + f"{on_gpu:>16}")


if __name__ == "__main__":
    main()
