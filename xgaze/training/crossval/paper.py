"""A published protocol replayed, faults and all, to reach published figures. Its estimate is not clean, and says so."""

from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from xgaze.data.batches import EpochShuffle, shuffled_loader
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.classes.classification import accuracy
from xgaze.models.inference import predict
from xgaze.recipe import Recipe
from xgaze.training.crossval.fold import Trained, fresh_model
from xgaze.training.crossval.folds import OuterFold
from xgaze.training.lightning.divergence import diverged
from xgaze.training.losses import loss_of
from xgaze.training.task import make_optimiser
from xgaze.training.whole import home

INNER_EPOCHS = 5
NOT_CLEAN = (
    "not a clean estimate: the published protocol goes on training the same weights from one inner fold to the next, so that "
    "later validation participants were already trained on, and participants that its slices leave over are never tested"
)


def train_paper(recipe: Recipe, recording: Recording, fold: OuterFold, _: Path, seed: int) -> Trained:
    """5 epochs per inner fold, the same weights and optimiser throughout; the best validation accuracy, strictly greater, picks
    the weights. Raises InputError where the target is no class."""
    if recording.spec.kind != "class":
        raise InputError("--protocol paper: the published protocol is for classes; leave it out for other targets.")
    varied = ("augment", "gaze_augmentation", "mirror_images", "varied_pictures")
    if asked := [key for key in varied if getattr(recipe.training, key)]:
        raise InputError(f"--protocol paper trains on pictures as they are; leave training.{asked[0]} out.")
    if recipe.training.for_random_weights:
        key = recipe.training.for_random_weights[0]
        raise InputError(f"--protocol paper starts from random weights as they are; leave training.{key} out.")
    if recipe.training.head_epochs:
        raise InputError("--protocol paper trains the whole model throughout; leave training.head_epochs out.")
    model = fresh_model(recipe, recording, seed)
    optimiser = make_optimiser(model, recipe.training)
    best, chosen, rows = -1.0, model.state_dict(), []
    for number, inner in enumerate(fold.inner):
        view = recording.resplit(dict.fromkeys(inner.train, "train") | dict.fromkeys(inner.validation, "validation"))
        validation = rows_of(view, "validation")
        for epoch in range(number * INNER_EPOCHS, (number + 1) * INNER_EPOCHS):
            loss = _epoch(model, optimiser, recipe, view, seed, epoch)
            logits, truth = predict(model, view, validation), targets_of(view, validation)
            figures = {"validation_loss": _loss(logits, truth), "validation_accuracy": accuracy(logits, truth)}
            rows.append({"training": "one", "inner": number + 1, "epoch": epoch, "train_loss": loss, **figures})
            if figures["validation_accuracy"] > best:
                best = figures["validation_accuracy"]
                chosen = {name: value.clone() for name, value in model.state_dict().items()}
                picked = epoch + 1
    model.load_state_dict(chosen)
    home(model)
    return Trained(model, pd.DataFrame(rows), {"epochs": picked, "best_epochs": [picked]})


def _epoch(
    model: nn.Module, optimiser: torch.optim.Optimizer, recipe: Recipe, view: Recording, seed: int, epoch: int
) -> float:
    """One pass over the training participants; the mean loss of its batches."""
    model.train()
    torch.manual_seed(seed + epoch)
    loader = shuffled_loader(view, rows_of(view, "train"), recipe.training.batch_size, seed)
    if isinstance(loader.sampler, EpochShuffle):
        loader.sampler.set_epoch(epoch)
    total, count = 0.0, 0
    for number, batch in enumerate(loader, start=1):
        optimiser.zero_grad()
        loss = loss_of(recipe.training.loss, view.spec)(model(*batch.inputs).float(), batch.target)
        if not torch.isfinite(loss):
            found, rate = f"the loss of batch {number} is {float(loss.detach())}", recipe.training.learning_rate
            raise InputError(diverged("a fold", f"epoch {epoch + 1}", found, rate, "training.learning_rate"))
        loss.backward()
        optimiser.step()
        total, count = total + float(loss.detach()) * len(batch.ids), count + len(batch.ids)
    return total / count


def _loss(logits: object, truth: object) -> float:
    return float(functional.cross_entropy(torch.tensor(logits), torch.tensor(truth)))
