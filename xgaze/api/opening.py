"""A recording that is described in a file, opened."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.api.outcomes import Told
from xgaze.recipe import Data, load_data

if TYPE_CHECKING:
    import pandas as pd

    from xgaze.data.contract import Recording, Sample, Spec


@dataclass(frozen=True, repr=False, eq=False)
class OpenRecording(Told):
    """A recording, and the data section that describes it."""

    definition: Data
    recording: "Recording"

    @property
    def table(self) -> "pd.DataFrame":
        """One row per sample: id, group, session, split, and the target."""
        return self.recording.table

    @property
    def spec(self) -> "Spec":
        """Inputs, target, and whom the splits keep apart."""
        return self.recording.spec

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, row: int) -> "Sample":
        return self.recording[row]

    def title(self) -> str:
        return f"Recording ({self.definition.source})"

    def rows(self) -> list[tuple[str, str]]:
        return recording_rows(self.recording)


def recording_rows(recording: "Recording") -> list[tuple[str, str]]:
    """What a recording holds, in words."""
    from xgaze.data.contract import SPLITS, dimensions

    spec, table = recording.spec, recording.table
    own = {split: table[table["split"] == split] for split in SPLITS}
    target = {
        "gaze": f"gaze in {spec.unit}",
        "angle": f"direction of gaze, {'x, y and z' if spec.unit == 'vector' else f'pitch and yaw in {spec.unit}'}",
        "value": f"value {spec.unit}".strip(),
        "class": f"class: {', '.join(spec.classes)}",
    }
    return [
        ("inputs", ", ".join(f"{one.name} {dimensions(one.shape)}" for one in spec.inputs)),
        ("target", target[spec.kind]),
        *((f"beside it: {one.name}", f"{one.unit}".strip() or "a number") for one in spec.beside),
        *((split, f"{len(one)} samples of {one['group'].nunique()} {spec.groups}") for split, one in own.items()),
    ]


def open(path: str | Path, **settings: Any) -> OpenRecording:
    """The recording that a data definition (YAML), or a recipe by name or path, describes; settings: keys of the data section.

    Raises InputError with every fault that shows without decoding pictures; `xgaze check` decodes them too.
    """
    from xgaze.data.open import open_recording
    from xgaze.progress import progress_bar

    overrides = tuple(f"data.{key}={value}" for key, value in settings.items())
    definition = load_data(Path(path), overrides)
    with progress_bar("preparing the recording") as advance:
        return OpenRecording(definition, open_recording(definition, advance))
