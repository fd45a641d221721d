"""A tower's maps for thousands of overlapping crops of one picture at the price of a few passes over the picture.

What a tower of convolutions and 2x2 pools makes of a crop, it makes of the whole picture at the same place, provided every
pool starts where the crop's would: crops that start at odd px need the pool shifted by one, so after a pool the picture
falls into the up to four shifts that its crops need. Sliding-window evaluation by fragments (Giusti et al. 2013).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.errors import InputError

_AT_EACH_PX = (nn.ReLU, nn.LeakyReLU, nn.BatchNorm2d, nn.LocalResponseNorm, nn.Dropout, nn.Identity)


def dense_maps(tower: nn.Module, picture: Tensor, starts: NDArray[np.int64], crop: int) -> Tensor:
    """Maps (n, channels, height, width) that the tower, in evaluation mode, makes of each crop of a picture.

    picture (1, channels, height, width), normalised; starts (n, 2): column and row at which each crop of crop x crop px begins.
    Raises InputError naming the first layer for which passing over the picture is not exact.
    """
    layers = list(_layers(tower))
    for name, layer in layers:
        if not _exact(layer):
            raise InputError(f"'{name}' ({layer}): its maps over a picture are not those of crops; use the crops.")
    found: list[tuple[NDArray[np.int64], Tensor]] = []
    waiting = [(0, picture, np.arange(len(starts)), starts, crop)]
    while waiting:
        step, maps, rows, places, side = waiting.pop()
        if step == len(layers):
            found.append((rows, _windows(maps, places, side)))
            continue
        layer = layers[step][1]
        if isinstance(layer, nn.MaxPool2d):
            waiting += [(step + 1, *part, side // 2) for part in _pooled(layer, maps, rows, places)]
        else:
            side -= layer.kernel_size[0] - 1 if isinstance(layer, nn.Conv2d) else 0
            waiting.append((step + 1, layer(maps), rows, places, side))
    order = np.argsort(np.concatenate([rows for rows, _ in found]))
    return torch.cat([windows for _, windows in found])[torch.from_numpy(order)]


def is_dense(tower: nn.Module) -> bool:
    """Whether `dense_maps` is exact for this tower."""
    return all(_exact(layer) for _, layer in _layers(tower))


def _pooled(
    pool: nn.Module, maps: Tensor, rows: NDArray[np.int64], places: NDArray[np.int64]
) -> Iterator[tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]]:
    """For each shift that occurs: the pooled maps, which crops they serve, and where these start in them."""
    shifts = places % 2
    for column, row in np.unique(shifts, axis=0):
        mine = np.flatnonzero((shifts == (column, row)).all(axis=1))
        yield pool(maps[:, :, row:, column:]), rows[mine], places[mine] // 2


def _windows(maps: Tensor, places: NDArray[np.int64], side: int) -> Tensor:
    """(n, channels, side, side) at the given columns and rows of maps (1, channels, height, width)."""
    unfolded = maps[0].unfold(1, side, 1).unfold(2, side, 1)
    columns, rows = torch.from_numpy(np.ascontiguousarray(places.T))
    return unfolded[:, rows, columns].movedim(1, 0)


def _layers(tower: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers in their order; a module that is no plain sequence of layers counts as one."""
    if isinstance(tower, nn.Sequential):
        for name, child in tower.named_children():
            for path, layer in _layers(child):
                yield f"{name}.{path}" if path else name, layer
    else:
        yield "", tower


def _exact(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        square = layer.kernel_size[0] == layer.kernel_size[1]
        return square and layer.stride == (1, 1) and layer.dilation == (1, 1) and layer.padding in ((0, 0), "valid")
    if isinstance(layer, nn.MaxPool2d):
        plain = (layer.padding, layer.dilation, layer.ceil_mode) == (0, 1, False)
        return plain and layer.kernel_size == 2 and layer.stride == 2
    return isinstance(layer, _AT_EACH_PX)
