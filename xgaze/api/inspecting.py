"""What the layers of a stored model put out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xgaze.api.outcomes import Told
from xgaze.api.predicting import asked_of
from xgaze.api.runs import python_words
from xgaze.api.stored_model import StoredModel
from xgaze.artifacts import atomic_path, write_json, write_text
from xgaze.errors import InputError
from xgaze.explanation.embedding.feature_maps import feature_maps, layer_names, mean_activations
from xgaze.progress import progress_bar
from xgaze.writing import together

if TYPE_CHECKING:
    from xgaze.api.opening import OpenRecording
    from xgaze.data.sources.arrays import ArrayRecording

SAMPLES = 256


@dataclass(frozen=True, repr=False, eq=False)
class Features(Told):
    """What layers put out. layers: how active each is over `samples` samples, one dict per layer; maps: by layer, what it puts
    out for the sample `sample`, without the batch."""

    layers: list[dict[str, Any]]
    maps: dict[str, NDArray[Any]]
    sample: str
    samples: int

    def title(self) -> str:
        return f"Layers over {self.samples} samples, and their maps of '{self.sample}'"

    def rows(self) -> list[tuple[str, str]]:
        return [
            (one["layer"], f"{one['kind']} {one['shape']}, mean absolute activation {one['mean_absolute']:.3g}")
            for one in self.layers
        ]

    def to_json(self) -> dict[str, Any]:
        """All but the maps."""
        return {"samples": self.samples, "sample": self.sample, "layers": self.layers}

    def write(self, folder: str | Path) -> Path:
        """features.json (activations), features.svg (the same as bars) and features.npz (maps) in a folder."""
        from xgaze.report.drawing.layer_activity import features_figure

        out = Path(folder)
        with together(out.resolve(), "features.json") as made:
            with atomic_path(made / "features.npz") as temporary:
                np.savez_compressed(temporary, **self.maps)  # type: ignore[arg-type]
            write_text(made / "features.svg", features_figure(self.layers, self.samples).svg)
            write_json(made / "features.json", self.to_json())
        return out


def features(
    model: "StoredModel | str | Path",
    data: "OpenRecording | ArrayRecording | str | Path",
    *,
    layers: Sequence[str] = (),
    samples: int = SAMPLES,
    sample: int = 0,
    trust_import: bool = False,
) -> Features:
    """What layers put out: how active each is on average, and its feature maps of one sample.

    model and data: as of `xgaze.predict`. layers: paths of modules; all that hold no other unless given. samples: over so many,
    spread over the recording. sample: whose maps, by index. Raises InputError.
    """
    with python_words():
        return features_of(model, data, layers, samples, sample, trust_import)


def features_of(
    model: Any, data: Any, layers: Sequence[str], samples: int, sample: int, trust_import: bool = False
) -> Features:
    """The same, with the words of the command."""
    network, recording = asked_of(model, data, trust_import)
    told = recording.table["id"]
    if sample >= len(told):
        where = data if isinstance(data, str | Path) else "data"
        raise InputError(f"sample {sample}: {where} holds {len(told)} samples, counted from 0.")
    names = layer_names(network.net, layers)
    rows = np.linspace(0, len(told) - 1, min(samples, len(told))).astype(np.int64)
    with progress_bar("looking into the layers") as advance:
        found = [asdict(one) for one in mean_activations(network.net, recording, rows, names, advance)]
    if not found:
        raise InputError(f"{network.folder}: none of the layers puts out a tensor.")
    return Features(found, feature_maps(network.net, recording, sample, names), str(told.iloc[sample]), len(rows))
