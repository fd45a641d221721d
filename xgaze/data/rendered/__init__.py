"""The embedded rendered recording: a synthetic head-mounted eye tracker whose every pixel's anatomy is known."""

from xgaze.data.rendered.eye_parts import REGIONS
from xgaze.data.rendered.folder_export import write_eye_folders
from xgaze.data.rendered.frames import FrameStates, draw_frames
from xgaze.data.rendered.headset import CAMERAS, EYE_OF_CAMERA, SCENE_SIZE_PX
from xgaze.data.rendered.person import EYES, Participant, draw_participant
from xgaze.data.rendered.person_frames import STATE_SHAPES, RenderedParticipant, render_participant
from xgaze.data.rendered.render_cache import RENDERER_VERSION, default_cache_dir, participant_id
from xgaze.data.rendered.rendered_splits import (
    SPLITS,
    RecordingSettings,
    RenderedRecording,
    RenderedSplit,
    open_recording,
    open_unlabelled_people,
)

__all__ = [
    "CAMERAS",
    "EYES",
    "EYE_OF_CAMERA",
    "REGIONS",
    "RENDERER_VERSION",
    "SCENE_SIZE_PX",
    "SPLITS",
    "STATE_SHAPES",
    "FrameStates",
    "Participant",
    "RecordingSettings",
    "RenderedParticipant",
    "RenderedRecording",
    "RenderedSplit",
    "default_cache_dir",
    "draw_frames",
    "draw_participant",
    "open_recording",
    "open_unlabelled_people",
    "participant_id",
    "render_participant",
    "write_eye_folders",
]
