"""What probes may read: the recording's own target and, where eyes are rendered, the anatomy behind each picture."""

import numpy as np
from numpy.typing import NDArray

from xgaze.capacity.probes import ProbeTarget, whole_target
from xgaze.data.contract import Recording, targets_of
from xgaze.data.rendered.headset import EYE_OF_CAMERA
from xgaze.recorded_targets import BY_TEACHER

CLOSED_MM = 1.0
"""Below this lid opening an eye shows neither pupil nor glints."""

States = dict[str, NDArray[np.float64]]


def probe_targets(recording: Recording, rows: NDArray[np.int64]) -> list[ProbeTarget]:
    """Targets at `rows`: the gaze point, the value, or the class as one column per class; and the states of the renderer, if it
    made the recording. Pupils and glints behind closed lids are unknown."""
    found = [_own_target(recording, rows)]
    if (states := recording.states(rows)) is not None:
        found += rendered_targets(states)
    return found


def rendered_targets(states: States) -> list[ProbeTarget]:
    """states: arrays of n rows, as `xgaze.data.rendered.person_frames.STATE_SHAPES` names them."""
    open_eyes = states["lid_opening_mm"] >= CLOSED_MM
    open_views = open_eyes[:, list(EYE_OF_CAMERA)]
    glints = states["glint_px"].reshape(len(open_eyes), -1, 2)
    visible = (states["glint_visible"] > 0.5).reshape(glints.shape[:2])
    return [
        ProbeTarget("pupil centre", "px", states["pupil_centre_px"], open_views),
        ProbeTarget("pupil radius", "mm", states["pupil_radius_mm"][..., None], open_eyes),
        ProbeTarget("lid opening", "mm", states["lid_opening_mm"][..., None], np.ones_like(open_eyes)),
        ProbeTarget("glints", "px", glints, visible & np.repeat(open_views, 2, axis=1)),
        whole_target("slippage", "mm", states["slippage_mm"]),
        whole_target("slippage, turned", "degrees", states["slippage_deg"]),
    ]


def _own_target(recording: Recording, rows: NDArray[np.int64]) -> ProbeTarget:
    spec, truth = recording.spec, targets_of(recording, rows)
    if spec.kind != "class":
        whose = "the teacher's " * (spec.truth == BY_TEACHER)
        name = {"gaze": "gaze point", "angle": "gaze direction"}.get(spec.kind, "value")
        return whole_target(f"{whose}{name}", spec.unit, truth)
    if spec.kind == "value":
        return whole_target("value", spec.unit, truth)
    return whole_target("class", "distance to its column", np.eye(len(spec.classes))[truth])
