"""Where all that a student sees comes together in few numbers, and along which directions of these its prediction moves most."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.network import for_one_sample, session_of_all
from xgaze.compression.export.c99.steps import WEIGHTED, Program, Step
from xgaze.compression.export.samples import Samples
from xgaze.data.contract import Spec
from xgaze.evaluation.classes.classification import probabilities

MOST_NUMBERS, MOST_DIRECTIONS = 1024, 6


@dataclass(frozen=True)
class Directions:
    """steps (k, width): one standard deviation along each, the strongest first. moves: how far one of them moves the prediction
    on the average: a point or a value in its unit, of classes the probability that moves most, in points of percent."""

    steps: NDArray[np.float32]
    moves: tuple[float, ...]


def narrowest(program: Program) -> str | None:
    """The smallest tensor, before the last layer with weights, through which all must pass: a low-rank head's few numbers, or
    else the smallest embedding. None where nothing of at most `MOST_NUMBERS` is."""
    steps = program.steps
    last = max((k for k, step in enumerate(steps) if step.kernel in WEIGHTED), default=0)
    found = [steps[k].output for k in range(last) if _passes_all(steps, k)]
    found = [name for name in found if 1 < program.tensors[name].size <= MOST_NUMBERS]
    return min(found, key=lambda name: program.tensors[name].size, default=None)


def _passes_all(steps: Sequence[Step], place: int) -> bool:
    """Whether what comes after a step reads nothing older than what the step puts out."""
    known = {steps[place].output}
    if any(step.output in known for step in steps[place + 1 :]):
        return False
    for step in steps[place + 1 :]:
        if not known.issuperset(step.reads):
            return False
        known.add(step.output)
    return True


def strongest_directions(file: Path, tensor: str, spec: Spec, samples: Samples) -> Directions | None:
    """Principal components of the tensor over samples, in the order in which the prediction follows them. None where it never
    changes. file: the student's ONNX."""
    session = session_of_all(for_one_sample(file), [tensor])
    names = [one.name for one in session.get_outputs()]
    place = names.index(tensor)
    taken = {one.name for one in session.get_inputs()}
    rows, outputs = [], []
    for k in range(len(next(iter(samples.stored.values())))):
        one = Samples({name: values[k : k + 1] for name, values in samples.stored.items()}, samples.outputs)
        fed = {each.name: x.numpy() for each, x in zip(spec.inputs, one.fed(spec), strict=True) if each.name in taken}
        values = session.run(None, fed)
        rows.append(values[place].reshape(-1))
        outputs.append(values[0].reshape(-1))
    return principal_directions(
        np.array(rows, np.float64), as_told(spec, np.array(outputs, np.float64)), spec.kind == "class"
    )


def as_told(spec: Spec, outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Outputs (n, outputs) as they are shown: of classes their probabilities, in percent."""
    return 100 * probabilities(outputs) if spec.kind == "class" else np.asarray(outputs, np.float64)


def principal_directions(
    rows: NDArray[np.float64], outputs: NDArray[np.float64], by_largest: bool = False
) -> Directions | None:
    """rows (n, width), outputs (n, outputs): see `strongest_directions`. Signs are such that the first output grows: a point
    moves to the right. by_largest: what a direction moves is the output that moves most, not the distance over all of them."""
    middle = rows - rows.mean(0)
    scores, spread, across = np.linalg.svd(middle, full_matrices=False)
    kept = spread > 1e-6 * max(float(spread.max(initial=0.0)), 1e-12)
    if not kept.any():
        return None
    count = len(rows)
    follows = scores[:, kept].T @ (outputs - outputs.mean(0)) / np.sqrt(count)
    signs = np.where(follows[:, :1] < 0, -1.0, 1.0)
    deviations = signs * across[kept] * spread[kept, None] / np.sqrt(count)
    moves = np.abs(follows).max(axis=1) if by_largest else np.linalg.norm(follows, axis=1)
    order = np.argsort(-moves, kind="stable")[:MOST_DIRECTIONS]
    return Directions(deviations[order].astype(np.float32), tuple(float(one) for one in moves[order]))
