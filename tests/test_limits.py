"""What is too large is refused with the number and the limit, before memory is taken."""

import tracemalloc

import numpy as np
import pytest

from xgaze.data.batches import ordered_loader, shuffled_loader
from xgaze.data.contract import InputSpec, Spec
from xgaze.data.photographs.attention import Spread
from xgaze.data.photographs.heatmaps import Drawing, LookedAt, maps_of
from xgaze.errors import InputError
from xgaze.limits import free_memory_bytes, require_memory, require_picture_size
from xgaze.recipe import load_recipe


def test_memory_is_asked_for_in_words():
    require_memory(1e9, "A map", "Draw it smaller.", free_bytes=1e9)
    with pytest.raises(InputError, match=r"A map needs 3\.2 GB of memory, and 50\.0 MB are free\. Draw it smaller\."):
        require_memory(3.2e9, "A map", "Draw it smaller.", free_bytes=5e7)


def test_the_system_tells_what_is_free():
    free = free_memory_bytes()
    assert free is None or 1e6 < free < 1e15


def test_pictures_up_to_the_limit_pass():
    require_picture_size(8900, 10_000, "a", "")
    with pytest.raises(InputError, match=r"a: 121 megapixels, of which a picture may have 89 \(11,000 x 11,000\)"):
        require_picture_size(11_000, 11_000, "a", "")


@pytest.mark.parametrize(("drawn", "size"), [((20_000, 20_000), (20, 20)), ((20, 20), (20_000, 20_000))])
def test_a_map_too_large_is_refused_before_memory_is_taken(drawn, size):
    picture = LookedAt("s", np.full((3, 2), 5.0), np.ones(3), drawn, size, 1, 0)
    tracemalloc.start()
    with pytest.raises(InputError, match="stimulus 's': 400 megapixels, of which a picture may have 89"):
        maps_of(picture, Drawing(Spread()))
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_a_batch_larger_than_memory_is_refused_and_a_large_one_of_few_samples_is_not(gaze_recording):
    spec = Spec((InputSpec("eye0", (3, 100_000, 100_000)),), "gaze", scene=(8, 6))
    huge = type(gaze_recording)(spec, gaze_recording.table, gaze_recording.images)
    with pytest.raises(InputError, match=r"A batch of 40 samples of 3x100000x100000 needs 9,600\.0 GB of memory"):
        shuffled_loader(huge, np.arange(40), 10**9, 0)
    with pytest.raises(InputError, match=r"Set a smaller training\.batch_size"):
        ordered_loader(huge, np.arange(100))
    assert len(shuffled_loader(gaze_recording, np.arange(40), 10**9, 0)) == 1


@pytest.mark.parametrize("key", ["steps", "sweep_points", "internal_batch_size"])
def test_steps_of_an_explanation_have_a_limit(key):
    with pytest.raises(
        InputError, match=rf"key 'explain\.{key}': Input should be less than or equal to 10*\d* \(found 1000000000\)"
    ):
        load_recipe("multi-eye", (f"explain.{key}=1000000000",))
