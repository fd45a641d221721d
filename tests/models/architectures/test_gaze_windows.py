import numpy as np
import pytest

from xgaze.errors import InputError
from xgaze.models.architectures.gaze_windows import best_apart, chosen_windows, overlaps, window_grid, window_means


def spot(side, x, y, radius):
    rows, columns = np.mgrid[:side, :side]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))


def test_a_picture_of_448_px_has_12381_windows_of_which_9_are_kept():
    grid = window_grid(448)
    assert [len(boxes) for boxes in grid.groups] == [1_196, 4_624, 6_561]
    assert sum(len(boxes) for boxes in grid.groups) == 12_381 and grid.kept == 9
    sides = [{tuple(pair) for pair in boxes[:, 2:] - boxes[:, :2]} for boxes in grid.groups]
    assert sides[0] == {(246, 269), (269, 246)} and len(sides[1]) == len(sides[2]) == 4
    assert all(boxes.min() == 0 and boxes.max() <= 448 for boxes in grid.groups)


def test_smaller_pictures_have_windows_in_proportion():
    grid = window_grid(112)
    assert {tuple(pair) for pair in grid.groups[2][:, 2:] - grid.groups[2][:, :2]} == {
        (31, 31),
        (31, 34),
        (34, 31),
        (34, 34),
    }
    assert set(np.unique(grid.groups[2][:, :2] % 2)) == {0}  # a step of 2 px
    assert len(window_grid(112, stride=4).groups[2]) < len(grid.groups[2])


def test_means_equal_those_of_slices():
    rng = np.random.default_rng(0)
    maps = rng.uniform(size=(3, 112, 112)).astype(np.float32)
    boxes = window_grid(112).groups[1][::97]
    plain = [[one[top:bottom, left:right].astype(float).mean() for left, top, right, bottom in boxes] for one in maps]
    np.testing.assert_allclose(window_means(maps, boxes), plain, rtol=1e-10)


def test_overlap_of_hand_made_boxes():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 5, 10]])
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 1 / 3, 0, 1 / 2])


def test_boxes_that_overlap_with_a_better_one_are_passed_over():
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [4, 8, 14, 18]])
    scores = np.array([3.0, 2.9, 1.0, 2.0])
    assert best_apart(boxes, scores, 3).tolist() == [0, 3, 2]  # 0 and 3 share 12 of 188 px, 3 and 2 8 of 192
    assert best_apart(boxes, scores, 4).tolist() == [0, 3, 2, 1]  # no other is left
    assert best_apart(boxes, scores, 9).tolist() == [0, 3, 2, 1]


def test_an_overlap_of_exactly_a_quarter_is_allowed():
    boxes = np.array([[0, 0, 10, 10], [6, 0, 16, 10], [0, 0, 10, 4]])
    assert overlaps(boxes[0], boxes)[1] == 0.25
    assert best_apart(boxes, np.array([3.0, 2.0, 2.5]), 2).tolist() == [0, 1]


def test_the_best_window_of_each_group_lies_on_the_bright_spot():
    grid = window_grid(112)
    maps = np.stack([spot(112, 30, 80, 5), spot(112, 85, 35, 5)])
    boxes = chosen_windows(maps, grid)
    assert boxes.shape == (2, 9, 4)
    for k, (x, y) in enumerate([(30, 80), (85, 35)]):
        for first in (0, 2, 5):
            left, top, right, bottom = boxes[k, first]
            assert left <= x < right and top <= y < bottom
        left, top, right, bottom = boxes[k, 5]  # the smallest: centred on it, up to its step
        assert abs((left + right) / 2 - x) <= 10 and abs((top + bottom) / 2 - y) <= 10


def test_the_nine_windows_are_well_apart_within_their_group():
    rng = np.random.default_rng(1)
    for boxes in chosen_windows(rng.uniform(size=(4, 112, 112)), window_grid(112)):
        for group in (boxes[2:5], boxes[5:]):
            for k, one in enumerate(group):
                assert (np.delete(overlaps(one, group), k) <= 0.25).all()


def test_a_dark_map_still_gives_nine_windows_and_never_nan():
    assert chosen_windows(np.zeros((1, 112, 112)), window_grid(112)).shape == (1, 9, 4)


def test_maps_of_another_size_or_without_numbers_are_refused():
    with pytest.raises(InputError, match="laid out for 112 px"):
        chosen_windows(np.zeros((1, 96, 96)), window_grid(112))
    with pytest.raises(InputError, match="no numbers"):
        chosen_windows(np.full((1, 112, 112), np.nan), window_grid(112))
