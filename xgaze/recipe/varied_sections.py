"""How training samples vary from epoch to epoch: sections of a recipe's training."""

from pydantic import Field

from xgaze.recipe.data_sections import Section


class Augment(Section):
    """Photographs varied anew in every epoch: a square cut at a random place and, with `flip`, mirrored half of the time, both
    alike for photograph and map; brightness, contrast and saturation of the photograph changed by up to `jitter`."""

    flip: bool = True
    jitter: float = Field(0.2, ge=0, lt=1)


class VariedPictures(Section):
    """Pictures varied anew in every batch, each by numbers drawn evenly from minus to plus: moved by up to `shift_px` to each
    side, `scale` larger or smaller, `brightness` lighter or darker (0.1: by a tenth); and noise, its standard deviation a share
    of the full range."""

    shift_px: float = Field(0.0, ge=0, le=10_000)
    scale: float = Field(0.0, ge=0, lt=1)
    brightness: float = Field(0.0, ge=0, lt=1)
    noise: float = Field(0.0, ge=0, le=1)


class GazeAugmentation(Section):
    """After `image_only_epochs`, training also sees the nine windows that people looked at most, `weight` times as much.

    stride: step of the windows tried, px (None: 8 px of 448, in proportion). At test there is no gaze.
    """

    image_only_epochs: int = Field(1, ge=0, le=100_000)
    weight: float = Field(1.0, gt=0, le=1e6)
    stride: int | None = Field(None, ge=1, le=4096)
