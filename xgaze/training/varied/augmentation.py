"""Photographs varied anew in every epoch, photograph and map together, by seed, epoch and row alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from xgaze.data.batches import Collate, EpochShuffle, shuffled_loader
from xgaze.data.contract import Recording, Sample
from xgaze.data.photographs.photograph_recording import IMAGE, square_of
from xgaze.errors import InputError
from xgaze.recipe import Augment, Training

GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as in the grey of pictures (ITU-R 601)


def augmented(sample: Sample, side: int, settings: Augment, rng: np.random.Generator) -> Sample:
    """One random square of a whole sample, cut and mirrored alike in every input and map; only the photograph's colours vary."""
    height, width = sample.inputs[IMAGE].shape[1:]
    left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    square = square_of(sample, left, top, side)
    if settings.flip and rng.random() < 0.5:
        square = replace(square, inputs=_mirrored(square.inputs), aux=_mirrored(square.aux))
    image = jittered(square.inputs[IMAGE], settings.jitter, rng)
    return replace(square, inputs={**square.inputs, IMAGE: image})


def jittered(image: NDArray[np.uint8], amount: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast and saturation, in this order, each times a factor of 1 - amount to 1 + amount: uint8 (3, H, W)."""
    if not amount:
        return image
    brightness, contrast, saturation = rng.uniform(1 - amount, 1 + amount, 3)
    values = np.clip(image * brightness, 0, 255)
    middle = np.tensordot(GREY, values, 1).mean()
    values = np.clip(middle + contrast * (values - middle), 0, 255)
    grey = np.tensordot(GREY, values, 1)
    values = np.clip(grey + saturation * (values - grey), 0, 255)
    out: NDArray[np.uint8] = np.round(values).astype(np.uint8)
    return out


def training_loader(recording: Recording, rows: NDArray[np.int64], settings: Training, seed: int) -> DataLoader[Any]:
    """Shuffled training batches, augmented where the settings say so. Raises InputError for recordings that cannot be."""
    if settings.augment is None:
        return shuffled_loader(recording, rows, settings.batch_size, seed, settings.workers)
    if recording.whole(int(rows[0])) is None:
        raise InputError("training.augment is for photographs; leave it out for this recording.")
    return DataLoader(
        AugmentedRows(recording, rows, settings.augment, seed),
        settings.batch_size,
        sampler=EpochPairs(len(rows), seed),
        collate_fn=Collate(recording.spec),
        num_workers=settings.workers,
    )


class EpochPairs(Sampler[tuple[int, int]]):
    """Pairs of epoch and place, shuffled as `EpochShuffle` does, so that a data set knows the epoch wherever it is read."""

    def __init__(self, length: int, seed: int) -> None:
        self.shuffle = EpochShuffle(length, seed)

    def set_epoch(self, epoch: int) -> None:
        self.shuffle.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.shuffle)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((self.shuffle.epoch, place) for place in self.shuffle)


class AugmentedRows(Dataset[Sample]):
    """Some rows of a recording, each as it is seen in an epoch: item (epoch, place)."""

    def __init__(self, recording: Recording, rows: NDArray[np.int64], settings: Augment, seed: int) -> None:
        self.recording = recording
        self.rows = rows
        self.settings = settings
        self.seed = seed % 2**63  # a seed may be negative, numpy's may not

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: tuple[int, int]) -> Sample:
        epoch, place = item
        row = int(self.rows[place])
        whole, side = self.recording.whole(row), self.recording.spec.inputs[0].picture[1]
        assert whole is not None
        return augmented(whole, side, self.settings, np.random.default_rng([self.seed, epoch, row]))


def _mirrored(pictures: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(pixels[..., ::-1]) for name, pixels in pictures.items()}
