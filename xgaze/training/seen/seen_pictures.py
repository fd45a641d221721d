"""What a model was trained on, in a small file of its folder: where its pictures and their embedding lie."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.artifacts import read_weights, write_weights
from xgaze.data.batches import device_of
from xgaze.data.checks.opened import shows_something
from xgaze.data.contract import (
    InputSpec,
    Recording,
    Spec,
    normalise,
    participants_of,
    rows_of,
    spread_evenly,
)
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import participant_means
from xgaze.models.layers import FeatureHead
from xgaze.training.seen.changed_pictures import Numbers, Pictures, numbers_of, together
from xgaze.training.seen.spread import Spread, spread_of

SEEN_FILE = "seen.safetensors"
EMBEDDING = "embedding"
SAMPLES = 512
"""Of training and validation each, evenly spaced."""
SIDE, BATCH = 16, 32
AGAIN = "Train or adopt the model again with --force."


@dataclass(frozen=True, eq=False)
class Reference:
    """Where training samples lie, and how far validation people (people,) are from there. numbers: of pictures."""

    spread: Spread
    usual: NDArray[np.float32]
    numbers: Numbers | None = None


def squares(pictures: Pictures) -> NDArray[np.float32]:
    """(n, channels, height, width) -> (n, channels x 256): means of 16 x 16 squares."""
    made = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(pictures).float(), SIDE)
    return made.flatten(1).numpy()


@torch.inference_mode()
def embedded(model: FeatureHead, spec: Spec, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Inputs (n, ...) as they are stored -> what enters the head, (n, width)."""
    model.eval()
    device, count = device_of(model), len(next(iter(inputs.values())))
    parts = [
        model.features(*(normalise(inputs[one.name][k : k + BATCH], one).to(device) for one in spec.inputs))
        .float()
        .cpu()
        for k in range(0, count, BATCH)
    ]
    return torch.cat(parts).flatten(1).numpy()


def given_inputs(recording: Recording, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Inputs of these rows, (rows, ...) by name, as the recording gives them, of whatever type: numbers from 0 to 1 under a
    specification of bytes are what is looked for. Raises InputError."""
    samples = [recording[int(row)] for row in rows]
    return {one.name: np.stack([sample.stored(one) for sample in samples]) for one in recording.spec.inputs}


def shown_in(recording: Recording, name: str, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these rows have this input; all of them where none has, since something must be told of it."""
    lacking = recording.missing(rows).get(name)
    return np.ones(len(rows), bool) if lacking is None or lacking.all() else ~lacking


def what_was_seen(model: FeatureHead, recording: Recording) -> dict[str, Reference]:
    """By the number of each input that is a picture, and "embedding". Few samples are in memory at a time."""
    train, validation = (spread_evenly(rows_of(recording, split), SAMPLES) for split in ("train", "validation"))
    (seen, numbers), (held, _) = (_condensed(model, recording, rows) for rows in (train, validation))
    people = participants_of(recording, validation)
    names = {str(k): one.name for k, one in enumerate(recording.spec.inputs)}
    found = {}
    for name, points in seen.items():
        spread = spread_of(points)
        usual = participant_means(
            spread.distances(held[name]), people[shown_in(recording, names.get(name, ""), validation)]
        )
        found[name] = Reference(spread, usual.astype(np.float32), numbers.get(name))
    return found


def _condensed(
    model: FeatureHead, recording: Recording, rows: NDArray[np.int64]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Numbers]]:
    """Squares of pictures, of the rows that have them, and embeddings, (rows, ...) each; and the numbers that pictures hold."""
    pictures = {str(k): one.name for k, one in enumerate(recording.spec.inputs) if shows_something(one)}
    points: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (*pictures, EMBEDDING)}
    blocks: dict[str, list[tuple[int, Numbers]]] = {name: [] for name in pictures}
    there = {name: shown_in(recording, name, rows) for name in pictures.values()}
    for start in range(0, len(rows), BATCH):
        inputs = given_inputs(recording, rows[start : start + BATCH])
        points[EMBEDDING].append(embedded(model, recording.spec, inputs))
        for number, name in pictures.items():
            own = inputs[name][there[name][start : start + BATCH]]
            if len(own):
                points[number].append(squares(own))
                blocks[number].append((len(own), numbers_of(own)))
    return {name: np.concatenate(own) for name, own in points.items()}, {k: together(own) for k, own in blocks.items()}


def write_seen(file: Path, seen: Mapping[str, Reference]) -> None:
    """As safetensors."""
    tensors: dict[str, Any] = {}
    for name, one in seen.items():
        own = {"middle": one.spread.middle, "directions": one.spread.directions, "variances": one.spread.variances}
        numbers = list(asdict(one.numbers).values()) if one.numbers else []
        own |= {
            "usual": one.usual,
            "rest": np.array([one.spread.rest], np.float32),
            "numbers": np.array(numbers, np.float32),
        }
        tensors |= {f"{name}.{part}": torch.from_numpy(np.ascontiguousarray(values)) for part, values in own.items()}
    write_weights(file, tensors)


def read_seen(file: Path, inputs: Sequence[InputSpec]) -> dict[str, Reference]:
    """Raises InputError for what `write_seen` did not write of a model with such inputs."""
    stored = {name: one.numpy() for name, one in read_weights(file).items()}
    widths = {str(k): one.shape[0] * SIDE * SIDE for k, one in enumerate(inputs) if shows_something(one)}
    try:
        return {name: _reference(stored, name, width) for name, width in {**widths, EMBEDDING: None}.items()}
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{file}: damaged, or of another model ({error}). {AGAIN}") from None


def _reference(stored: Mapping[str, NDArray[Any]], name: str, width: int | None) -> Reference:
    """Raises KeyError or ValueError where anything is missing or of another shape."""
    parts = ("middle", "directions", "variances", "rest", "usual", "numbers")
    middle, directions, variances, rest, usual, numbers = (stored[f"{name}.{part}"] for part in parts)
    wide, rank = width or len(middle), len(variances)
    arrays = (middle, directions, variances, rest, usual, numbers)
    wanted = ((wide,), (rank, wide), (rank,), (1,), (len(usual),), (4 if width else 0,))
    if any(one.shape != shape or not np.isfinite(one).all() for one, shape in zip(arrays, wanted, strict=True)):
        raise ValueError(f"'{name}' has other shapes, or numbers that are none")
    if not (len(usual) and rest[0] > 0 and (variances > 0).all()):
        raise ValueError(f"'{name}' has no spread")
    spread = Spread(middle, directions, variances, float(rest[0]))
    return Reference(spread, usual, Numbers(*map(float, numbers)) if width else None)
