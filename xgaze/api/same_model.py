"""Whether a finished model still is what it was, without building it."""

from pathlib import Path

from xgaze.artifacts import WEIGHTS_FILE, WEIGHTS_HASH, ModelCard, file_hash, library_versions
from xgaze.recipe import ModelSection


def require_same_model(folder: Path, card: ModelCard, own: ModelSection) -> None:
    """Raises InputError where a model is no longer the one that its card tells of.

    The same weights under the same code, xgaze's own and the libraries', are the same model; where any of that changed, or where
    a class of the user's own is imported, it is built and its outputs are compared.
    """
    wanted = own.model_dump(mode="json")
    same_code = "import" not in wanted and card.versions == library_versions()
    same_weights = card.metrics.get(WEIGHTS_HASH) == file_hash(folder / WEIGHTS_FILE)
    if not (same_code and same_weights and card.architecture == wanted):
        from xgaze.compression.student import load_model

        load_model(folder, own)
