"""Public data sets of gaze in the layouts in which they are published."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from xgaze.data.published.published_sections import (
    ColumbiaData,
    EthXGazeData,
    FazeData,
    Gaze360Data,
    GazeCaptureData,
    GazeHubData,
    MpiiFaceGazeData,
    MpiiGazeData,
    OpenEdsData,
)
from xgaze.data.source import Source
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.progress import Advance

S = TypeVar("S", bound=DataSection)


class Published(Source[S], Generic[S]):
    """reader: the module that reads it, with `open_X` and `spec_of_X`, where X is `called`."""

    def __init__(self, section: type[S], reader: str, called: str, samples: str = "") -> None:
        self.section = section
        self.reader = reader
        self.called = called
        self.samples = samples

    def open(self, data: S, progress: "Advance | None" = None) -> "Recording":
        found: Recording = self._of("open")(data, progress)
        return found

    def spec(self, data: S) -> "Spec":
        found: Spec = self._of("spec_of")(data)
        return found

    def _of(self, what: str) -> Callable[..., Any]:
        return getattr(import_module(f"xgaze.data.published.{self.reader}"), f"{what}_{self.called}")  # type: ignore[no-any-return]


SOURCE = (
    Published(ColumbiaData, "columbia_pictures", "columbia"),
    Published(EthXGazeData, "eth_xgaze_subjects", "eth_xgaze"),
    Published(FazeData, "faze_strips", "faze"),
    Published(Gaze360Data, "gaze360_frames", "gaze360"),
    Published(GazeCaptureData, "gazecapture_frames", "gazecapture"),
    Published(GazeHubData, "gazehub_labels", "gazehub"),
    Published(MpiiFaceGazeData, "mpiifacegaze_people", "mpiifacegaze"),
    Published(MpiiGazeData, "mpiigaze_recording", "mpiigaze", samples="eyes"),
    Published(OpenEdsData, "openeds_sequences", "openeds"),
)
