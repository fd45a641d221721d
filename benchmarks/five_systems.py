"""The five reference systems at a size that fits CI, in one table. `python benchmarks/five_systems.py --data FOLDER`

Each recipe goes through `xgaze train-teacher` and `xgaze distill --prune-fc --effort quick` on a small part of its data, in a
folder of its own. FOLDER holds osie/ (stimuli/, fixations.csv.gz) and asd-scanpath-images/ (images.npz, images.csv). So small,
students prove that everything works, not how good it is. `--all` runs every recipe, variants too; `--only SYSTEM` one system.
A system that fails is told in its row, and the exit code is 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.cli.common import ends_in_words

OSIE, PICTURES_OF_SCANPATHS = "osie", "asd-scanpath-images"
SCANPATH_SET = ("data.path={small}/osie/fixations.csv.gz", "training.epochs=4")
AGREEMENT_SET = ("data.path={small}/osie", "training.epochs=4", "data.side=64")
COLUMNS = ("system", "recipe", "parameters", "fc_share", "fc_reduction", "parameter_reduction", "worse_unit")
COLUMNS += ("difference_percent", "latency_ratio", "seconds")


@dataclass(frozen=True)
class Row:
    """One recipe. small: overrides for a small run, in which {data} is the folder of data and {small} what was cut from it.
    variant: of a system that another row stands for."""

    system: str
    recipe: str
    small: tuple[str, ...]
    variant: bool = False


ROWS = (
    Row(
        "S5 eye cameras",
        "multi-eye",
        (
            "data.train_participants=60",
            "data.validation_participants=20",
            "data.test_participants=20",
            "data.frames_per_participant=6",
            "data.train_frames_per_participant=null",
            "training.epochs=4",
        ),
    ),
    Row(
        "S5 eye cameras",
        "multi-eye-reference",
        (
            "data.train_participants=8",
            "data.validation_participants=4",
            "data.test_participants=4",
            "data.frames_per_participant=2",
            "training.epochs=1",
        ),
        variant=True,
    ),
    Row("S1 pictures of gaze", "heatmap-cnn", ("data.path={data}/asd-scanpath-images", "training.epochs=4")),
    Row(
        "S1 pictures of gaze",
        "heatmap-cnn-small",
        ("data.path={data}/asd-scanpath-images", "training.epochs=4"),
        variant=True,
    ),
    Row("S2 scanpaths", "scanpath-vitnet", SCANPATH_SET),
    Row("S2 scanpaths", "scanpath-cnn", SCANPATH_SET, variant=True),
    Row("S2 scanpaths", "scanpath-lstm", SCANPATH_SET, variant=True),
    Row("S2 scanpaths", "scanpath-gnn", SCANPATH_SET, variant=True),
    Row("S2 scanpaths", "scanpath-duration", SCANPATH_SET, variant=True),
    Row(
        "S3 fixation prediction",
        "mrcnn",
        ("data.path={small}/osie", "data.most_pictures=50", "training.epochs=1", "distill.tuning_epochs=3"),
    ),
    Row("S4 human attention", "gat", AGREEMENT_SET),
    Row("S4 human attention", "kfn", AGREEMENT_SET, variant=True),
)


def main() -> None:
    asked = arguments()
    wanted = [row for row in ROWS if chosen(row, asked.all, asked.only)]
    missing = [name for name in (OSIE, PICTURES_OF_SCANPATHS) if not (asked.data / name).is_dir()]
    if missing:
        sys.exit(f"{asked.data}: {' and '.join(missing)} missing. Give the folder that holds both with --data.")
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        small_osie(asked.data / OSIE, folder / OSIE, asked.pictures)
        found = [measured(row, asked.data.resolve(), folder.resolve()) for row in wanted]
    print(json.dumps(found) if asked.json else in_words(found))
    sys.exit(1 if any("failed" in one for one in found) else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="Keep the runs here; one that lies there goes on."
    )
    parser.add_argument("--pictures", type=int, default=150, metavar="N", help="Of OSIE's 700 pictures.")
    parser.add_argument("--only", choices=sorted({row.recipe for row in ROWS}), metavar="RECIPE")
    parser.add_argument("--all", action="store_true", help="Variants too.")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def chosen(row: Row, everything: bool, only: str | None) -> bool:
    return row.recipe == only if only else everything or not row.variant


def overrides_of(row: Row, data: Path, small: Path) -> list[str]:
    """The row's overrides for a small run."""
    return [one.format(data=data, small=small) for one in row.small]


def small_osie(source: Path, target: Path, pictures: int) -> None:
    """The first so many pictures, by name, with their fixations."""
    table = pd.read_csv(source / "fixations.csv.gz")
    kept = sorted(table["image"].unique())[:pictures]
    target.mkdir(parents=True, exist_ok=True)
    # A file of the same bytes whenever it is written: a run that lies there goes on.
    table[table["image"].isin(kept)].to_csv(
        target / "fixations.csv.gz", index=False, compression={"method": "gzip", "mtime": 1}
    )
    if not (target / "stimuli").exists():
        (target / "stimuli").symlink_to((source / "stimuli").resolve(), target_is_directory=True)


def measured(row: Row, data: Path, folder: Path) -> dict[str, Any]:
    """A row of the table, from the commands themselves; with "failed" and no figures where one of them failed."""
    print(f"{row.recipe} ...", file=sys.stderr)
    start = time.perf_counter()
    settings = [word for one in overrides_of(row, data, folder) for word in ("--set", one)]
    figures: dict[str, Any] = {}
    for command in (["train-teacher", row.recipe], ["distill", row.recipe, "--prune-fc", "--effort", "quick"]):
        done = subprocess.run(
            [sys.executable, "-m", "xgaze.cli.main", *command, "--json", *settings],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            told = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return {"system": row.system, "recipe": row.recipe, "failed": f"xgaze {command[0]}: {told}"}
        figures = json.loads(done.stdout)
    return row_of(row, figures, time.perf_counter() - start)


def row_of(row: Row, figures: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What `xgaze distill --json` printed, as a row."""
    teacher = figures["teacher"]
    return {
        "system": row.system,
        "recipe": row.recipe,
        "parameters": teacher["parameters"],
        "fc_share": teacher["fc_parameters"] / teacher["parameters"],
        **{key: figures[key] for key in ("fc_reduction", "parameter_reduction")},
        "worse_unit": figures["worse_unit"],
        "difference_percent": {end: figures["difference_percent"][end] for end in ("mean", "low", "high")},
        "latency_ratio": figures["latency_ratio"],
        "seconds": seconds,
    }


def in_words(rows: Sequence[dict[str, Any]]) -> str:
    """A table in Markdown."""
    head = "| system | recipe | teacher | in FC | FC fewer | all fewer | worse by | faster | time |"
    return "\n".join([head, "|---|---|--:|--:|--:|--:|--:|--:|--:|", *(line(one) for one in rows)])


def line(one: dict[str, Any]) -> str:
    start = f"| {one['system']} | {one['recipe']} |"
    if "failed" in one:
        return f"{start} failed: {one['failed']} ||||||| "
    worse = one["difference_percent"]
    return (
        f"{start} {one['parameters']:,} | {100 * one['fc_share']:.0f} % | {one['fc_reduction']:.1f}x | "
        f"{one['parameter_reduction']:.1f}x | {worse['mean']:+.1f} {one['worse_unit']} {ends_in_words(worse, '+.1f')} | "
        f"{one['latency_ratio']:.1f}x | {one['seconds']:.0f} s |"
    )


if __name__ == "__main__":
    main()
