"""xgaze: how small can this gaze model be, what does it lose, and why?"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
OFFERED = {
    "open": "api.opening",
    "ArrayRecording": "data.sources.arrays",
    "check": "api.own_data.checking",
    "train_teacher": "api.teaching",
    "adopt": "api.adopting",
    "distill": "api.distilling",
    "compress": "api.compressing",
    "explain": "api.explaining",
    "calibrate": "api.calibrating",
    "crossval": "api.cross_validating",
    "saliency": "api.scoring_maps",
    "load": "api.stored_model",
    "predict": "api.predicting",
    "features": "api.inspecting",
}
"""What Python is offered, and the module it lies in, which is imported when it is used."""


def __getattr__(name: str) -> Any:
    if name in OFFERED:
        return getattr(import_module(f"xgaze.{OFFERED[name]}"), name)
    raise AttributeError(f"module 'xgaze' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*OFFERED, "__version__"])
