"""Commands that train nothing, stopped at each of their writes in this process: nothing is torn then, and run again they leave
what they leave when left alone. What a real kill leaves of them, and of those that train, `kills.py` shows."""

import contextlib
import runpy
import shutil
from pathlib import Path

import pytest

from xgaze.artifacts import write_json
from xgaze.training.saliency_test import score_saliency

HERE = Path(__file__).parent
faults_of = runpy.run_path(str(HERE / "stopped_commands.py"))["faults_of"]
lay_out = runpy.run_path(str(HERE / "killed_commands.py"))["lay_out"]
FINISHED = runpy.run_path(str(HERE / "finished_run.py"))
STUDENT = "checkpoints/small/student"
COMMANDS = {
    "report small.yaml": 5,
    f"predict {STUDENT} small.yaml --out p.csv": 1,
    f"features {STUDENT} small.yaml --samples 2 --out features": 4,
    "calibrate small.yaml --points 1": 2,
    "calibrate small.yaml --person anna --out anna.json": 1,
    "compare small other": 3,
    "render eyes --people 2 --frames 1 --height 32 --width 32": 1,
    "heatmaps Fixation.txt --out maps": 1,
    "saliency looking.yaml --pictures 2": 9,
}
"""With the writes that there are at least."""


def once(function):
    """What it gave the first time, whatever it is given."""
    given = []

    def remembered(*words):
        given.append(given[0] if given else function(*words))
        return given[-1]

    return remembered


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A finished run, another beside it, photographs with a teacher, a file of fixations and one person's recording."""
    base = tmp_path_factory.mktemp("stopped")
    folder, run = base / "start", FINISHED["run"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XGAZE_CACHE", str(base / "cache"))
        # What takes seconds and writes nothing.
        for page in ("folder.render_page", "comparison.render_comparison"):
            patch.setattr(f"xgaze.report.page.{page}", lambda *_: "<html>")
        patch.setattr("xgaze.api.scoring_maps.score_saliency", once(score_saliency))
        lay_out(folder)
        FINISHED["make_run"](folder)
        run_folder = folder / "checkpoints" / "small"
        for name in ("explanation", "crossval"):  # made by hand, of what no page can be drawn
            shutil.rmtree(run_folder / name)
        shutil.copytree(run_folder, run_folder.with_name("other"))
        with contextlib.chdir(folder):
            for words in ("train-teacher looking.yaml", "render eyes --people 2 --frames 3 --height 40 --width 40"):
                ended = run(*words.split())
                assert ended.code == 0, ended.err
            shutil.copytree(Path("eyes", "test", "P000001"), Path("anna", "test", "P000001"))
            shutil.rmtree("eyes")
        yield folder


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_is_torn_and_the_next_run_ends_as_if_left_alone(start, tmp_path, words):
    def act() -> None:
        ended = FINISHED["run"](*words.split())
        if ended.code:
            raise RuntimeError(ended.err)

    known, faults = faults_of(start, tmp_path, act)
    assert not faults and len(known) >= COMMANDS[words], (known, faults)


def in_place() -> None:
    Path("a.json").write_text("{}")


def in_a_folder_made_twice() -> None:
    Path("a").mkdir()
    write_json(Path("a") / "a.json", {})


def never_finished() -> None:
    if not Path("a").exists():
        Path("a").mkdir()
        write_json(Path("a") / "a.json", {})


def whole() -> None:
    Path("a").mkdir(exist_ok=True)
    write_json(Path("a") / "a.json", {})


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (in_place, "a.json is torn"),
        (in_a_folder_made_twice, "FileExistsError"),
        (never_finished, "a/a.json differs"),
        (whole, ""),
    ],
)
def test_a_planted_fault_is_found(tmp_path, act, fault):
    (tmp_path / "start").mkdir()
    known, faults = faults_of(tmp_path / "start", tmp_path, act)
    assert known and bool(faults) == bool(fault) and fault in "".join(faults), (known, faults)
