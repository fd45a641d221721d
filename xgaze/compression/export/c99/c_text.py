"""A program as text: one C99 file and its header. The kernels are files (`kernel_text`), here tables and calls."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from xgaze.compression.export.c99.arena import Arena
from xgaze.compression.export.c99.kernel_text import kernel_text
from xgaze.compression.export.c99.steps import Program, Step
from xgaze.data.contract import Spec, dimensions

C_TYPES = {"float32": "float", "int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t"}
LINE = 118
NEEDS = re.compile(r"/\* Needs: (.*)\. \*/\n")


def header_text(program: Program, arena: Arena, name: str, made_by: str) -> str:
    """The header: what is given, what comes out, and how much memory it takes."""
    big, spec = name.upper(), program.spec
    inputs = "\n".join(
        f"   {k}: {comment(one.name)}, {dimensions(one.shape)} {_type_of(one.dtype)}, as stored"
        for k, one in enumerate(spec.inputs)
    )
    return f"""/* {made_by}
   Inputs, in this order, each in one piece, row by row:
{inputs}
   Output: {_meaning(spec)}.
   Memory: {arena.bytes:,} bytes of static memory, and one input at a time. No heap. {program.macs:,} multiply-adds. */
#ifndef {big}_H
#define {big}_H

#include <stdint.h>

#define {big}_INPUTS {len(spec.inputs)}
#define {big}_OUTPUTS {spec.outputs}
#define {big}_LARGEST_INPUT {max(program.tensors[one].size for one in program.inputs)}

/* What was computed last. */
extern float {name}_output[{big}_OUTPUTS];

/* Give input 0, then 1, and so on; when this returns, its memory may hold the next one. After the last, {name}_output is
   there. */
void {name}_take(int input, const {input_type(spec)} *stored);

/* The same with all inputs at once. */
void {name}_predict(const {input_type(spec)} *const stored[{big}_INPUTS]);

#endif
"""


def source_text(program: Program, arena: Arena, name: str, made_by: str) -> str:
    """The C file."""
    tables = _Tables()
    calls: dict[int, list[str]] = {}
    segments = dict(zip(map(id, program.steps), program.segments, strict=True))
    for number, step in enumerate(arena.steps):
        calls.setdefault(segments[id(step)], []).append(_call(step, number, program, arena, name, tables))
    used = sorted({step.kernel for step in arena.steps})
    texts, headers = kernel_texts(used)
    parts = [
        f'/* {made_by} */\n#include "{name}.h"\n' + "".join(f"\n#include {one}" for one in headers),
        "#ifdef __clang__\n#pragma STDC FP_CONTRACT OFF\n#endif",
        *texts,
        *tables.lines,
        f"float {name}_output[{name.upper()}_OUTPUTS];",
        f"static float {name}_arena[{max(arena.bytes // 4, 1)}];",
        _taking(program.spec, calls, name),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def kernel_texts(used: list[str]) -> tuple[list[str], list[str]]:
    """The texts of kernels and of what they need, which comes first, and the headers of the C library that they need."""
    texts: dict[str, str] = {}
    headers: set[str] = set()

    def add(kernel: str) -> None:
        if kernel in texts:
            return
        text = kernel_text(kernel)
        needed = NEEDS.match(text)
        for one in needed[1].split(", ") if needed else []:
            if one.startswith("<"):
                headers.add(one)
            else:
                add(one)
        texts[kernel] = NEEDS.sub("", text)

    for kernel in used:
        add(kernel)
    return list(texts.values()), sorted(headers)


@cache
def fields_of(kernel: str) -> frozenset[str]:
    """The fields of a kernel's struct."""
    text = re.search(rf"struct {kernel} {{(.*?)}};", "".join(kernel_texts([kernel])[0]), re.S)
    assert text is not None, kernel
    return frozenset(re.findall(r"\b(\w+)(?:\[\d+\])?\s*[,;]", text[1]))


class _Tables:
    """Arrays and structs as definitions, equal ones once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.known: dict[Any, str] = {}

    def array(self, values: np.ndarray[Any, Any], name: str) -> str:
        key = (values.dtype.str, values.tobytes())
        if key not in self.known:
            self.known[key] = name
            self.lines.append(
                f"static const {C_TYPES[values.dtype.name]} {name}[{values.size}] = {{\n{_wrapped(values)}\n}};"
            )
        return self.known[key]

    def struct(self, step: Step, number: str) -> str:
        wanted = fields_of(step.kernel)
        fields = {
            key: self._value(value, f"{key}_{number}") for key, value in sorted(step.fields.items()) if key in wanted
        }
        missing = wanted - set(fields)
        assert not missing, f"{step.kernel}: {missing}"
        text = ", ".join(f".{key} = {value}" for key, value in fields.items())
        if (step.kernel, text) not in self.known:
            self.known[step.kernel, text] = f"step_{number}"
            self.lines.append(
                f"/* {comment(step.node)} */\nstatic const struct {step.kernel} step_{number} = {{\n{_folded(text)}\n}};"
            )
        return self.known[step.kernel, text]

    def _value(self, value: Any, name: str) -> str:
        if isinstance(value, np.ndarray):
            return self.array(value, name)
        if isinstance(value, list | tuple):
            return "{" + ", ".join(map(str, value)) + "}"
        return _number(value)


def comment(text: str) -> str:
    """Text from outside that cannot end the comment it stands in."""
    return re.sub(r"[^\w. ,:-]", "_", text, flags=re.ASCII) or "input"


def _call(step: Step, number: int, program: Program, arena: Arena, name: str, tables: _Tables) -> str:
    own = step if step.pool is None else replace(step, kernel=step.kernel.replace("pooled", "convolution"))
    words = [f"&{tables.struct(own, str(number))}"]
    if step.pool is not None:
        words.append(f"&{tables.struct(step.pool, f'{number}_pool')}")
    for k, one in enumerate(step.inputs):
        words.append(
            _place(one, program, arena, name) if isinstance(one, str) else tables.array(one, f"stored_{number}_{k}")
        )
    words += [_place(one, program, arena, name) for one in (step.kept, step.output) if one]
    return f"{step.kernel}({', '.join(words)});"


def _place(tensor: str, program: Program, arena: Arena, name: str) -> str:
    if tensor in program.inputs:
        cast = (
            "const uint8_t *" if program.spec.inputs[program.inputs.index(tensor)].dtype == "uint8" else "const float *"
        )
        return "stored" if input_type(program.spec) != "void" else f"({cast})stored"
    if tensor in arena.in_output:
        return f"{name}_output + {arena.in_output[tensor] // 4}"
    place = arena.places[tensor]
    if program.tensors[tensor].kind == "float":
        return f"{name}_arena + {place // 4}"
    return f"(uint8_t *){name}_arena + {place}"


def _taking(spec: Spec, calls: dict[int, list[str]], name: str) -> str:
    cases = []
    for k in range(len(spec.inputs)):
        body = "".join(f"        {call}\n" for call in calls.get(k, []))
        cases.append(f"    case {k}:\n{body}        break;\n")
    given = input_type(spec)
    return f"""void {name}_take(int input, const {given} *stored)
{{
    switch (input) {{
{"".join(cases)}    }}
}}

void {name}_predict(const {given} *const stored[{name.upper()}_INPUTS])
{{
    for (int k = 0; k < {name.upper()}_INPUTS; k++)
        {name}_take(k, stored[k]);
}}
"""


def input_type(spec: Spec) -> str:
    """What all inputs are made of in C."""
    kinds = {_type_of(one.dtype) for one in spec.inputs}
    return kinds.pop() if len(kinds) == 1 else "void"


def _type_of(dtype: str) -> str:
    return "uint8_t" if dtype == "uint8" else "float"


def _meaning(spec: Spec) -> str:
    if spec.kind == "gaze" and spec.scene:
        return f"gaze point x, y in px of a scene of {spec.scene[0]} x {spec.scene[1]} px, origin top left"
    if spec.kind == "class":
        return f"one score per class: {comment(', '.join(spec.classes))}"
    if spec.kind == "angle":
        own = "x, y, z" if spec.unit == "vector" else f"pitch, yaw in {spec.unit}"
        return f"direction of gaze: {own}"
    if spec.kind == "gaze":
        return f"gaze point x, y in {comment(spec.unit)}"
    return f"one number in {comment(spec.unit)}"


def _number(value: Any) -> str:
    if isinstance(value, float | np.floating):
        text = f"{np.float32(value):.9g}"
        return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"
    return str(int(value))


def _wrapped(values: np.ndarray[Any, Any]) -> str:
    words = [_number(one) for one in values.reshape(-1)] if values.dtype.kind == "f" else map(str, values.reshape(-1))
    return _folded(", ".join(words))


def _folded(text: str) -> str:
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) > LINE:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    return "\n".join(f"    {one}" for one in [*lines, line.rstrip()])
