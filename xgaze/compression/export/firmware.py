"""The student for a microcontroller: a folder with one C file, its header and a harness, compiled and compared here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xgaze import __version__
from xgaze.artifacts import write_json
from xgaze.compression.export.c99.arena import lay_out
from xgaze.compression.export.c99.compiled import Footprint, compiler, footprints, run_c
from xgaze.compression.export.c99.emulated.instructions import emulated
from xgaze.compression.export.c99.harness import as_in_c, packed_samples, write_c
from xgaze.compression.export.c99.operations import read_network
from xgaze.compression.export.c99.quantised import int8_program
from xgaze.compression.export.c99.ranges import Ranges, measured_ranges
from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.c99.steps import Form, Program, float_program, sizes_of
from xgaze.compression.export.samples import Samples
from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.writing import new_folder, replace_folder, settle

RANGES_FILE = "ranges.json"
NOT_CHECKED = "not run here: no C compiler is installed"
NOT_MEASURED = "not measured: arm-none-eabi-gcc is not installed"


@dataclass(frozen=True)
class Firmware:
    """What was written. apart: largest difference between the C file's outputs and the model's, in the outputs' unit; None where
    no compiler is installed. weights: bytes of all tables; arena: bytes of static memory by the plan; input: bytes of the
    largest input, which comes on top; sizes: per processor, None where not measured. instructions: per processor, of one sample,
    None where not counted; as_here: whether what came out there is the same to the bit."""

    folder: Path
    form: Form
    apart: float | None
    weights: int
    arena: int
    input: int
    macs: int
    sizes: dict[str, Footprint] | None
    program: Program
    instructions: dict[str, int] | None = None
    as_here: bool | None = None

    def to_json(self) -> dict[str, Any]:
        sizes = None if self.sizes is None else {name: vars(one) for name, one in self.sizes.items()}
        plain = {key: value for key, value in vars(self).items() if key != "program"}
        return {**plain, "folder": str(self.folder), "sizes": sizes}


def made_by() -> str:
    """The first line of what is written."""
    return f"Written by xgaze {__version__} from model.onnx; do not edit, export again."


def c_folder(folder: Path, form: Form) -> Path:
    return folder / f"c-{form}"


def export_float_c(folder: Path, spec: Spec, samples: Samples) -> Firmware:
    """Write model.onnx of `folder` in single precision. Raises InputError naming the layer of which there is no C, or where the
    C file does not equal the model; nothing is left then."""
    return write_firmware(folder, float_program(read_network(folder / "model.onnx"), spec), samples, samples)


def export_int8_c(folder: Path, spec: Spec, samples: Samples, calibration: Samples) -> Firmware:
    """The same in whole numbers, whose steps are those of the calibration samples. Raises InputError likewise, and where the C
    file does not equal the reference arithmetic to the bit."""
    network = read_network(folder / "model.onnx")
    ranges = measured_ranges(folder / "model.onnx", network, spec, calibration)
    program = int8_program(network, spec, ranges)
    exactly = Samples(samples.stored, run_reference(program, samples.stored))
    return write_firmware(folder, program, samples, exactly, ranges)


def write_firmware(
    folder: Path, program: Program, samples: Samples, exactly: Samples, ranges: Ranges | None = None
) -> Firmware:
    """Write, compile and run a program. samples: with the model's outputs; exactly: with what the C file must put out; ranges:
    of the tensors, where the steps follow from them."""
    target = c_folder(folder, program.form)
    settle(folder)
    made = new_folder(target)
    made.mkdir(parents=True, exist_ok=True)
    try:
        write_c(program, made, exactly.stored, exactly.outputs, made_by())
        if ranges is not None:
            write_json(made / RANGES_FILE, ranges)
        found = run_c(made) if compiler() else None
        sizes = footprints(made)
        counted = emulated(made, program, packed_samples(program.spec, exactly.stored, exactly.outputs[:1]))
    except InputError as error:
        for one in made.iterdir():
            one.unlink()
        made.rmdir()
        raise InputError(f"{folder}: {error}") from None
    replace_folder(target)
    found_here = exactly.outputs if found is None else found
    apart = None if found is None else float(np.abs(found - samples.outputs).max())
    return Firmware(
        target,
        program.form,
        apart,
        sizes_of(as_in_c(program).steps),
        lay_out(as_in_c(program)).bytes,
        max(int(np.prod(one.shape)) * np.dtype(one.dtype).itemsize for one in program.spec.inputs),
        program.macs,
        sizes,
        program,
        None if counted is None else {name: one.instructions for name, one in counted.items()},
        None if counted is None else all(np.array_equal(one.outputs, found_here[0]) for one in counted.values()),
    )
