"""Whether this machine has what a recipe asks to train on: said at a command's start, not after minutes of rendering."""

import logging

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry

from xgaze.errors import InputError, nearest
from xgaze.recipe import Training

ANYWHERE = ("auto", 1, "auto", "auto")
SHOWN, TOLD = 60, 300


def device_of(settings: Training) -> str:
    """The kind of device that these settings train on here."""
    if settings.accelerator not in ("auto", "gpu"):
        return settings.accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def require_devices(settings: Training) -> None:
    """Raises InputError for an accelerator or strategy that Lightning does not know, or that this machine cannot give."""
    if (settings.accelerator, settings.devices, settings.strategy, settings.precision) == ANYWHERE:
        return
    _require_known("accelerator", settings.accelerator, {"auto", "gpu", *AcceleratorRegistry.available_accelerators()})
    _require_known("strategy", settings.strategy, {"auto", *StrategyRegistry.available_strategies()})
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        _try(settings)
    except Exception as error:  # of a dozen types, those of missing packages among them
        told = " ".join(str(error).split())[:TOLD].rstrip(".")
        raise InputError(
            f"training.accelerator {settings.accelerator}, devices {settings.devices}, strategy {settings.strategy}: this "
            f"machine cannot train so ({told}). Leave them out, or set accelerator: auto, devices: 1, strategy: auto."
        ) from None
    finally:
        logger.setLevel(level)


def _require_known(key: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise InputError(f"training.{key} '{name[:SHOWN]}' is not known; {nearest(name[:SHOWN], known)}")


def _try(settings: Training) -> None:
    """Lightning alone knows what goes together; making a trainer starts nothing."""
    Trainer(
        accelerator=settings.accelerator,
        devices=settings.devices,
        strategy=settings.strategy,
        precision=None if settings.precision == "auto" else settings.precision,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
