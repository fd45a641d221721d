"""The model that a training starts with."""

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, Spec, rows_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.call_forms import Call
from xgaze.models.own_networks.fidelity import real_batches
from xgaze.models.own_networks.imported import own_and_parted, require_same
from xgaze.models.registry import build_architecture
from xgaze.models.starting_weights import start_from, start_whole
from xgaze.recipe import Recipe
from xgaze.training.start.scaled_start import SAMPLES, scale_start
from xgaze.training.start.shared_start import begin_alike, shared_start


def starting_model(recipe: Recipe, spec: Spec) -> FeatureHead:
    """The recipe's model with random weights, or with those of `model.weights`. Raises InputError.

    Only trainings read that file: a trained model is rebuilt without it.
    """
    model = build_architecture(recipe.model.model_dump(mode="json"), spec)
    if recipe.model.weights is not None:
        start = start_from if recipe.model.graph is None else start_whole
        start(model, recipe.model.weights)
    return model


def started_model(recipe: Recipe, recording: Recording) -> FeatureHead:
    """`starting_model`, its random weights scaled by training samples and its towers alike where the recipe says so."""
    model = starting_model(recipe, recording.spec)
    if recipe.training.scaled_start:
        scale_start(model, next(ordered_batches(recording, rows_of(recording, "train"), SAMPLES)).inputs)
    tied = shared_start(model, recording, recipe.training.shared_start)
    if tied is not None:
        begin_alike(model, tied)
    return model


def check_model(recipe: Recipe, recording: Recording) -> None:
    """Before anything is trained or removed. Raises InputError unless the recipe's model can be built, and, where it is made of
    a class of the user's, is on real samples of every split what his own module is; and for one that was adopted."""
    if recipe.model.adopted is not None:
        raise InputError(
            f"recipe '{recipe.name}': its teacher was trained elsewhere and adopted (model.adopted), and nothing trains it here. "
            "Adopt it again with `xgaze adopt`; or, to train the same network on these people, take the key out and give the "
            "recipe another name."
        )
    wanted = recipe.model.model_dump(mode="json")
    if "import" not in wanted:
        build_architecture(wanted, recording.spec)
        return
    own, parted = own_and_parted(wanted["import"], wanted["args"], recording.spec, call=Call.of(wanted))
    require_same(wanted["import"], own, parted, real_batches(recording))
