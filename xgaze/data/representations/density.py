"""Fixation-density heatmaps: a Gaussian at every fixation, summed."""

import numpy as np
from numpy.typing import NDArray

from xgaze.data.representations.frame import Fit, Series, flat_durations, framed, of_scanpaths, same_length
from xgaze.errors import InputError

TOGETHER = 16  # scanpaths whose maps stay in the cache while they are normalised
NEGLIGIBLE = np.float32(-41.0)  # exponent of a Gaussian; the product of two such is still in single precision's range
SMALLEST_PEAK = 1e-10
WIDTHS_PER_SIGMA = 25.0  # 75 px of 1920, as in the gaze heatmaps of CUB-GHA


def density_maps(
    points_px: Series,
    durations_ms: Series | None = None,
    *,
    size: tuple[int, int],
    shape: tuple[int, int],
    fit: Fit = "fixed",
    sigma_px: float | None = None,
    sigma_deg: float | None = None,
    px_per_degree: float | None = None,
) -> NDArray[np.float32]:
    """Maps (n, 1, H, W) of n scanpaths, each with maximum 1: Gaussians at the fixations, at the centres of the pixels.

    sigma_px in px of the stimulus, or sigma_deg with px_per_degree; else a twenty-fifth of the stimulus's width.
    With durations_ms each Gaussian weighs as its fixation lasted. InputError as `framed`, or for an empty map.
    """
    frames = framed(points_px, size, fit)
    weights = None if durations_ms is None else flat_durations(durations_ms, frames)
    sigma = gaussian_px(size, sigma_px, sigma_deg, px_per_degree) / frames.extent_px
    maps = np.empty((len(frames.counts), 1, *shape), np.float32)
    for rows in same_length(frames.counts, TOGETHER):
        unit = of_scanpaths(frames.unit, frames, rows)
        down = _bells(unit[..., 1], sigma[rows, 1], shape[0])
        across = _bells(unit[..., 0], sigma[rows, 0], shape[1])
        if weights is not None:
            down *= of_scanpaths(weights, frames, rows)[..., None].astype(np.float32)
        # exp(-(dx2 + dy2)) is a product, so the sum over fixations is one matrix product per scanpath.
        sums = down.swapaxes(1, 2) @ across
        peaks = sums.max(axis=(1, 2), keepdims=True)
        _refuse_empty(peaks)
        maps[rows, 0] = np.divide(sums, peaks, out=sums)
    return maps


def gaussian_px(
    size: tuple[int, int], sigma_px: float | None, sigma_deg: float | None, px_per_degree: float | None
) -> float:
    """Standard deviation in px of the stimulus, given in px or in degrees. InputError: both, no scale, not above zero."""
    if sigma_px is not None and sigma_deg is not None:
        raise InputError("give the Gaussian's width once: sigma_px, or sigma_deg with px_per_degree.")
    if sigma_deg is not None:
        if px_per_degree is None or not px_per_degree > 0:
            raise InputError("sigma_deg needs px_per_degree: how many px of the stimulus one degree covered.")
        sigma_px = sigma_deg * px_per_degree
    sigma = size[0] / WIDTHS_PER_SIGMA if sigma_px is None else sigma_px
    if not (np.isfinite(sigma) and sigma > 0):
        raise InputError(f"the Gaussian's standard deviation is {sigma:g} px: it must be above zero.")
    return float(sigma)


def _bells(unit: NDArray[np.float64], sigma: NDArray[np.float64], pixels: int) -> NDArray[np.float32]:
    """Gaussians (g, k, pixels) along one axis; unit (g, k) and sigma (g,) in frames, 0 to 1."""
    centres = (np.arange(pixels) + 0.5) / pixels
    # Distances in double precision, since places are large beside them; the rest in single.
    z = ((unit / sigma[:, None])[..., None] - (centres / sigma[:, None])[:, None]).astype(np.float32)
    np.multiply(z, z, out=z)
    np.multiply(z, np.float32(-0.5), out=z)
    # Cut to zero where nothing is left: numbers below single precision's range make the products many times slower.
    near = z > NEGLIGIBLE
    np.maximum(z, NEGLIGIBLE, out=z)
    return np.multiply(np.exp(z, out=z), near, out=z)


def _refuse_empty(peaks: NDArray[np.float32]) -> None:
    if not (peaks > SMALLEST_PEAK).all():
        raise InputError(
            "a heatmap would be empty: its fixations lie far outside the stimulus, or the Gaussian is far narrower than a "
            "pixel of the picture; check the size of the stimulus and sigma_px."
        )
