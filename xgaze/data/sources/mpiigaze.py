"""MPIIGaze: normalised eyes with head pose, the direction of gaze in rad."""

from typing import TYPE_CHECKING

from xgaze.data.normalised.mpiigaze_section import MpiiGazeData
from xgaze.data.source import Source

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.progress import Advance


class MpiiGaze(Source[MpiiGazeData]):
    """Both eyes of a person are that person's samples, right ones mirrored."""

    section = MpiiGazeData
    samples = "eyes"

    def open(self, data: MpiiGazeData, progress: "Advance | None" = None) -> "Recording":
        from xgaze.data.normalised.mpiigaze_recording import open_mpiigaze

        return open_mpiigaze(data, progress)

    def spec(self, data: MpiiGazeData) -> "Spec":  # noqa: ARG002
        from xgaze.data.normalised.mpiigaze_recording import SPEC

        return SPEC


SOURCE = MpiiGaze()
