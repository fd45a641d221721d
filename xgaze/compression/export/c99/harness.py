"""What lies beside the C file so that anybody can try it: stored samples, a program that runs it on them, and a Makefile."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.arena import lay_out
from xgaze.compression.export.c99.c_text import header_text, source_text
from xgaze.compression.export.c99.pooled_steps import pooled
from xgaze.compression.export.c99.steps import Program
from xgaze.compression.export.c99.turned_filters import turned
from xgaze.data.contract import Spec
from xgaze.errors import InputError

SAMPLES_FILE = "samples.raw"
TOLERANCE = 1e-4
"""Of single precision, as a fraction of the largest output: C adds up in another order than other runtimes."""
Stored = dict[str, NDArray[np.generic]]
"""Inputs of some samples as they are stored: name -> (samples, *shape)."""


def write_c(program: Program, folder: Path, stored: Stored, expected: NDArray[np.float32], made_by: str) -> None:
    """The C file, its header and the harness into `folder`. stored, expected: samples and what is to come out for them."""
    for name, text in c_texts(program, expected, made_by).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / SAMPLES_FILE).write_bytes(packed_samples(program.spec, stored, expected))


def c_texts(program: Program, expected: NDArray[np.float32], made_by: str, name: str = "student") -> dict[str, str]:
    """File name -> text."""
    program = as_in_c(program)
    arena = lay_out(program)
    limit = 0.0 if program.form == "int8" else TOLERANCE * float(np.abs(expected).max(initial=0.0))
    return {
        f"{name}.h": header_text(program, arena, name, made_by),
        f"{name}.c": source_text(program, arena, name, made_by),
        "harness.c": _HARNESS.format(name=name, big=name.upper(), sizes=_sizes(program.spec), limit=f"{limit:.9g}"),
        "Makefile": _MAKEFILE.format(name=name),
    }


def as_in_c(program: Program) -> Program:
    """The same numbers by fewer tables, and less memory."""
    return pooled(turned(program))


def packed_samples(spec: Spec, stored: Stored, expected: NDArray[np.float32]) -> bytes:
    """Sample after sample: its inputs as they are stored, and the outputs, single precision; the lowest byte first."""
    parts: list[bytes] = []
    for k in range(len(expected)):
        parts += [_plain(stored[one.name][k], one.dtype) for one in spec.inputs]
        parts.append(_plain(expected[k], "float32"))
    return b"".join(parts)


def unpacked_samples(spec: Spec, packed: bytes) -> tuple[Stored, NDArray[np.float32]]:
    """What `packed_samples` packed. Raises InputError for what is no whole number of samples."""
    parts = [(one.name, one.dtype, one.shape) for one in spec.inputs] + [("", "float32", (spec.outputs,))]
    kind = np.dtype([(name or "outputs ", np.dtype(dtype).newbyteorder("<"), shape) for name, dtype, shape in parts])
    if not packed or len(packed) % kind.itemsize:
        raise InputError(f"{SAMPLES_FILE} does not hold a whole number of samples")
    found = np.frombuffer(packed, kind)
    return {one.name: found[one.name] for one in spec.inputs}, found["outputs "].astype(np.float32)


def _plain(values: NDArray[np.generic], dtype: str) -> bytes:
    return np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()


def _sizes(spec: Spec) -> str:
    sizes: Sequence[int] = [int(np.prod(one.shape)) * np.dtype(one.dtype).itemsize for one in spec.inputs]
    return ", ".join(map(str, sizes))


_HARNESS = """\
/* Runs {name}.c on stored samples: prints what comes out, and fails where it is further than `limit` from what is expected. */
#include <stdio.h>

#include "{name}.h"

static const unsigned sizes[{big}_INPUTS] = {{{sizes}}};
static float input[{big}_LARGEST_INPUT];
static const double limit = {limit};

int main(int count, char **words)
{{
    FILE *file = fopen(count > 1 ? words[1] : "samples.raw", "rb");
    int samples = 0;
    double largest = 0;
    if (!file) {{
        fprintf(stderr, "samples.raw is missing\\n");
        return 2;
    }}
    for (;;) {{
        float expected[{big}_OUTPUTS];
        int k;
        for (k = 0; k < {big}_INPUTS && fread(input, 1, sizes[k], file) == sizes[k]; k++)
            {name}_take(k, (const void *)input);
        if (k < {big}_INPUTS || fread(expected, sizeof(float), {big}_OUTPUTS, file) != {big}_OUTPUTS)
            break;
        samples++;
        for (k = 0; k < {big}_OUTPUTS; k++) {{
            const double apart = (double){name}_output[k] - (double)expected[k];
            largest = apart > largest ? apart : -apart > largest ? -apart : largest;
            if (!(apart <= limit && -apart <= limit))
                largest = largest > limit ? largest : limit * 2 + 1;
            printf("%.9g%c", (double){name}_output[k], k + 1 < {big}_OUTPUTS ? ' ' : '\\n');
        }}
    }}
    fclose(file);
    fprintf(stderr, "%d samples, largest difference %g, allowed %g\\n", samples, largest, limit);
    return samples && largest <= limit ? 0 : 1;
}}
"""

_MAKEFILE = """\
# make test: run the samples here. make sanitised: the same with the compiler's checks of memory and arithmetic.
# make size: flash (text + data) and RAM (data + bss) on Cortex-M; needs arm-none-eabi-gcc.
CFLAGS = -std=c99 -O2 -Wall -Wextra -pedantic
SANITISE = -g -fsanitize=address,undefined -fno-sanitize-recover=all
ARM = arm-none-eabi
ARM_FLAGS = $(CFLAGS) -mthumb -mfloat-abi=hard -ffunction-sections -fdata-sections --specs=nosys.specs -nostartfiles
ARM_FLAGS += -Wl,--gc-sections,-e,{name}_predict

.PHONY: test sanitised size clean

test: harness
	./harness samples.raw

sanitised: harness.c {name}.c {name}.h
	$(CC) $(CFLAGS) $(SANITISE) harness.c {name}.c -o $@ -lm
	./sanitised samples.raw

harness: harness.c {name}.c {name}.h
	$(CC) $(CFLAGS) harness.c {name}.c -o $@ -lm

size: m4.elf m7.elf
	$(ARM)-size $^

m4.elf: {name}.c {name}.h
	$(ARM)-gcc $(ARM_FLAGS) -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 {name}.c -o $@ -lm

m7.elf: {name}.c {name}.h
	$(ARM)-gcc $(ARM_FLAGS) -mcpu=cortex-m7 -mfpu=fpv5-sp-d16 {name}.c -o $@ -lm

clean:
	rm -f harness sanitised m4.elf m7.elf
"""
