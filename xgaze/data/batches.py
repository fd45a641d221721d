"""From a recording's rows to batches, in order or shuffled reproducibly."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from xgaze.data.contract import Batch, Recording, Sample, Spec, collate, dimensions
from xgaze.limits import require_memory


class Rows(Dataset[Sample]):
    """Some rows of a recording as a data set."""

    def __init__(self, recording: Recording, rows: NDArray[np.int64]) -> None:
        self.recording = recording
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return self.recording[int(self.rows[index])]


class EpochShuffle(Sampler[int]):
    """A permutation that depends on seed and epoch alone, so a resumed training sees the same order. Where several devices train
    together it is dealt out to them, its beginning twice if that is needed for equal shares."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.length // _rank_of_all()[1])

    def __iter__(self) -> Iterator[int]:
        rank, ranks = _rank_of_all()
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.length)
        return map(int, np.concatenate([order, order[: -self.length % ranks]])[rank::ranks])


def _rank_of_all() -> tuple[int, int]:
    """Which of how many processes this is that train one model together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class Collate:
    """Picklable collate function for loader workers."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __call__(self, samples: list[Sample]) -> Batch:
        return collate(samples, self.spec)


def shuffled_loader(
    recording: Recording, rows: NDArray[np.int64], batch_size: int, seed: int, workers: int = 0
) -> DataLoader[Sample]:
    """Training batches; the last one may be smaller. Raises InputError for batches larger than memory."""
    _require_room(recording.spec, min(batch_size, len(rows)))
    shuffle = EpochShuffle(len(rows), seed)
    collate_fn = Collate(recording.spec)
    return DataLoader(Rows(recording, rows), batch_size, sampler=shuffle, collate_fn=collate_fn, num_workers=workers)


def _require_room(spec: Spec, samples: int) -> None:
    """Of a batch's inputs as they are stacked and as they are fed; what a model makes of them is not known here."""
    numbers = samples * sum(math.prod(one.shape) for one in spec.inputs)
    told = f"A batch of {samples:,} samples of {' + '.join(dimensions(one.shape) for one in spec.inputs)}"
    require_memory(8.0 * numbers, told, "Set a smaller training.batch_size, or smaller inputs.")


def ordered_loader(
    recording: Recording, rows: NDArray[np.int64], batch_size: int = 64, workers: int = 0
) -> DataLoader[Sample]:
    """Batches in the order of `rows`. Raises InputError for batches larger than memory."""
    _require_room(recording.spec, min(batch_size, len(rows)))
    return DataLoader(
        Rows(recording, rows), batch_size, shuffle=False, collate_fn=Collate(recording.spec), num_workers=workers
    )


def ordered_batches(recording: Recording, rows: NDArray[np.int64], batch_size: int = 64) -> Iterator[Batch]:
    """Batches in the order of `rows`, on the CPU."""
    for start in range(0, len(rows), batch_size):
        yield collate([recording[int(row)] for row in rows[start : start + batch_size]], recording.spec)


def device_of(module: torch.nn.Module) -> torch.device:
    """Where a model's parameters lie."""
    return next((p.device for p in module.parameters()), torch.device("cpu"))


@contextmanager
def every_operation() -> Iterator[None]:
    """Recurrent layers run as single operations, which can be counted; MKL-DNN would run an LSTM in one piece, worth nothing."""
    before, *_ = torch.backends.mkldnn.set_flags(False, _fp32_precision=None)
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(before, _fp32_precision=None)
