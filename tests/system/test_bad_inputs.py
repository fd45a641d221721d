"""Bad inputs of every kind, in one process: each ends in exit code 2 and one short message that names what is wrong with what."""

import os
import runpy
import shlex
from pathlib import Path
from unittest import mock

import pytest

from xgaze.data.rendered.rendered_recording import open_rendered
from xgaze.errors import InputError

HERE = Path(__file__).parent
FINISHED = runpy.run_path(str(HERE / "finished_run.py"))
BAD = runpy.run_path(str(HERE / "bad_inputs.py"))
run = FINISHED["run"]
KEYS = dict(BAD["recipe_keys"]())
MOST_LINES, MOST_CHARACTERS = 25, 3000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a finished run `small`, a recipe of no run, and odd files; nothing is rendered or trained there."""
    folder = tmp_path_factory.mktemp("bad")
    before = Path.cwd()
    with mock.patch.dict(os.environ, {"XGAZE_CACHE": str(folder / "cache")}):
        FINISHED["make_run"](folder)
        (folder / "fresh.yaml").write_text(
            FINISHED["RECIPE"].replace("name: small", "name: fresh", 1).replace("40", "48")
        )
        places = BAD["odd_places"](folder)
        os.chdir(folder)
        with mock.patch("xgaze.data.rendered.rendered_recording.open_rendered", side_effect=only_what_is_there):
            yield places
        os.chdir(before)


def only_what_is_there(data, progress=None):
    """Opens the recording of the finished run and renders no other."""
    if (data.height, data.frames_per_participant, data.train_participants) != (40, 2, 4):
        raise InputError("recording: would be rendered")
    return open_rendered(data, progress)


def fault(words, names="", codes=(2,)):
    """What is wrong with how a command ended, or None."""
    shown = " ".join(words)[:150]
    try:
        ended = run(*words)
    except Exception as error:
        return f"{shown}: {type(error).__name__}: {str(error)[:300]}"
    if ended.code not in codes:
        return f"{shown}: exit {ended.code}: {(ended.err or ended.out)[-300:]}"
    if ended.code == 2 and not (ended.err.strip() or ended.out.strip()):
        return f"{shown}: says nothing"
    if len(ended.err.splitlines()) > MOST_LINES or len(ended.err) > MOST_CHARACTERS:
        return f"{shown}: {len(ended.err.splitlines())} lines, {len(ended.err)} characters: {ended.err[:300]}"
    if "Traceback" in ended.err or names not in ended.err + ended.out:
        return f"{shown}: does not name {names!r}: {ended.err[-300:]}"
    return None


def none_of(faults):
    found = [one for one in faults if one]
    shown = map(ascii, found[:30])  # a name that is no UTF-8 cannot be sent to another process
    assert not found, f"{len(found)} faults:\n" + "\n".join(shown)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_recipe_takes_what_it_says_and_nothing_else(place, key):
    refused = BAD["NUMBERS"][:4]
    name = f"key '{key.split()[-1]}"
    none_of(fault(words, name if words[-1].partition("=")[2] in refused else "") for words, _ in KEYS[key])


def test_odd_overrides(place):
    none_of(fault(("report", "fresh.yaml", "--set", one), names) for one, names in BAD["OVERRIDES"])
    none_of(fault(("check", "fresh.yaml", "--set", one), "") for one, _ in BAD["OVERRIDES"][:24])


def test_what_this_machine_cannot_train_on_is_said_before_anything_is_rendered(place):
    for command in ("train-teacher", "crossval"):
        none_of(fault((command, "fresh.yaml", "--set", one), names) for one, names in BAD["START"])


@pytest.mark.parametrize("kind", BAD["READING"])
@pytest.mark.parametrize("text", BAD["TEXTS"])
def test_files_that_are_no_recipe(place, text, kind):
    path = Path("odd.yaml")
    path.write_bytes(BAD["TEXTS"][text])
    none_of(
        fault((*words, str(path)), "odd.yaml" if text != "data elsewhere" else "") for words in BAD["READING"][kind]
    )


@pytest.mark.parametrize("command", BAD["OPTIONS"])
def test_odd_options(place, command):
    none_of(fault((command, *shlex.split(words))) for words in BAD["OPTIONS"][command])


def test_odd_model_folders_and_inputs(place):
    none_of(fault(("predict", one, "small.yaml", "--out", "p.csv")) for one in place)
    none_of(fault(("features", one, "small.yaml", "--out", "features")) for one in place)
    none_of(fault(("predict", "checkpoints/small/teacher", one, "--out", "p.csv")) for one in place)
    assert not Path("p.csv").exists() and not Path("features").exists()


@pytest.mark.parametrize("source", BAD["NEEDED"])
def test_data_that_is_not_there(place, source):
    if source == "rendered":
        return
    told = ", ".join(f"{one}: {value}" for one, value in BAD["NEEDED"][source].items())
    base = ("check", "fresh.yaml", "--set", f"data={{source: {source}, {told}}}")
    none_of(fault((*base, "--set", f"data.path='{one}'")) for one in place if one not in ("/", "x\ny"))


def test_commands_without_a_run(place):
    for command in ("distill", "explain", "report", "saliency"):
        none_of([fault((command, "fresh.yaml"), "checkpoints/fresh")])
    none_of([fault(("foo",)), fault(("--foo",)), fault(("train-teacher", "multi-eyes"), "did you mean 'multi-eye'")])


def test_odd_samples(place):
    none_of(fault(("explain", "small.yaml", "--sample", one)) for one in BAD["SAMPLES"])
