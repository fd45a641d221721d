"""People whose labels are in another unit stand out, in every source; ways of looking, and of recording, do not."""

from dataclasses import replace

import numpy as np
import pytest

import xgaze
from xgaze.data.checks.mixed_units import mixed_units
from xgaze.data.checks.soundness import check
from xgaze.data.contract import InputSpec, Spec
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.recipe.sources import SOURCES

INPUTS = (InputSpec("eye", (1, 8, 8)),)
MANY = 40


def told(spec, *each):
    """Messages for people p0, p1, ... with these labels."""
    people = np.repeat([f"p{k}" for k in range(len(each))], list(map(len, each)))
    return [fault.message for fault in mixed_units(np.concatenate(each).astype(float), people, spec)]


def screen(rng, width, height, many=MANY):
    return rng.uniform(0, 1, (many, 2)) * [width, height]


def looking(rng, spread, many=MANY):
    """Directions (pitch, yaw) about straight ahead."""
    return rng.normal(0, 1, (many, 2)) * np.asarray(spread)


CM, MM, PX = (Spec(INPUTS, "gaze", unit, scene) for unit, scene in (("cm", None), ("mm", None), ("px", (1920, 1080))))
RAD, DEGREES, VECTOR = (Spec(INPUTS, "angle", unit) for unit in ("rad", "degrees", "vector"))
PLANTED = {
    "mm among cm": (CM, (52, 29), 10, "mm or px"),
    "cm among mm, telephones": (MM, (60, 120), 0.1, "cm or m"),
    "m among cm": (CM, (52, 29), 0.01, "m, or shares of the screen"),
    "shares among px": (PX, (1920, 1080), 1 / 1920, "shares of the scene, cm or degrees"),
    "cm among px": (PX, (1920, 1080), 1 / 37, "shares of the scene, cm or degrees"),
    "degrees among rad": (RAD, (0.3, 0.4), 180 / np.pi, "degrees"),
    "rad among degrees": (DEGREES, (17, 23), np.pi / 180, "rad"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_some_people_in_another_unit_are_told_one_by_one(name):
    spec, reach, factor, likely = PLANTED[name]
    rng = np.random.default_rng(0)
    each = [(screen(rng, *reach) if spec.kind == "gaze" else looking(rng, reach)) for _ in range(12)]
    for k in (3, 7, 8):
        each[k] = each[k] * factor
    found = told(spec, *each)
    assert [one.split(":")[0] for one in found] == ["participant p3", "participant p7", "participant p8"]
    assert all("the 40 labels reach" in one and f"in another unit ({likely})?" in one for one in found)


def test_half_of_the_people_stand_out_from_the_other_half():
    rng = np.random.default_rng(0)
    each = [screen(rng, 52, 29) * (10 if k % 2 else 1) for k in range(10)]
    assert len(told(CM, *each)) == 5


def test_vectors_of_another_length_are_told():
    rng = np.random.default_rng(0)
    each = [np.column_stack([looking(rng, (0.3, 0.3)), -np.ones(MANY)]) for _ in range(6)]
    each[4] = each[4] * 600
    (found,) = told(replace(VECTOR, groups="sequences"), *each)
    assert found.startswith("sequence p4: the 40 labels reach 6") and "those of most sequences 1." in found


def spreads(rng):
    """Name -> a recording that is in one unit: its specification and the labels of each person."""
    drivers = [looking(rng, 2 ** rng.uniform(0, 4.5) * np.array([0.6, 1])) for _ in range(60)]
    heads = [looking(rng, (15, 15 * rng.uniform(0.2, 5)), rng.integers(4, 60)) for _ in range(100)]
    frames = [looking(rng, (0.01, 0.01), 30) + rng.normal(0, 0.25, 2) for _ in range(80)]
    around = [np.radians(one) for one in heads]
    phones = [screen(rng, 6.5, 13) - [3, 14] for _ in range(20)]
    return {
        "telephones and tablets, from the camera": (CM, phones + [screen(rng, 20, 15) - [10, -1] for _ in range(6)]),
        "telephones and screens": (CM, phones + [screen(rng, 60, 34) for _ in range(9)]),
        "screens and a telephone": (MM, [screen(rng, 600, 340) for _ in range(9)] + [10 * one for one in phones[:2]]),
        "a wall among screens": (CM, [screen(rng, 52, 29) for _ in range(9)] + [screen(rng, 250, 140)]),
        "telephones and a screen of 4K": (PX, [screen(rng, 375, 667) for _ in range(9)] + [screen(rng, 3840, 2160)]),
        "a reader of one corner": (PX, [screen(rng, 1920, 1080) for _ in range(9)] + [screen(rng, 300, 200)]),
        "who looks at the middle alone": (
            CM,
            [screen(rng, 52, 29) - [26, 14.5] for _ in range(9)] + [np.zeros((40, 2))],
        ),
        "and around it": (MM, [screen(rng, 520, 290) - [260, 145] for _ in range(9)] + [looking(rng, (30, 30))]),
        "three points of one person": (CM, [screen(rng, 52, 29) for _ in range(9)] + [screen(rng, 1, 1, 3)]),
        "drivers": (DEGREES, drivers),
        "heads in a panorama, degrees": (DEGREES, heads),
        "heads in a panorama, rad": (RAD, around),
        "sequences of one fixation each": (RAD, frames),
        "vectors": (VECTOR, [np.column_stack([one, -np.ones(len(one))]) for one in frames]),
        "two people": (CM, [screen(rng, 52, 29), screen(rng, 520, 290)]),
    }


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_accused_for_how_they_look(seed):
    found = {name: told(spec, *each) for name, (spec, each) in spreads(np.random.default_rng(seed)).items()}
    assert {name: one for name, one in found.items() if one} == {}


def test_unknown_labels_and_slips_of_the_hand_change_nothing():
    rng = np.random.default_rng(0)
    each = [screen(rng, 52, 29) for _ in range(6)]
    each[1][:3] = 5000
    each[2][:20] = np.nan
    each[3][:] = np.nan
    assert told(CM, *each) == []
    each[2] *= 10
    assert len(told(CM, *each)) == 1 and "the 20 labels" in told(CM, *each)[0]
    assert told(CM, *(np.full((5, 2), np.nan) for _ in range(4))) == []


def test_arrays_in_mixed_units_are_refused():
    rng = np.random.default_rng(0)
    targets = np.concatenate([screen(rng, 52, 29, 8) * (10 if k == 2 else 1) for k in range(10)])
    people = np.repeat([f"anna{k}" for k in range(10)], 8)
    eyes = np.zeros((80, 8, 8), np.uint8)
    with pytest.raises(InputError) as error:
        xgaze.ArrayRecording({"eye": eyes}, targets, people, unit="cm")
    assert str(error.value).startswith("targets: 1 fault:\n  participant anna2: the 8 labels reach ")
    assert "mixed units: Convert the numbers of these people into the unit of the others" in str(error.value)
    xgaze.ArrayRecording({"eye": eyes}, None, people, kind="gaze", unit="cm")
    xgaze.ArrayRecording({"eye": eyes}, targets[:, 0], people, unit="cm")  # values may be anything


def test_folders_of_eyes_and_vectors_in_mixed_units_are_refused(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for split, names in {"train": "abc", "validation": "de", "test": "fg"}.items():
        (tmp_path / split / "labels").mkdir(parents=True)
        for name in names:
            (tmp_path / split / "sequences" / name).mkdir(parents=True)
            lines = []
            for k, (y, x) in enumerate(looking(rng, (0.3, 0.3), 6)):
                pixels = rng.integers(0, 256, (10, 12), np.uint8)
                Image.fromarray(pixels).save(tmp_path / split / "sequences" / name / f"{k:03d}.png")
                vector = np.array([x, y, -1]) * (600 if name == "b" else 1)
                lines.append(",".join(map(str, [k, *vector])))
            (tmp_path / split / "labels" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    data = SOURCES["openeds"].section(source="openeds", path=tmp_path, height=10, width=12)
    (fault,) = check(data)
    assert fault.kind == "mixed units" and fault.message.startswith("sequence train/b: the 6 labels reach ")
    with pytest.raises(InputError, match=f"{tmp_path}: 1 fault"):
        open_recording(data)


def test_eye_folders_in_mixed_units_are_told(eyes):
    for person, scale in {"1": 1, "2": 1, "3": 0.02, "5": 1, "6": 1, "11": 1}.items():
        (table,) = eyes.path.rglob(f"{person}/IMG1/Learn.csv")
        rows = [f"{scale * (100 + 99 * k)},{scale * (450 - 70 * k)}" for k in range(4)]
        table.write_text("\n".join(["cornerxy[0],cornerxy[1]", *rows]) + "\n")
        for picture in table.parent.glob("1_*.png"):
            (table.parent / f"4_{picture.name.split('_')[1]}").write_bytes(picture.read_bytes())
    assert [fault.message[:32] for fault in check(eyes) if fault.kind == "mixed units"] == [
        "participant 3: the 4 labels reac"
    ]
    with pytest.raises(InputError, match="mixed units: Convert"):
        open_recording(eyes)
