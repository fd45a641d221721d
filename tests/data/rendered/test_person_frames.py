"""What a rendered participant's pixels and masks must be."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from xgaze.data.rendered import CAMERAS, REGIONS, STATE_SHAPES, RenderedParticipant, render_participant

HEIGHT, WIDTH = 128, 160
LABEL = {name: i for i, name in enumerate(REGIONS)}


@pytest.fixture(scope="module")
def people() -> list[RenderedParticipant]:
    return [render_participant(n, 8, HEIGHT, WIDTH) for n in range(8)]


def centroid(mask: np.ndarray) -> np.ndarray:
    """x, y of a mask (H, W), pixel centres at half integers."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def test_rendering_twice_gives_the_same_bytes() -> None:
    first, second = (render_participant(17, 3, HEIGHT, WIDTH, seed=2) for _ in range(2))
    for name in ("images", "regions", "gaze_px"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    other = render_participant(17, 3, HEIGHT, WIDTH, seed=3)
    assert hashlib.sha256(first.images.tobytes()).digest() != hashlib.sha256(other.images.tobytes()).digest()


def test_a_frame_has_the_same_pixels_however_many_are_rendered() -> None:
    short, long = render_participant(5, 2, 48, 60), render_participant(5, 6, 48, 60)
    np.testing.assert_array_equal(short.images, long.images[:2])
    np.testing.assert_array_equal(short.regions, long.regions[:2])


def test_another_size_shows_the_same_person_doing_the_same() -> None:
    small, large = render_participant(5, 4, 64, 80), render_participant(5, 4, 256, 320)
    np.testing.assert_array_equal(small.gaze_px, large.gaze_px)
    for name, values in small.states.items():
        scale = 4 if name.endswith("_px") else 1
        np.testing.assert_allclose(values * scale, large.states[name], rtol=1e-5, atol=1e-4)
    pooled = torch.nn.functional.avg_pool2d(torch.from_numpy(large.images).float(), 4).numpy()
    assert np.abs(pooled - small.images).mean() < 4  # grey levels; lashes are the main difference


def test_arrays_have_their_shapes(people: list[RenderedParticipant]) -> None:
    one = people[0]
    assert one.images.shape == one.regions.shape == (8, len(CAMERAS), HEIGHT, WIDTH)
    assert one.images.dtype == one.regions.dtype == np.uint8 and one.gaze_px.dtype == np.float32
    assert {name: values.shape[1:] for name, values in one.states.items()} == STATE_SHAPES
    assert all(values.dtype == np.float32 and np.isfinite(values).all() for values in one.states.values())


def test_grey_levels_follow_anatomy(people: list[RenderedParticipant]) -> None:
    for one in people:
        grey = {name: one.images[one.regions == label].mean() for name, label in LABEL.items()}
        assert grey["pupil"] < grey["iris"] - 15
        assert grey["iris"] < grey["sclera"] < grey["glint"]
        assert grey["glint"] > grey["pupil"] + 120
        assert grey["lash"] < grey["skin"] - 10


def test_every_region_has_a_plausible_share(people: list[RenderedParticipant]) -> None:
    regions = np.concatenate([one.regions for one in people])
    share = np.bincount(regions.ravel(), minlength=len(REGIONS)) / regions.size
    assert len(share) == len(REGIONS)
    for name, low, high in [
        ("skin", 0.3, 0.7),
        ("sclera", 0.05, 0.35),
        ("iris", 0.08, 0.35),
        ("pupil", 0.01, 0.08),
        ("glint", 0.0003, 0.003),
        ("lash", 0.01, 0.1),
    ]:
        assert low < share[LABEL[name]] < high, (name, share[LABEL[name]])


@pytest.mark.parametrize("camera", range(4))
def test_the_pupil_of_an_eye_looking_into_the_camera_is_a_circle_of_the_right_size(rig, camera: int) -> None:
    participant = rig.exact_participant()
    states = rig.looking(participant, *rig.into_camera(participant, camera), pupil_mm=2.2)
    _, regions = rig.shoot(participant, states, 576, 720)
    rows, columns = np.nonzero(regions[camera] == LABEL["pupil"])
    width, height = columns.max() - columns.min() + 1, rows.max() - rows.min() + 1
    away_mm = np.sqrt(15**2 + 37**2 + (9 if camera in (0, 3) else 7) ** 2)
    iris_depth_mm = np.sqrt(participant.eyeball_radius_mm**2 - participant.iris_radius_mm**2)
    expected = 2 * 2.2 * 1150 / (away_mm - iris_depth_mm)
    assert width == pytest.approx(expected, rel=0.02) and height == pytest.approx(expected, rel=0.02)


def test_a_whole_pupils_mask_lies_where_the_states_say(people: list[RenderedParticipant]) -> None:
    checked = 0
    for one in people:
        for frame, camera in np.ndindex(one.images.shape[:2]):
            regions = one.regions[frame, camera]
            around = binary_dilation(regions == LABEL["pupil"], iterations=3)
            hidden = np.isin(regions[around], [LABEL["skin"], LABEL["lash"]]).any() or around[[0, -1]].any()
            if not hidden and around.any():
                pupil = around & np.isin(regions, [LABEL["pupil"], LABEL["glint"]])
                assert np.abs(centroid(pupil) - one.states["pupil_centre_px"][frame, camera]).max() < 1.5
                checked += 1
    assert checked > 100


def test_the_pupil_moves_with_the_gaze(rig) -> None:
    participant = rig.exact_participant()

    def pupil(yaw: float, pitch: float) -> np.ndarray:
        _, regions = rig.shoot(participant, rig.looking(participant, yaw, pitch), HEIGHT, WIDTH)
        return np.array([centroid(r == LABEL["pupil"]) for r in regions])

    ahead, right, down = pupil(0, 0), pupil(12, 0), pupil(0, 12)
    # cameras face the wearer: the wearer's right is the image's left
    assert np.all(right[:, 0] < ahead[:, 0] - 8) and np.all(down[:, 1] > ahead[:, 1] + 8)


def test_a_visible_glint_is_bright_where_the_states_say(people: list[RenderedParticipant]) -> None:
    bright = []
    for one in people:
        for frame, camera, light in np.argwhere(one.states["glint_visible"] == 1):
            x, y = one.states["glint_px"][frame, camera, light].astype(int)
            if 1 <= x < WIDTH - 1 and 1 <= y < HEIGHT - 1:
                bright.append(one.images[frame, camera, y - 1 : y + 2, x - 1 : x + 2].max())
    assert len(bright) > 300 and np.mean(np.array(bright) > 150) > 0.97


def test_a_closed_eye_shows_neither_iris_nor_pupil_nor_glint() -> None:
    one = render_participant(5, 9, HEIGHT, WIDTH)  # frame 8 of this person is a blink
    assert one.states["closing"][8] == 1 and np.all(one.states["lid_opening_mm"][8] == 0)
    assert set(np.unique(one.regions[8])) <= {LABEL["skin"], LABEL["lash"]}
    assert not one.states["glint_visible"][8].any()


def test_sensor_noise_has_its_spread(rig) -> None:
    participant = rig.exact_participant()
    states = rig.looking(participant, 0.0, 5.0)
    first, second = (rig.shoot(participant, states, HEIGHT, WIDTH, start)[0].astype(float) for start in (0, 12_345))
    grey = (first > 20) & (first < 200)
    assert (first - second)[grey].std() == pytest.approx(np.sqrt(2 * (2.5**2 + 1 / 12)), rel=0.02)


@given(number=st.integers(0, 300_000), height=st.integers(16, 90), width=st.integers(16, 90), seed=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_any_person_at_any_size_is_labelled_completely(number: int, height: int, width: int, seed: int) -> None:
    one = render_participant(number, 2, height, width, seed)
    assert one.images.shape == (2, 4, height, width)
    assert one.regions.max() < len(REGIONS)
    assert np.all((one.gaze_px > 0) & (one.gaze_px < [800, 600]))


def test_the_callers_thread_count_comes_back() -> None:
    before = torch.get_num_threads()
    render_participant(0, 1, 16, 20)
    assert torch.get_num_threads() == before


def test_a_tiny_image_is_refused() -> None:
    with pytest.raises(ValueError, match="16 pixels a side, got 8 x 160"):
        render_participant(0, 1, 8, 160)
