"""Recordings of Pupil Core and Neon with the videos of their eye cameras."""

from typing import TYPE_CHECKING

from xgaze.data.eye_videos.eye_videos_section import PupilRecordingsData
from xgaze.data.source import Source, same_data
from xgaze.recipe.data_sections import DataSection

if TYPE_CHECKING:
    from xgaze.data.contract import Recording, Spec
    from xgaze.data.fault_kinds import Checked
    from xgaze.progress import Advance


class PupilRecordings(Source[PupilRecordingsData]):
    """Every gaze sample has been measured by the device: a model trained on them can become no better than it."""

    section = PupilRecordingsData

    def open(self, data: PupilRecordingsData, progress: "Advance | None" = None) -> "Recording":
        from xgaze.data.eye_videos.eye_video_recording import open_eye_videos

        return open_eye_videos(data, progress)

    def spec(self, data: PupilRecordingsData) -> "Spec":
        from xgaze.data.eye_videos.eye_video_recording import spec_of_eye_videos

        return spec_of_eye_videos(data)

    def for_prediction(self, data: PupilRecordingsData, spec: "Spec", trained_on: DataSection) -> "Recording":  # noqa: ARG002
        from xgaze.data.eye_videos.eye_video_recording import open_eye_videos

        return open_eye_videos(data, divided=same_data(data, trained_on))

    def check(self, data: PupilRecordingsData, advance: "Advance | None" = None) -> "Checked":
        from xgaze.data.eye_videos.eye_video_recording import look_into
        from xgaze.data.fault_kinds import Checked, Fault
        from xgaze.errors import InputError

        try:
            _, faults = look_into(data)
        except InputError as error:
            faults = [Fault("nothing found", str(error))]
        return Checked(tuple(faults)) if faults else super().check(data, advance)


SOURCE = PupilRecordings()
