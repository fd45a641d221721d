"""A model out of a folder, as a network that reads arrays."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from xgaze.artifacts import CARD_FILE, WEIGHTS_FILE, ModelCard
from xgaze.compression.student import load_model
from xgaze.data.contract import Spec, normalise
from xgaze.data.sources.arrays import stacked
from xgaze.errors import InputError
from xgaze.evaluation.classes.classification import probabilities
from xgaze.models.layers import FeatureHead
from xgaze.recipe import ModelSection
from xgaze.training.seen.seen_pictures import SEEN_FILE
from xgaze.writing import atomic_path

FILES = (WEIGHTS_FILE, "model.onnx", "model.int8.onnx", SEEN_FILE, CARD_FILE)
BATCH = 64


class StoredModel(nn.Module):
    """A model of a folder. Called as the network itself is, it reads float32 tensors that are normalised; `predict` reads
    arrays as they were recorded. `card` says what it was made of and how good it is."""

    def __init__(self, net: FeatureHead, card: ModelCard, folder: Path) -> None:
        super().__init__()
        self.net = net
        self.card, self.folder, self.spec = card, folder, Spec.from_json(card.spec)

    def forward(self, *inputs: Tensor) -> Tensor:
        """(batch, outputs): px, a value in its unit, or one logit per class; of several targets the main one's first."""
        out: Tensor = self.net(*inputs)
        return out

    @torch.inference_mode()
    def predict(
        self, inputs: Mapping[str, ArrayLike] | ArrayLike, missing: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float32]:
        """Gaze (n, 2) in px, values (n,), or probabilities (n, classes) of arrays as they were recorded: by name, or one array
        where the model reads one input; of several targets all of them, (n, outputs) as `spec.targets` names them. missing: of
        inputs that samples may lack, which do, (n,) true or false by name. Raises InputError for arrays that do not fit."""
        specs = self.spec.inputs
        if not isinstance(inputs, Mapping):
            if len(specs) > 1:
                raise InputError(f"the model reads {', '.join(one.name for one in specs)}: give arrays by these names.")
            inputs = {specs[0].name: inputs}
        arrays = stacked(specs, inputs, missing)
        self.eval()
        count = len(next(iter(arrays.values())))
        found = [
            self(*(normalise(arrays[one.name][k : k + BATCH], one) for one in specs)).float().numpy()
            for k in range(0, count, BATCH)
        ]
        outputs = np.concatenate(found) if found else np.zeros((0, self.spec.outputs), np.float32)
        if self.spec.kind == "class":
            return probabilities(outputs).astype(np.float32)
        return outputs[:, 0] if self.spec.kind == "value" and not self.spec.beside else outputs

    def save(self, folder: str | Path) -> Path:
        """Copy the model into a folder of its own: weights, card, and ONNX files where there are any. Raises InputError for a
        folder that holds anything else."""
        target = Path(folder)
        if target.exists() and (not target.is_dir() or {one.name for one in target.iterdir()} - set(FILES)):
            raise InputError(f"{target}: holds something else; give a folder that does not exist yet.")
        if target.resolve() == self.folder.resolve():
            return target
        with atomic_path(target) as made:
            made.mkdir()
            for name in FILES:
                if (self.folder / name).is_file():
                    shutil.copyfile(self.folder / name, made / name)
            shutil.rmtree(target, ignore_errors=True)
        return target


def stored_model(folder: Path, own: ModelSection | None = None, trust_import: bool = False) -> StoredModel:
    """The model of a folder. Raises InputError as `load_model` does."""
    return StoredModel(*load_model(folder, own, trust_import), folder)


def load(folder: str | Path, trust_import: bool = False) -> StoredModel:
    """A model of a folder that a command, or `save`, wrote: an nn.Module in evaluation mode, whose `predict` reads arrays.

    No pickle is read. A folder may come from anybody: one that names a class to import is refused unless `trust_import`, as
    importing runs code. Networks that were at hand in Python need no class: their folder holds their graph.
    """
    return stored_model(Path(folder), trust_import=trust_import)
