"""Convolutions made one with the pool that reads them: the planes between, a student's largest, are never whole in memory."""

from collections import Counter
from dataclasses import replace

from xgaze.compression.export.c99.steps import Program, Step, Tensor

POOLED = {("convolution", "max_pool"): "pooled", ("convolution_int8", "max_pool_int8"): "pooled_int8"}


def pooled(program: Program) -> Program:
    """The same numbers, with as many rows kept between a convolution and its pool of the largest as one row of the pool reads."""
    readers = Counter(name for step in program.steps for name in step.reads)
    steps: list[Step] = []
    tensors = dict(program.tensors)
    for step in program.steps:
        before = steps[-1] if steps else None
        if before is None or not _follows(before, step, readers) or before.output == program.output:
            steps.append(step)
            continue
        kernel = POOLED[before.kernel, step.kernel]
        own, name = step.fields, f"{step.output}: rows"
        tensors[name] = Tensor(name, own["kernel_rows"] * own["width"], tensors[before.output].kind)
        steps[-1] = replace(before, kernel=kernel, output=step.output, pool=replace(step, kernel=kernel), kept=name)
    return replace(program, steps=tuple(steps), tensors=tensors)


def _follows(before: Step, step: Step, readers: Counter[str]) -> bool:
    """Whether a pool alone reads what the convolution before it makes, without gaps in its windows."""
    if (before.kernel, step.kernel) not in POOLED or step.reads != [before.output] or readers[before.output] > 1:
        return False
    own, made = step.fields, before.fields
    alike = (own["height"], own["width"]) == (made["rows"], made["columns"])
    return alike and own["planes"] == made["batch"] * made["groups"] * made["outputs"] and _plain(own)


def _plain(own: dict[str, int]) -> bool:
    return own["dilation_rows"] == own["dilation_columns"] == 1
