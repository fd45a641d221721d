"""Pixels: one frame's four eye images and their region masks, from views and textures: one compiled pass over the rows.

Every edge is a ramp 1.5 pixels wide (analytic antialiasing). Numbers are in single precision, so that a row is computed eight
or sixteen pixels at a time; steps that read textures stand apart from those that only compute.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered import headset, textures
from xgaze.data.rendered.eye_parts import GLINT, IRIS, LASH, PUPIL, SCLERA, SKIN
from xgaze.data.rendered.frames import FrameStates
from xgaze.data.rendered.machine_code import compiled
from xgaze.data.rendered.person import Participant
from xgaze.data.rendered.scene import TEXTURE_DISTANCE_MM, Scene
from xgaze.data.rendered.views import LID_PLANE, Views, canthal_tilts

Array = NDArray[np.float32]

GLINT_RADIUS_MM = 0.17
CORNER_OF_SKIN = 0.5  # grey of the corner of the eye, where no eyeball is behind the opening
f = np.float32
EDGE = f(2 / 3)  # of a ramp's height per pixel
HALF_SKIN_V, HALF_SKIN_X = (f(half) for half in textures.SKIN_HALF_MM)
HALF_LASH, LASH_REACH = f(textures.LASH_HALF_MM), f(textures.LASH_REACH_MM)


class _Person(NamedTuple):
    """Of the participant, in mm and grey levels; lift: tangent and cosine of the lashes' rise from the lid plane."""

    eyeball: f
    iris: f
    half_fissure: f
    lid_plane: f
    iris_plane: f
    lift_tan: f
    lift_cos: f
    pupil_grey: f
    corner_grey: f
    lash_grey: f


class _Camera(NamedTuple):
    """Of one camera and frame: see `Views` and `FrameStates`. exposure (h, w), glint_columns (2, w), glint_rows (h, 2)."""

    rays: Array
    head: Array
    eye: Array
    upper: f
    lower: f
    pupil: f
    px_per_mm: f
    tilt: f
    exposure: Array
    glint_columns: Array
    glint_rows: Array


class _Textures(NamedTuple):
    eyeball: Array
    skin: Array
    lower_lashes: Array
    upper_lashes: Array


class _Row(NamedTuple):
    """What is known of every pixel of a row (w,): how far open the eye is, 0 to 1; where its rays meet the skin, the sheet of
    upper lashes and the eyeball, in texels; the upper lid's edge in mm; its shadow; the distance from the optical axis in mm;
    the cosine towards the camera; glints; grey levels and cover by lashes as sampled, and together."""

    open: Array
    skin_x: Array
    skin_v: Array
    upper: Array
    shadow: Array
    lash_x: Array
    lash_along: Array
    eye_x: Array
    eye_y: Array
    distance: Array
    facing: Array
    glint: Array
    eyeball: Array
    skin: Array
    lash: Array
    grey: Array


def shade_frame(
    scene: Scene, participant: Participant, states: FrameStates, views: Views, frame: int, noise_start: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One frame's images and region labels, both (4, height, width)."""
    images = np.empty((4, scene.height, scene.width), np.uint8)
    regions = np.empty_like(images)
    person = _person(participant)
    noise = scene.noise[noise_start : noise_start + images.size].reshape(images.shape)
    painted = [
        _Textures(*one) for one in zip(scene.eyeball, scene.skin, scene.lower_lashes, scene.upper_lashes, strict=True)
    ]
    for number, camera in enumerate(_cameras(scene, participant, states, views, frame)):
        eye = painted[headset.EYE_OF_CAMERA[number]]
        _paint(images[number], regions[number], noise[number], scene.x, scene.y, person, camera, eye)
    return images, regions


def _person(participant: Participant) -> _Person:
    radius, iris, lift = (
        participant.eyeball_radius_mm,
        participant.iris_radius_mm,
        np.radians(participant.lash_lift_deg),
    )
    numbers = (
        radius,
        iris,
        participant.half_fissure_mm,
        LID_PLANE * radius,
        np.sqrt(radius**2 - iris**2),
        np.tan(lift),
        np.cos(lift),
        participant.pupil_grey,
        CORNER_OF_SKIN * participant.skin_grey,
        participant.lash_grey,
    )
    return _Person(*(f(one) for one in numbers))


def _cameras(scene: Scene, participant: Participant, states: FrameStates, views: Views, frame: int) -> list[_Camera]:
    of_camera = list(headset.EYE_OF_CAMERA)
    columns, rows = _glint_profiles(scene, views, frame)
    numbers = (
        states.upper_lid_mm[frame, of_camera],
        states.lower_lid_mm[frame, of_camera],
        states.pupil_radius_mm[frame, of_camera],
        views.px_per_mm[frame],
        canthal_tilts(participant),
    )
    arrays = (views.rays[frame], views.origin_head[frame], views.origin_eye[frame])
    single = [one.astype(f) for one in (*arrays, *numbers)]
    return [_Camera(*(one[c] for one in (*single, scene.exposure, columns, rows))) for c in range(4)]


def _glint_profiles(scene: Scene, views: Views, frame: int) -> tuple[Array, Array]:
    """Columns (4, 2, width) and rows (4, height, 2) whose product is both glints' saturated Gaussian spots."""
    place, strength = views.glint_px[frame].astype(f), views.glint_strength[frame].astype(f)
    across = (np.arange(scene.width, dtype=f) + f(0.5) - place[..., :1]) / f(scene.width / 720)
    down = (np.arange(scene.height, dtype=f) + f(0.5) - place[..., 1:]) / f(scene.height / 576)
    sd = f(GLINT_RADIUS_MM * 1150 / TEXTURE_DISTANCE_MM)
    columns = np.exp(-((across / sd) ** 2) / 2) * (f(1.6) * strength)[..., None]
    return columns, np.ascontiguousarray(np.exp(-((down / sd) ** 2) / 2).swapaxes(1, 2))


@compiled
def _paint(
    image: NDArray[np.uint8],
    regions: NDArray[np.uint8],
    noise: Array,
    x: Array,
    y: Array,
    person: _Person,
    camera: _Camera,
    painted: _Textures,
) -> None:
    """One camera's image and labels (h, w). x (w,), y (h,): x/f and y/f of the pixels' rays."""
    space = np.empty((16, len(x)), f)
    row = _Row(
        space[0], space[1], space[2], space[3], space[4], space[5], space[6], space[7],
        space[8], space[9], space[10], space[11], space[12], space[13], space[14], space[15],
    )  # fmt: skip
    for r in range(len(y)):
        starts = camera.rays[:, 1] * y[r] + camera.rays[:, 2]
        _meet_lids(
            row.open, row.skin_x, row.skin_v, row.upper, row.shadow, x, starts, person, camera, painted.skin.shape
        )
        _meet_lashes(row.lash_x, row.lash_along, row.upper, x, starts, person, camera, painted.upper_lashes.shape)
        eyeball = painted.eyeball.shape
        _meet_eyeball(row.eye_x, row.eye_y, row.distance, row.facing, x, y[r], starts, person, camera, eyeball)
        _glow(row.glint, camera.glint_columns, camera.glint_rows[r])
        _sample(row, painted)
        _compose(row, person, camera)
        _expose(image[r], row.grey, camera.exposure[r], noise[r])
        _label(regions[r], row, person, camera)


@compiled
def _meet_lids(
    open_: Array,
    skin_x: Array,
    skin_v: Array,
    upper_edge: Array,
    shadow: Array,
    x: Array,
    starts: Array,
    person: _Person,
    camera: _Camera,
    texels: tuple[int, int],
) -> None:
    """Where rays meet the lid plane: between the lids' parabolas, or how far above or below them on the skin."""
    rays, head = camera.rays, camera.head
    scale_x, scale_v = f(texels[1]) / (f(2) * HALF_SKIN_X), f(texels[0]) / (f(2) * HALF_SKIN_V)
    middle_x, middle_v = f(texels[1] / 2 - 0.5), f(texels[0] / 2 - 0.5)
    depth, narrow = person.lid_plane - head[2], f(1) / (person.half_fissure * person.half_fissure)
    sharp = camera.px_per_mm * EDGE
    for i in range(len(x)):
        share = depth / (rays[2, 0] * x[i] + starts[2])
        across = head[0] + share * (rays[0, 0] * x[i] + starts[0])
        down = head[1] + share * (rays[1, 0] * x[i] + starts[1])
        arch = f(1) - across * across * narrow
        upper = across * camera.tilt - arch * camera.upper
        below_upper, below_lower = down - upper, down - across * camera.tilt - arch * camera.lower
        open_[i] = min(max(min(below_upper, -below_lower) * sharp + f(0.5), f(0)), f(1))
        skin_x[i] = across * scale_x + middle_x
        skin_v[i] = (max(below_lower, f(0)) + min(below_upper, f(0))) * scale_v + middle_v
        upper_edge[i] = upper
        shadow[i] = min(below_upper * f(0.16) + f(0.6), f(1))


@compiled
def _meet_lashes(
    lash_x: Array,
    lash_along: Array,
    upper_edge: Array,
    x: Array,
    starts: Array,
    person: _Person,
    camera: _Camera,
    texels: tuple[int, int],
) -> None:
    """Where rays meet the curved sheet of upper lashes, which stand forward and up from the lid edge."""
    rays, head = camera.rays, camera.head
    before = head[2] - person.lid_plane
    scale_x, middle_x = f(texels[1]) / (f(2) * HALF_LASH), f(texels[1] / 2 - 0.5)
    scale_along = f(texels[0]) / (LASH_REACH * person.lift_cos)
    for i in range(len(x)):
        forward = rays[2, 0] * x[i] + starts[2]
        falling = rays[1, 0] * x[i] + starts[1] + person.lift_tan * forward
        share = (upper_edge[i] - head[1] - person.lift_tan * before) / falling
        lash_x[i] = (head[0] + share * (rays[0, 0] * x[i] + starts[0])) * scale_x + middle_x
        lash_along[i] = (before + share * forward) * scale_along - f(0.5)


@compiled
def _meet_eyeball(
    eye_x: Array,
    eye_y: Array,
    distance: Array,
    facing: Array,
    x: Array,
    y: np.float32,
    starts: Array,
    person: _Person,
    camera: _Camera,
    texels: tuple[int, int],
) -> None:
    """Where rays meet the sphere, or behind it the iris plane. A ray meets that exactly where it entered through the cornea's
    cap, so the later of the two hits is the right one."""
    rays, eye, radius = camera.rays, camera.eye, person.eyeball
    outside = eye[0] * eye[0] + eye[1] * eye[1] + eye[2] * eye[2] - radius * radius
    scale, depth = f(texels[1]) / (f(2) * radius), person.iris_plane - eye[2]
    middle = f(texels[1] / 2 - 0.5)
    for i in range(len(x)):
        length2 = x[i] * x[i] + y * y + f(1)
        along = rays[6, 0] * x[i] + starts[6]
        root2 = max(along * along - outside * length2, f(0))
        on_sphere = -(along + np.sqrt(root2)) / length2
        share = max(on_sphere, depth / (rays[5, 0] * x[i] + starts[5]))
        across = eye[0] + share * (rays[3, 0] * x[i] + starts[3])
        down = eye[1] + share * (rays[4, 0] * x[i] + starts[4])
        distance[i] = np.sqrt(across * across + down * down)
        facing[i] = np.sqrt(root2 / length2) / radius
        eye_x[i], eye_y[i] = across * scale + middle, down * scale + middle


@compiled
def _glow(glint: Array, columns: Array, row: Array) -> None:
    first, second = columns[0], columns[1]
    for i in range(len(glint)):
        glint[i] = min(row[0] * first[i] + row[1] * second[i], f(1))


@compiled
def _sample(row: _Row, painted: _Textures) -> None:
    """Textures where they are seen: the eyeball through the opening, skin beside it, lashes over both."""
    height, width = painted.upper_lashes.shape
    for i in range(len(row.open)):
        row.lash[i] = _texel(painted.lower_lashes, row.skin_x[i], row.skin_v[i])
        row.skin[i] = _texel(painted.skin, row.skin_x[i], row.skin_v[i]) if row.open[i] < f(1) else f(0)
        row.eyeball[i] = _texel(painted.eyeball, row.eye_x[i], row.eye_y[i]) if row.open[i] > f(0) else f(0)
        x, along = row.lash_x[i], row.lash_along[i]
        inside = min(min(x + f(1), f(width) - x), min(along + f(1), f(height) - along))  # fades within one texel
        if inside > f(0):
            row.lash[i] = max(row.lash[i], min(inside, f(1)) * _texel(painted.upper_lashes, x, along))


@compiled
def _texel(texture: Array, x: np.float32, y: np.float32) -> np.float32:
    """Bilinear; outside, as at the border."""
    height, width = texture.shape
    x, y = min(max(x, f(0)), f(width - 1)), min(max(y, f(0)), f(height - 1))
    left, top = min(int(x), width - 2), min(int(y), height - 2)
    right_share, down_share = x - f(left), y - f(top)
    above = texture[top, left] + right_share * (texture[top, left + 1] - texture[top, left])
    below = texture[top + 1, left] + right_share * (texture[top + 1, left + 1] - texture[top + 1, left])
    mixed: np.float32 = above + down_share * (below - above)
    return mixed


@compiled
def _compose(row: _Row, person: _Person, camera: _Camera) -> None:
    """Grey levels of the pixels: pupil over iris, what is too steep to be seen, the upper lid's shadow, glints, lids, lashes."""
    sharp = camera.px_per_mm * EDGE
    for i in range(len(row.open)):
        grey = row.eyeball[i] * (row.facing[i] * f(0.4) + f(0.62))
        in_pupil = min(max((camera.pupil - row.distance[i]) * sharp + f(0.5), f(0)), f(1))
        grey += in_pupil * (person.pupil_grey - grey)
        grey = person.corner_grey + min(row.facing[i] * f(3), f(1)) * (grey - person.corner_grey)
        grey = min(grey * row.shadow[i] + f(230) * row.glint[i], f(250))
        grey = row.skin[i] + row.open[i] * (grey - row.skin[i])
        row.grey[i] = grey + row.lash[i] * (person.lash_grey - grey)


@compiled
def _expose(image: NDArray[np.uint8], grey: Array, exposure: Array, noise: Array) -> None:
    for i in range(len(grey)):
        image[i] = np.uint8(np.int32(np.rint(min(max(grey[i] * exposure[i] + noise[i], f(0)), f(255)))))


@compiled
def _label(regions: NDArray[np.uint8], row: _Row, person: _Person, camera: _Camera) -> None:
    distance, glint, open_, facing, lash = row.distance, row.glint, row.open, row.facing, row.lash
    for i in range(len(distance)):
        label = SCLERA
        label = IRIS if distance[i] < person.iris else label
        label = PUPIL if distance[i] < camera.pupil else label
        label = GLINT if glint[i] > f(0.5) else label
        label = SKIN if open_[i] <= f(0.5) or facing[i] <= f(0) else label
        regions[i] = np.uint8(LASH if lash[i] > f(0.4) else label)
