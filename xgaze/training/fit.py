"""Fit a task: early stopping and weight selection on validation participants, resume after a kill, history kept."""

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from xgaze.artifacts import read_json, write_csv, write_json
from xgaze.errors import InputError
from xgaze.progress import progress_bar
from xgaze.recipe import Training
from xgaze.training.checkpoint_io import SafetensorsCheckpointIO


class History(pl.Callback):
    """One row per epoch, carried inside the training state so that a resumed history has no gap."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch, **figures})
        write_csv(self.path, pd.DataFrame(self.rows))

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])


class Progress(pl.Callback):
    """Steps done of all steps, on a bar."""

    def __init__(self, advance: Any) -> None:
        self.advance = advance

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.advance(trainer.global_step, int(trainer.estimated_stepping_batches))


class Checkpoints(ModelCheckpoint):
    """`best` by the monitored figure and `last`, once per epoch, as safetensors."""

    FILE_EXTENSION = ".safetensors"
    CHECKPOINT_NAME_LAST = "last"


class StopAfter(pl.Callback):
    """Ends a training early but leaves its schedule as it is: epoch e is the same however many epochs follow."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.current_epoch + 1 >= self.epochs:
            trainer.should_stop = True


def fit(
    task: pl.LightningModule,
    train: DataLoader[Any],
    validation: DataLoader[Any],
    settings: Training,
    folder: Path,
    monitor: str,
    what: str = "training",
) -> None:
    """Train `task` in place and leave it with its best weights; resumes from `folder` when it holds an unfinished run."""
    history = History(folder / "history.csv")
    checkpoints = Checkpoints(folder, "best", monitor, save_top_k=1, save_last=True, enable_version_counter=False)
    stopping = EarlyStopping(monitor, settings.min_delta, settings.patience)
    with _quiet(), progress_bar(what) as advance:
        # The checkpoints come last, so that they hold what the other callbacks know of this epoch.
        callbacks: list[pl.Callback] = [stopping, history, Progress(advance), checkpoints]
        trainer = _trainer(settings, callbacks, folder)
        last = folder / "last.safetensors"
        try:
            trainer.fit(task, train, validation, ckpt_path=str(last) if last.is_file() else None)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
    best = SafetensorsCheckpointIO().load_checkpoint(folder / "best.safetensors")
    task.load_state_dict(best["state_dict"])


def fit_epochs(
    task: pl.LightningModule, train: DataLoader[Any], settings: Training, folder: Path, epochs: int, what: str
) -> None:
    """Train `task` in place for the first `epochs` epochs of `settings` and keep the last weights: nobody selects any."""
    with _quiet(), progress_bar(what) as advance:
        callbacks: list[pl.Callback] = [History(folder / "history.csv"), Progress(advance), StopAfter(epochs)]
        try:
            _trainer(settings, callbacks, folder, keep=False).fit(task, train)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None


def fresh_folder(folder: Path, fingerprint: str) -> Path:
    """`folder`, emptied unless it holds an unfinished run of the same fingerprint."""
    mark = folder / "run.json"
    if _marked(mark) != {"hash": fingerprint}:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(mark, {"hash": fingerprint})
    return folder


def _marked(mark: Path) -> Any:
    """What the mark says; None where it is missing or damaged, and so of no run."""
    try:
        return read_json(mark)
    except InputError:
        return None


def _trainer(settings: Training, callbacks: list[pl.Callback], folder: Path, keep: bool = True) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=settings.epochs,
        callbacks=callbacks,
        plugins=[SafetensorsCheckpointIO()],
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy=settings.strategy,
        precision=resolve_precision(settings),  # type: ignore[arg-type]
        default_root_dir=folder,
        logger=board(settings, folder),
        enable_checkpointing=keep,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        gradient_clip_val=1.0 if settings.optimiser != "sgd" else None,
    )


def board(settings: Training, folder: Path) -> Logger | Literal[False]:
    """What writes `tensorboard` beside `folder`, which a finished training removes; False unless the settings ask for it.

    Raises InputError where the package is not installed.
    """
    if not settings.tensorboard:
        return False
    if find_spec("tensorboard") is None:
        raise InputError(
            "training.tensorboard needs the package tensorboard: pip install tensorboard, or set it to false."
        )
    return TensorBoardLogger(folder.parent, name="tensorboard", version=folder.name)


def resolve_precision(settings: Training) -> str:
    """ "auto": bf16 where the processor computes in it (AMX or AVX-512 BF16, or a GPU with bf16), else float32."""
    if settings.precision != "auto":
        return settings.precision
    if torch.cuda.is_available() and settings.accelerator in ("auto", "gpu", "cuda"):
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if capable else "32-true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's advertisements and hints for the time of a fit; errors still show."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        logger.setLevel(level)
