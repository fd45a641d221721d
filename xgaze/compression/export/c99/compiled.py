"""The C file compiled: run on the stored samples here, and measured for Cortex-M where that compiler is installed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from xgaze.errors import InputError

COMPILERS = ("gcc", "clang", "cc")
ARM = "arm-none-eabi"
PROCESSORS = {"Cortex-M4": "m4.elf", "Cortex-M7": "m7.elf"}
SANITISED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
SECONDS = 600


@dataclass(frozen=True)
class Footprint:
    """Of the student alone, without its inputs. flash: code and weights, bytes; ram: static memory, bytes."""

    flash: int
    ram: int


def compiler() -> str | None:
    """A C compiler of this machine."""
    return next((one for one in COMPILERS if shutil.which(one)), None)


def run_c(folder: Path, sanitised: bool = False) -> NDArray[np.float32]:
    """What the C file in `folder` puts out for its samples, (samples, outputs). Raises InputError where it does not compile
    without a warning, or puts out something else than the samples say."""
    with TemporaryDirectory() as scratch:
        place = Path(scratch) / "c"
        shutil.copytree(folder, place)
        flags = ["-O1", *SANITISED] if sanitised else ["-O2"]
        sources = sorted(place.glob("*.c"))
        words = [str(compiler()), "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", *flags]
        _run([*words, *(one.name for one in sources), "-o", "program", "-lm"], place, "does not compile")
        told = _run(["./program", "samples.raw"], place, "fails on its samples")
    return np.array([line.split() for line in told.splitlines()], np.float32)


def footprints(folder: Path) -> dict[str, Footprint] | None:
    """Per processor, by arm-none-eabi-gcc; None where that is not installed."""
    if not all(shutil.which(one) for one in (f"{ARM}-gcc", f"{ARM}-size", "make")):
        return None
    with TemporaryDirectory() as scratch:
        place = Path(scratch) / "c"
        shutil.copytree(folder, place)
        _run(["make", "-s", *PROCESSORS.values()], place, "does not compile for Cortex-M")
        return {name: _footprint(place / file) for name, file in PROCESSORS.items()}


def _footprint(file: Path) -> Footprint:
    told = _run([f"{ARM}-size", file.name], file.parent, "has no size")
    text, data, zeros = map(int, told.splitlines()[1].split()[:3])
    return Footprint(text + data, data + zeros)


def _run(words: Sequence[str], folder: Path, fault: str) -> str:
    ended = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    if ended.returncode:
        told = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        first = next((line for line in told if "error" in line.lower()), told[-1] if told else "no word of why")
        raise InputError(f"the C file {fault}: {first[:200]}.")
    return ended.stdout
