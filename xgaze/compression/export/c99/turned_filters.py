"""Filters of cameras that see in a mirror: those of the tower they share, read right to left, and so stored once."""

from dataclasses import replace

from xgaze.compression.export.c99.steps import Program, Step

CONVOLUTIONS = ("convolution", "convolution_int8")


def turned(program: Program) -> Program:
    """The same numbers. Each convolution says whether it reads its filters turned."""
    first: dict[tuple[str, tuple[int, ...], bytes], Step] = {}
    steps: list[Step] = []
    for step in program.steps:
        if step.kernel not in CONVOLUTIONS:
            steps.append(step)
            continue
        weights = step.fields["weights"]
        kind = weights.dtype.str, weights.shape
        image = first.get((*kind, weights[..., ::-1].tobytes()))
        first.setdefault((*kind, weights.tobytes()), step)
        own = weights if image is None else image.fields["weights"]
        steps.append(replace(step, fields={**step.fields, "weights": own, "turned": int(image is not None)}))
    return replace(program, steps=tuple(steps))
