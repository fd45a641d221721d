"""Open whatever a recipe's data section describes."""

from xgaze.data.contract import Recording
from xgaze.data.sources.rendered import open_rendered
from xgaze.data.splits import assert_disjoint
from xgaze.progress import Advance
from xgaze.recipe import Data, RenderedData


def open_recording(data: Data, progress: Advance | None = None) -> Recording:
    assert isinstance(data, RenderedData)
    recording = open_rendered(data, progress)
    assert_disjoint(recording.table)
    return recording
