"""Who is rendered: one synthetic participant, every number drawn from (seed, participant number) alone.

How the participant behaves is in `frames`, what the cameras see of it in `views`, `textures` and `shading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

EYES = ("left", "right")
CORNEA_CENTRE_MM = 5.3  # in front of the eyeball's centre, on the optical axis


class Stream(IntEnum):
    """Independent random streams of one participant: drawing more from one never changes another."""

    ANATOMY = 0
    APPEARANCE = 1
    HEADSET = 2
    IRIS = 3
    SKIN = 4
    LASHES = 5
    GAZE = 6
    SLIPPAGE = 7
    PUPIL = 8
    LIDS = 9
    NOISE = 10
    NOISE_PLACE = 11


def random_stream(seed: int, number: int, stream: Stream) -> np.random.Generator:
    """The generator of one purpose for one participant."""
    return np.random.default_rng(np.random.SeedSequence([seed, number, int(stream)]))


@dataclass(frozen=True)
class Participant:
    """One synthetic person. Lengths in mm, angles in degrees, grey levels 0-255; per eye: (left, right).

    `kappa_deg` is how far the visual axis lies nasally of and above the optical axis.
    `camera_shift_mm` and `camera_turn_deg` hold x, y, z per eye camera: how this headset was mounted.
    """

    number: int
    seed: int
    interpupillary_mm: float
    eyeball_radius_mm: float
    iris_radius_mm: float
    cornea_radius_mm: float
    mean_pupil_radius_mm: float
    pupil_difference_mm: float
    kappa_deg: tuple[float, float]
    eye_shift_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    upper_lid_mm: float
    lower_lid_mm: float
    half_fissure_mm: float
    canthal_tilt: float
    fixation_noise_deg: float
    skin_grey: float
    sclera_grey: float
    iris_grey: float
    pupil_grey: float
    lash_grey: float
    lash_count: int
    lash_lift_deg: float
    crease_depth: float
    iris_contrast: float
    camera_shift_mm: tuple[tuple[float, float, float], ...]
    camera_turn_deg: tuple[tuple[float, float, float], ...]
    camera_gain: tuple[float, ...]
    camera_vignetting: tuple[float, ...]


def draw_participant(number: int, seed: int) -> Participant:
    """Participant `number` of the population `seed`: the same in any split, image size or frame count.

    Synthetic; the spreads are those of adult eyes (Guestrin and Eizenman 2006 for kappa and the cornea).
    """
    if number < 0 or seed < 0:
        raise ValueError(f"participant number and seed must not be negative, got {number} and {seed}")
    return Participant(
        number=number,
        seed=seed,
        **_draw_anatomy(random_stream(seed, number, Stream.ANATOMY)),
        **_draw_appearance(random_stream(seed, number, Stream.APPEARANCE)),
        **_draw_mounting(random_stream(seed, number, Stream.HEADSET)),
    )


def _draw_anatomy(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "interpupillary_mm": float(rng.normal(63.0, 3.0)),
        "eyeball_radius_mm": float(rng.normal(12.0, 0.3)),
        "iris_radius_mm": float(rng.normal(5.9, 0.2)),
        "cornea_radius_mm": float(rng.normal(7.8, 0.2)),
        "mean_pupil_radius_mm": float(rng.uniform(1.5, 2.6)),
        "pupil_difference_mm": float(rng.normal(0.0, 0.05)),
        "kappa_deg": (float(rng.normal(4.5, 0.5)), float(rng.normal(1.5, 0.4))),
        "eye_shift_mm": _triples(rng.normal(0.0, 0.4, size=(2, 3))),
        "upper_lid_mm": float(rng.normal(5.2, 0.7)),
        "lower_lid_mm": float(rng.normal(4.8, 0.5)),
        "half_fissure_mm": float(rng.normal(13.5, 0.6)),
        "canthal_tilt": float(rng.normal(0.05, 0.03)),
        "fixation_noise_deg": float(rng.uniform(0.15, 0.3)),
    }


def _draw_appearance(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "skin_grey": float(rng.uniform(115.0, 195.0)),
        "sclera_grey": float(rng.uniform(140.0, 190.0)),
        "iris_grey": float(rng.uniform(70.0, 125.0)),
        "pupil_grey": float(rng.uniform(12.0, 32.0)),
        "lash_grey": float(rng.uniform(15.0, 55.0)),
        "lash_count": int(rng.integers(50, 91)),
        "lash_lift_deg": float(rng.uniform(5.0, 35.0)),
        "crease_depth": float(rng.uniform(0.1, 0.45)),
        "iris_contrast": float(rng.uniform(0.1, 0.3)),
    }


def _draw_mounting(rng: np.random.Generator) -> dict[str, Any]:
    """One headset model: only small differences of mounting between participants."""
    return {
        "camera_shift_mm": _triples(rng.normal(0.0, 0.1, size=(4, 3))),
        "camera_turn_deg": _triples(rng.normal(0.0, 0.15, size=(4, 3))),
        "camera_gain": tuple(rng.normal(1.0, 0.05, size=4).clip(0.85, 1.15).tolist()),
        "camera_vignetting": tuple(rng.uniform(0.15, 0.35, size=4).tolist()),
    }


def _triples(values: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in values)
