"""How often the 95 % intervals that xgaze prints hold the truth. `python benchmarks/coverage.py`

Simulates people (or pictures) whose true score is known, gives them to the very functions that the product calls, and prints per
score and number of people the coverage in percent; wanted: 93 to 97. Too narrow ones are marked "!", wider ones "+" (they claim
less than they could), beyond what so many simulations leave to chance. "b" in place of "+": a score within 0 to 1 whose intervals
miss on one side alone, for people so few or scores so good that even the best of them leaves the truth within; of 5 % of misses,
half are left. "nd": so many percent had no interval ("not defined"), which are not counted. About five minutes on one core;
`--simulations 2000` for closer figures.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.classes.classification import probabilities
from xgaze.evaluation.intervals.class_intervals import resampling_of, score_interval
from xgaze.evaluation.intervals.f1_lost import macro_f1_lost
from xgaze.evaluation.intervals.fold_ranks import auc_of_ranks, ranks_within
from xgaze.evaluation.intervals.measures import PEOPLE_AUC, measures_of, samples_of
from xgaze.evaluation.intervals.participants import SHARES, Interval, mean_interval
from xgaze.evaluation.intervals.resampling import Weights
from xgaze.evaluation.score import compare, score_unit, summarise

PEOPLE = (4, 8, 16, 40, 100, 200)
WANTED = (93.0, 97.0)
MANY = 20_000
"""People whose score stands for the truth."""
FIXATIONS, ELSEWHERE = 12, 60
GAZE = Spec((), "gaze", scene=(1000, 1000))
VALUE = Spec((), "value", unit="ms")
TWO = Spec((), "class", unit="AUC", classes=("a", "b"))
THREE = Spec((), "class", unit="accuracy", classes=("a", "b", "c"))

WITHIN_0_AND_1 = ("AUC", PEOPLE_AUC, "accuracy", "macro F1", "shuffled AUC")
RARE = 0.5
"""Percent of simulations: an interval that misses no more often on one side misses on the other one alone."""

Drawn = Mapping[str, Any]
"""Arguments of the product's functions."""


@dataclass(frozen=True)
class World:
    """draw: (random numbers, people) -> what they gave. intervals: from that, by name of the score. truths: from very many."""

    draw: Callable[[np.random.Generator, int], Drawn]
    intervals: Callable[[Drawn], dict[str, Interval]]
    truths: Callable[[Drawn], dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=PEOPLE)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    asked, start = parser.parse_args(), time.perf_counter()
    print(f"{'score':66}" + "".join(f"{count:>10}" for count in asked.people))
    for name in asked.worlds:
        world = WORLDS[name]
        truths = world.truths(world.draw(np.random.default_rng(0), MANY))
        columns = [covered(world, truths, people, asked.simulations) for people in asked.people]
        for score in columns[0]:
            print(
                f"{f'{score}, {name}':66}"
                + "".join(f"{told(one[score], score in WITHIN_0_AND_1):>10}" for one in columns),
                flush=True,
            )
    print(f"{asked.simulations} simulations each, {time.perf_counter() - start:.0f} s.")


def covered(world: World, truths: Mapping[str, float], people: int, simulations: int) -> dict[str, list[int | None]]:
    """Score -> on which side of the truth each simulation's interval lies; 0 where it holds it, None where it is not defined."""
    found: dict[str, list[int | None]] = {}
    for seed in range(simulations):
        for name, one in world.intervals(world.draw(np.random.default_rng([1, seed]), people)).items():
            found.setdefault(name, []).append(side(one, truths[name]))
    return found


def side(one: Interval, truth: float) -> int | None:
    if one.low is None or one.high is None:
        return None
    return int(one.low - 1e-12 > truth) - int(one.high + 1e-12 < truth)


def told(sides: list[int | None], bounded: bool) -> str:
    """As "95.2", "91.0!", "98.5+", "97.6b", "94.8 nd5"."""
    defined = np.array([one for one in sides if one is not None])
    missing = f" nd{100 * (1 - len(defined) / len(sides)):.0f}" if len(defined) < len(sides) else ""
    if not len(defined):
        return "nd"
    above, below = (100 * float(np.mean(defined == one)) for one in (1, -1))
    share, slack = 100 - above - below, 200 * np.sqrt(0.05 * 0.95 / len(defined))
    wide = "b" if bounded and min(above, below) <= RARE else "+"
    mark = "!" if share < WANTED[0] - slack else wide if share > WANTED[1] else ""
    return f"{share:.1f}{mark}{missing}"


def gaze_errors(rng: np.random.Generator, people: int, spread: float) -> Drawn:
    """People differ by a factor; the student loses 3 %, from person to person more or less. 10 frames each."""
    own = 40 * rng.lognormal(0, spread, people)
    students = own * rng.lognormal(np.log(1.03) - 0.1**2 / 2, 0.1, people)
    person = np.repeat(np.arange(people), 10)
    target = np.zeros((len(person), 2))
    offsets = [np.stack([rng.gamma(4, each[person] / 4), target[:, 0]], axis=1) for each in (own, students)]
    return {"reference": offsets[0], "student": offsets[1], "targets": target, "participants": person}


def values(rng: np.random.Generator, people: int) -> Drawn:
    """|person's bias + noise|, 5 to 15 samples each."""
    person = np.repeat(np.arange(people), rng.integers(5, 16, people))
    off = rng.normal(0, 30, people)[person] + rng.normal(0, 20, len(person))
    return {"student": off[:, None], "targets": np.zeros((len(person), 1)), "participants": person}


def two_classes(
    rng: np.random.Generator, people: int, gap: float, between: float, within: float, frames: int, rare: float = 0.5
) -> Drawn:
    """Half of the people (or a share of `rare`) have class 1. Evidence: gap x class + what the person and the frame add, as one
    model sees it and, a little worse and mostly alike, another."""
    own = (np.arange(people) < max(2, round(rare * people))).astype(int)
    person = np.repeat(np.arange(people), frames)
    label = own[person]
    common, extra = ([between * rng.normal(size=people)[person], within * rng.normal(size=len(person))] for _ in "ab")
    reference = gap * label + common[0] + common[1]
    student = 0.85 * gap * label + 0.9 * (common[0] + common[1]) + 0.4 * (extra[0] + extra[1])
    both = (np.stack([gap / 2 - one, one - gap / 2], axis=1) for one in (reference, student))
    return {**dict(zip(("reference", "student"), both, strict=True)), "targets": label, "participants": person}


def three_classes(rng: np.random.Generator, people: int, skill: float, frames: int) -> Drawn:
    """Everyone gives samples of all classes, one of them rare. People differ in how well they are told, and by a lean."""
    person = np.repeat(np.arange(people), frames)
    label = rng.choice(3, len(person), p=(0.5, 0.3, 0.2))
    truth = np.eye(3)[label] * (skill + 0.5 * rng.normal(size=people)[person])[:, None]
    lean, noise = 0.5 * rng.normal(size=(people, 3))[person], rng.normal(size=(len(person), 3))
    reference = truth + lean + noise
    student = 0.85 * truth + 0.9 * (lean + noise) + 0.4 * rng.normal(size=noise.shape)
    return {"reference": reference, "student": student, "targets": label, "participants": person}


def pictures(rng: np.random.Generator, count: int) -> Drawn:
    """Shuffled AUC and NSS of a map on pictures that differ in how much it tells, against fixations elsewhere."""
    tells = rng.normal(0.9, 0.7, count)
    here = tells[:, None] + rng.normal(size=(count, FIXATIONS))
    there = rng.normal(size=(count, ELSEWHERE))
    each = [(a[:, None] > b[None]).mean() for a, b in zip(here, there, strict=True)]
    return {"areas": np.array(each), "nss": here.mean(axis=1), "participants": np.arange(count)}


def error_intervals(spec: Spec, drawn: Drawn) -> dict[str, Interval]:
    student, truth, people = drawn["student"], drawn["targets"], drawn["participants"]
    found = {spec.unit: interval_of(summarise(spec, student, truth, people))}
    if "reference" in drawn:
        found["worse, %"] = compare(spec, student, drawn["reference"], truth, people)
    return found


def error_truths(spec: Spec, drawn: Drawn) -> dict[str, float]:
    person = drawn["participants"]

    def mean(outputs: NDArray[Any]) -> float:
        each = np.linalg.norm(outputs, axis=1)
        return float((np.bincount(person, each) / np.bincount(person)).mean())

    found = {spec.unit: mean(drawn["student"])}
    return found | ({"worse, %": 3.0} if "reference" in drawn else {})


def class_intervals(spec: Spec, drawn: Drawn) -> dict[str, Interval]:
    """Of scores, and of what is lost. The difference of two scores in a cross validation is the same without the factor 100."""
    student, reference, truth, people = (drawn[key] for key in ("student", "reference", "targets", "participants"))
    samples = samples_of(reference, truth, people)
    measures, among = measures_of(spec, samples), resampling_of(samples, len(spec.classes))
    lost = macro_f1_lost(spec, student, reference, truth, people)
    assert lost is not None
    return {
        **{name: score_interval(measures[name], among) for name in scores_of(spec)},
        f"{score_unit(spec)} lost, points": compare(spec, student, reference, truth, people),
        "macro F1 lost, points": lost["worse_points"],
    }


def scores_of(spec: Spec) -> list[str]:
    of_people = [PEOPLE_AUC] if len(spec.classes) == 2 else []
    return list(dict.fromkeys((score_unit(spec), *of_people, "accuracy", "macro F1")))


def class_truths(spec: Spec, drawn: Drawn) -> dict[str, float]:
    own, other = (_exact(spec, drawn[one], drawn["targets"]) for one in ("reference", "student"))
    lost = {f"{name} lost, points": 100 * (own[name] - other[name]) for name in (score_unit(spec), "macro F1")}
    return own | lost | ({PEOPLE_AUC: _exact_of_people(drawn)} if len(spec.classes) == 2 else {})


def _exact_of_people(drawn: Drawn) -> float:
    """AUC of each one's mean probability; everyone has one class."""
    person, counts = drawn["participants"], np.bincount(drawn["participants"])
    means, own = (
        np.bincount(person, one) / counts for one in (probabilities(drawn["reference"])[:, 1], drawn["targets"])
    )
    one_fold = np.zeros(len(means), np.int64)
    return auc_of_ranks(ranks_within(means, one_fold), one_fold, own)


def _exact(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> dict[str, float]:
    """As of one participant with all samples, whose one weight is 1."""
    measures = measures_of(spec, samples_of(outputs, targets, np.zeros(len(targets), int)))
    once: Weights = np.array([[1.0] + [0.0] * len(spec.classes)])
    return {name: float(one(once)[0]) for name, one in measures.items()}


def picture_intervals(drawn: Drawn) -> dict[str, Interval]:
    return {
        "shuffled AUC": mean_interval(drawn["areas"], drawn["participants"], within=SHARES),
        "NSS": mean_interval(drawn["nss"], drawn["participants"]),
    }


def picture_truths(drawn: Drawn) -> dict[str, float]:
    return {"shuffled AUC": float(drawn["areas"].mean()), "NSS": float(drawn["nss"].mean())}


def interval_of(summary: Any) -> Interval:
    return Interval(summary.mean, summary.low, summary.high)


def _classes(draw: Callable[..., Drawn], spec: Spec, **settings: float) -> World:
    return World(partial(draw, **settings), partial(class_intervals, spec), partial(class_truths, spec))


def _errors(draw: Callable[..., Drawn], spec: Spec, **settings: float) -> World:
    return World(partial(draw, **settings), partial(error_intervals, spec), partial(error_truths, spec))


WORLDS: Mapping[str, World] = {
    "gaze": _errors(gaze_errors, GAZE, spread=0.4),
    "gaze, people very unlike": _errors(gaze_errors, GAZE, spread=0.6),
    "value": _errors(values, VALUE),
    "two classes": _classes(two_classes, TWO, gap=1.5, between=1, within=1, frames=8),
    "two classes, one rare": _classes(two_classes, TWO, gap=1.5, between=1, within=1, frames=8, rare=0.25),
    "two classes, people very unlike": _classes(two_classes, TWO, gap=2, between=1, within=0.3, frames=8),
    "two classes, all frames of one person alike": _classes(two_classes, TWO, gap=2, between=1, within=0.05, frames=8),
    "two classes, one frame each": _classes(two_classes, TWO, gap=3, between=1, within=1, frames=1),
    "two classes, easy": _classes(two_classes, TWO, gap=3, between=0.7, within=1, frames=8),
    "three classes": _classes(three_classes, THREE, skill=1.2, frames=12),
    "three classes, easy": _classes(three_classes, THREE, skill=3.5, frames=12),
    "pictures": World(pictures, picture_intervals, picture_truths),
}


if __name__ == "__main__":
    main()
