"""Published gaze networks: eyes, faces, head poses and face grids in, a gaze point or a direction out."""

from xgaze.models.architectures.gaze_nets import blazegaze, itracker, l2cs, lenet, resnet_preact, social_eye

ARCHITECTURE = (
    blazegaze.ARCHITECTURE,
    itracker.ARCHITECTURE,
    l2cs.ARCHITECTURE,
    lenet.ARCHITECTURE,
    resnet_preact.ARCHITECTURE,
    social_eye.ARCHITECTURE,
)
