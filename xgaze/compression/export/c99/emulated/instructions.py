"""How many instructions one sample takes on Cortex-M4 and M7, counted by QEMU, and what comes out there. Never a time: that
depends on the clock, on how fast flash is, and on what the processor does at once, of which QEMU knows nothing."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.steps import Program

QEMU, ARM = "qemu-system-arm", "arm-none-eabi-gcc"
HERE = Path(__file__).parent
BOARDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "Cortex-M4": ("cortex-m4", "fpv4-sp-d16", "mps2-an386"),
        "Cortex-M7": ("cortex-m7", "fpv5-sp-d16", "mps2-an500"),
    }
)
"""Processor, its floating point unit, and QEMU's name of the board."""
FLAGS = ("-std=c99", "-O2", "-mthumb", "-mfloat-abi=hard", "-ffunction-sections", "-fdata-sections")
LINKED = ("-nostartfiles", "--specs=nosys.specs", "-T", "mps2.ld", "-Wl,--gc-sections", "-lm")
IN_A_TICK = 40
MOST_MACS = 5_000_000_000
SECONDS = 300


@dataclass(frozen=True)
class Emulated:
    """Of one sample. instructions: to the next 40. outputs: what came out."""

    instructions: int
    outputs: NDArray[np.float32]


def emulated(folder: Path, program: Program, sample: bytes) -> dict[str, Emulated] | None:
    """The C file in `folder` on every board, for the stored inputs `sample`, one after the other. None where QEMU or the compiler
    is not installed, or where it does not fit on the board or takes minutes."""
    if program.macs > MOST_MACS or not all(shutil.which(one) for one in (QEMU, ARM)):
        return None
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        for file in (folder / "student.c", folder / "student.h", HERE / "start.c", HERE / "mps2.ld"):
            shutil.copy(file, place)
        (place / "sample.raw").write_bytes(sample)
        try:
            return {name: _run(place, program, *board) for name, board in BOARDS.items()}
        except (subprocess.SubprocessError, ValueError):
            return None


def _run(place: Path, program: Program, processor: str, unit: str, board: str) -> Emulated:
    sizes = ",".join(str(int(np.prod(one.shape)) * np.dtype(one.dtype).itemsize) for one in program.spec.inputs)
    words = [ARM, *FLAGS, f"-mcpu={processor}", f"-mfpu={unit}", f"-DSIZES={sizes}", "start.c", "student.c", *LINKED]
    _told([*words, "-o", "run.elf"], place)
    host = "enable=on,target=native"
    words = [QEMU, "-M", board, "-nographic", "-icount", "shift=0", "-semihosting-config", host, "-kernel", "run.elf"]
    ticks, *bits = (int(line, 16) for line in _told(words, place).split())
    return Emulated(ticks * IN_A_TICK, np.array(bits, np.uint32).view(np.float32))


def _told(words: list[str], place: Path) -> str:
    ended = subprocess.run(
        words, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return ended.stdout + ended.stderr
