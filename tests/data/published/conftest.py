"""MPIIGaze in its published layout, generated: eyes whose bright spot lies where they look."""

import numpy as np
import pytest
from scipy.io import savemat

PEOPLE, DAYS, FRAMES = 6, 2, 5


def eye(vector):
    """36 x 60, dark, with a bright spot at where the direction (x right, y down) points."""
    picture = np.full((36, 60), 40, np.uint8)
    row, column = round(18 + 30 * vector[1]), round(30 + 40 * vector[0])
    picture[row - 2 : row + 3, column - 2 : column + 3] = 220
    return picture


def looked(rng, many):
    """Unit vectors towards the camera, up to about 17 degrees off its axis."""
    x, y = rng.uniform(-0.3, 0.3, (2, many))
    return np.stack([x, y, -np.sqrt(1 - x**2 - y**2)], axis=1)


@pytest.fixture
def mpiigaze(tmp_path):
    """(folder, gaze): what was written, and the vectors (frames, 3) by (person, day, side)."""
    root, gaze = tmp_path / "MPIIGaze", {}
    rng = np.random.default_rng(0)
    (root / "Evaluation Subset/sample list for eye image").mkdir(parents=True)
    for person in (f"p{k:02d}" for k in range(PEOPLE)):
        folder = root / "Data/Normalized" / person
        folder.mkdir(parents=True)
        lines = []
        for day in range(1, DAYS + 1):
            frames = 1 if (person, day) == ("p03", 2) else FRAMES  # a day of one frame loses its first axis
            sides = {}
            for side in ("left", "right"):
                vectors = looked(rng, frames)
                gaze[person, f"day{day:02d}", side] = vectors
                pose = rng.normal(0, 0.1, (frames, 3))
                sides[side] = {"image": np.stack([eye(one) for one in vectors]), "gaze": vectors, "pose": pose}
            names = np.array([f"{k + 1:04d}.jpg" for k in range(frames)], object)
            savemat(folder / f"day{day:02d}.mat", {"data": sides, "filenames": names})
            lines += [f"day{day:02d}/{name} {('left', 'right')[k % 2]}" for k, name in enumerate(names)]
        (root / f"Evaluation Subset/sample list for eye image/{person}.txt").write_text("\n".join(lines) + "\n")
    return root, gaze


@pytest.fixture
def faults_of_people():
    """Faults of a recording but for copies: here everybody has the same face."""
    from xgaze.data.checks.soundness import check

    copies = ("identical images across splits", "nearly identical images across splits", "one person under two names")
    return lambda data: [fault for fault in check(data) if fault.kind not in copies]
