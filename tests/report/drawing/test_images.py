"""Maps as pictures."""

import numpy as np
import pytest

from xgaze.report.drawing.images import common_scale, map_uri


def test_all_maps_of_a_target_share_one_colour_scale():
    weak, strong = np.full((4, 4), 0.01, np.float32), np.full((4, 4), 1.0, np.float32)
    scale = common_scale([weak, strong])
    grey = np.full((1, 4, 4), 100, np.uint8)
    assert scale == pytest.approx(1.0)
    assert map_uri(weak, grey, scale) != map_uri(strong, grey, scale)
    assert map_uri(strong, grey, scale) == map_uri(2 * strong, grey, 2 * scale)
    assert map_uri(np.ones((2, 2), np.float32), grey, scale) == map_uri(strong, grey, scale)  # a coarse map is enlarged
