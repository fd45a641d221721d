"""In which layout models are trained: channels_last, but not where oneDNN would write beyond its memory."""

import pytest
import torch
from torch import nn

from xgaze.recipe import Training
from xgaze.training.task import layout_of

PLAIN, LAST = torch.contiguous_format, torch.channels_last


@pytest.mark.parametrize(
    ("layer", "avx2", "avx512"),
    [
        (nn.Conv2d(4, 8, 1, stride=2), PLAIN, LAST),
        (nn.Conv2d(16, 16, 1, stride=2, groups=4), PLAIN, LAST),
        (nn.Conv2d(8, 8, 1, stride=2), LAST, LAST),
        (nn.Conv2d(4, 8, 1), LAST, LAST),
        (nn.Conv2d(1, 8, 3, stride=2), LAST, LAST),
    ],
)
def test_few_channels_of_a_strided_1x1_convolution_are_trained_plainly_without_avx_512(
    layer, avx2, avx512, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for able, layout in ((False, avx2), (True, avx512)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {"avx512_f": able})
        assert layout_of(nn.Sequential(nn.ReLU(), layer), Training()) == layout
        assert layout_of(layer, Training(channels_last=False)) == PLAIN
