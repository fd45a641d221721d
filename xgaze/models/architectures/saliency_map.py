"""Where will people look in this photograph? A net that judges crops, asked at every cell of a grid over it."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xgaze.data.batches import device_of
from xgaze.data.contract import Spec, normalise
from xgaze.data.crops.crops import CROP_PX, GRID, crops_at, grid_points, scale_of, scaled_and_padded, starts_of
from xgaze.models.architectures.dense_tower import dense_maps, is_dense
from xgaze.models.architectures.mrcnn import MrCNN

BATCH = 250


def saliency_map(
    model: MrCNN, spec: Spec, photograph: NDArray[np.uint8], grid: tuple[int, int] = GRID
) -> NDArray[np.float32]:
    """Probability of being looked at (rows, columns) at the middle of every cell of a photograph, uint8 (3, height, width).

    Passes the towers over the whole picture where that is exact, else crop by crop; the same within 1e-4.
    """
    dense = all(is_dense(model.tower(k)) for k in range(len(spec.inputs)))
    return (map_by_pictures if dense else map_by_crops)(model, spec, photograph, grid)


def map_by_crops(
    model: MrCNN, spec: Spec, photograph: NDArray[np.uint8], grid: tuple[int, int] = GRID, batch: int = BATCH
) -> NDArray[np.float32]:
    """The reference: every crop of every cell is cut and passed through the whole net, in batches."""
    points, device = grid_points(grid), device_of(model)
    scales = [scale_of(one.name) for one in spec.inputs]
    pictures = [scaled_and_padded(photograph, scale) for scale in scales]

    def looked_at(rows: slice) -> Tensor:
        crops = [crops_at(own, starts_of(points[rows], scale)) for own, scale in zip(pictures, scales, strict=True)]
        inputs = [_fed(normalise(own, one), device) for own, one in zip(crops, spec.inputs, strict=True)]
        return model(*inputs)  # type: ignore[no-any-return]

    return _in_batches(model, looked_at, grid, batch)


def map_by_pictures(
    model: MrCNN, spec: Spec, photograph: NDArray[np.uint8], grid: tuple[int, int] = GRID, batch: int = BATCH
) -> NDArray[np.float32]:
    """The towers pass over the scaled picture as a whole, then the head reads what they made of every cell.

    Raises InputError naming the layer if a tower's maps over a picture are not those of its crops.
    """
    points, device = grid_points(grid), device_of(model)
    model.eval()
    blocks = []
    with torch.inference_mode():
        for k, one in enumerate(spec.inputs):
            scale = scale_of(one.name)
            picture = _fed(normalise(scaled_and_padded(photograph, scale), one)[None], device)
            blocks.append(dense_maps(model.tower(k), picture, starts_of(points, scale), CROP_PX).flatten(1))
    features = torch.cat(blocks, dim=1)
    return _in_batches(model, lambda rows: model.head(features[rows]), grid, batch)


def enlarged(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map (rows, columns) laid over a picture of `size` (width, height) px: bilinear, (height, width)."""
    width, height = size
    small = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    large = torch.nn.functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    out: NDArray[np.float32] = large[0, 0].numpy()
    return out


def _fed(pictures: Tensor, device: torch.device) -> Tensor:
    """(n, channels, height, width) as convolutions read them fastest."""
    return pictures.to(device, memory_format=torch.channels_last)


@torch.inference_mode()
def _in_batches(
    model: MrCNN, logits: Callable[[slice], Tensor], grid: tuple[int, int], batch: int
) -> NDArray[np.float32]:
    """Probability of the second class of the rows asked for, as a grid."""
    model.eval()
    cells = grid[0] * grid[1]
    parts = [logits(slice(k, k + batch)).float().softmax(dim=1)[:, 1].cpu() for k in range(0, cells, batch)]
    found: NDArray[np.float32] = torch.cat(parts).numpy().reshape(grid)
    return found
