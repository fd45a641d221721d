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
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from xgaze.artifacts import read_json, write_csv, write_json
from xgaze.errors import InputError
from xgaze.processes import is_helper
from xgaze.progress import progress_bar, remark
from xgaze.recipe import Training
from xgaze.stored import Stored, read_mapping, read_table
from xgaze.training.lightning.checkpoint_io import SafetensorsCheckpointIO
from xgaze.training.lightning.divergence import Divergence
from xgaze.training.lightning.ranks import ranks
from xgaze.training.lightning.weight_averaging import AveragedWeights
from xgaze.training.teacher_folder import RUN

BEST, LAST, FITTED, HISTORY_FILE = "best.safetensors", "last.safetensors", "fitted.json", "history.csv"
AGAIN = "It is made again."


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


class Best(ModelCheckpoint):
    """The state of the epoch that is best by the monitored figure, as safetensors."""

    FILE_EXTENSION = ".safetensors"


class Last(Checkpoint):
    """The state after every epoch, one without improvement too: what a killed training goes on from. Comes after `Best`, so that
    it knows what was best."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        trainer.save_checkpoint(self.path)


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
    rate: str = "training.learning_rate",
) -> None:
    """Train `task` in place and leave it with its best weights; resumes from `folder` when it holds an unfinished run, and only
    reads a finished one. Raises InputError where a loss or the monitored figure is no finite number; rate: the key to lower then.
    """
    state = _unfinished(folder, what)
    if not (folder / FITTED).is_file():
        history = History(folder / HISTORY_FILE)
        best = Best(folder, "best", monitor, save_top_k=1, enable_version_counter=False)
        stopping = EarlyStopping(monitor, settings.min_delta, settings.patience)
        with _quiet(), progress_bar(what) as advance:
            # The states come last, so that they hold what the other callbacks know of this epoch.
            watching: list[pl.Callback] = [Divergence(what, rate, monitor), stopping, history, Progress(advance)]
            watching += averaging(settings)
            _train(_trainer(settings, [*watching, best, Last(folder / LAST)], folder), task, train, validation, state)
        write_json(folder / FITTED, {"epochs": len(history.rows)})
    task.load_state_dict(SafetensorsCheckpointIO().load_checkpoint(folder / BEST)["state_dict"])


def fit_epochs(
    task: pl.LightningModule, train: DataLoader[Any], settings: Training, folder: Path, epochs: int, what: str
) -> None:
    """Train `task` in place for the first `epochs` epochs of `settings` and keep the last weights: nobody selects any.
    Raises InputError where a loss is no finite number."""
    with _quiet(), progress_bar(what) as advance:
        watching: list[pl.Callback] = [Divergence(what), History(folder / HISTORY_FILE), Progress(advance)]
        watching += averaging(settings)
        _train(_trainer(settings, [*watching, StopAfter(epochs)], folder, keep=False), task, train)


def averaging(settings: Training) -> list[pl.Callback]:
    """What averages weights, where the settings ask for it."""
    return [AveragedWeights(settings.weight_averaging)] if settings.weight_averaging else []


def _train(
    trainer: pl.Trainer,
    task: pl.LightningModule,
    train: DataLoader[Any],
    validation: DataLoader[Any] | None = None,
    state: Path | None = None,
) -> None:
    """Let Lightning train. A process that only helps is done with it and ends."""
    try:
        with ranks():
            trainer.fit(task, train, validation, ckpt_path=None if state is None else str(state))
    except SystemExit:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from None
    if is_helper():
        raise SystemExit(0)


def _unfinished(folder: Path, what: str) -> Path | None:
    """The training state to go on from; None to begin. What is damaged is removed: it is computed again."""
    if not (folder / LAST).is_file() and not (folder / FITTED).is_file():
        return None
    try:
        last, _best = (SafetensorsCheckpointIO().load_checkpoint(folder / name) for name in (LAST, BEST))
        if (folder / FITTED).is_file():
            _require_history(folder)
    except InputError as error:
        remark(f"{error} {what} begins anew.")
        for name in (FITTED, LAST, BEST):
            (folder / name).unlink(missing_ok=True)
        return None
    if not (folder / FITTED).is_file():
        remark(f"{what} goes on after epoch {last['epoch'] + 1} of a stopped run ({folder}).")
    return folder / LAST


def epochs_fitted(folder: Path) -> int:
    """How many epochs the finished training in `folder` took. Raises InputError."""
    epochs: int = read_mapping(folder / FITTED, _Fitted, AGAIN)["epochs"]
    return epochs


class _Fitted(Stored):
    epochs: int


def _require_history(folder: Path) -> None:
    """Raises InputError where not every epoch of a finished training is told."""
    epochs = read_table(folder / HISTORY_FILE, ["epoch"], AGAIN)["epoch"].tolist()
    if epochs != list(range(epochs_fitted(folder))):
        raise InputError(f"{folder / HISTORY_FILE}: damaged: not every epoch is there.")


def fresh_folder(folder: Path, fingerprint: str) -> Path:
    """`folder`, emptied unless it holds an unfinished run of the same fingerprint."""
    if not is_helper() and _fingerprint_of(folder) != fingerprint:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(folder / RUN, {"hash": fingerprint})
    return folder


def _fingerprint_of(folder: Path) -> Any:
    """What `fresh_folder` wrote there; None where nothing readable lies."""
    try:
        stored = read_json(folder / RUN)
    except InputError:
        return None
    return stored.get("hash") if isinstance(stored, dict) else None


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
        use_distributed_sampler=False,  # shuffles deal their order out to the ranks themselves
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        gradient_clip_val=settings.gradient_clip if settings.optimiser != "sgd" else None,
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
    able = torch.cpu.get_capabilities()
    capable = able.get("avx512_bf16", False) or able.get("amx_tile", False)
    return "bf16-mixed" if capable else "32-true"


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's advertisements and hints for the time of a fit; errors still show."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
