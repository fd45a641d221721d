"""Half of the samples seen in a mirror, anew in every batch: each camera's picture is the mirror image of its partner's, and gaze
goes to the other side. Where the cameras lie symmetrically, it is another sample that could be, and people are worth two."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from xgaze.data.contract import Batch, Recording, Spec
from xgaze.errors import InputError

Partners = Sequence[int]
"""For each input, the number of the one whose mirror image takes its place; its own where it lies in the middle."""


def partners_of(recording: Recording, key: str = "training.mirror_images") -> Partners:
    """Raises InputError where a sample has no mirror image, or the recording does not say which cameras change places. key: of
    the recipe, that asked."""
    spec = recording.spec
    if spec.kind not in ("gaze", "angle") or (spec.kind == "gaze" and spec.scene is None):
        raise InputError(
            f"{key} is for gaze in the px of a scene and for directions: elsewhere nothing says where the mirror "
            "stands. Leave it out here."
        )
    if spec.beside:
        raise InputError(f"{key}: nothing says what targets_beside are in a mirror. Leave one of the two out.")
    if flat := [one.name for one in spec.inputs if len(one.shape) != 3]:
        raise InputError(f"{key}: input '{flat[0]}' is no picture and has no mirror image. Leave it out.")
    if recording.partners is None:
        raise InputError(
            f"{key}: the recording does not say which cameras are each other's mirror images "
            "(of a manifest: `mirror_images: {left: right}`). Say it, or leave it out."
        )
    return recording.partners


def turned(spec: Spec, partners: Partners, batch: Batch, which: Tensor) -> Batch:
    """The batch with the samples of `which` (batch,), true or false, in the mirror."""
    inputs = tuple(
        torch.where(which.view(-1, 1, 1, 1), batch.inputs[partner].flip(-1), own)
        for own, partner in zip(batch.inputs, partners, strict=True)
    )
    return replace(batch, inputs=inputs, target=turned_gaze(spec, batch.target, which))


def turned_gaze(spec: Spec, gaze: Tensor, which: Tensor) -> Tensor:
    """Gaze (batch, 2 or 3), that of `which` in the mirror: x from the other edge of the scene; yaw, or a vector's x, negative."""
    if spec.kind == "gaze":
        assert spec.scene is not None
        other = torch.stack([spec.scene[0] - gaze[:, 0], gaze[:, 1]], dim=1)
    else:
        sign = gaze.new_tensor([-1, 1, 1] if spec.unit == "vector" else [1, -1])
        other = gaze * sign
    return torch.where(which[:, None], other, gaze)
