"""Where each tensor lies in one static block of memory: those that are not needed at the same time share their place."""

from dataclasses import dataclass

from xgaze.compression.export.c99.steps import Program, Step

ALIGNED = 4


@dataclass(frozen=True)
class Arena:
    """bytes: of the block. places: byte of each tensor in it. in_output: byte of those that lie in what is put out, which lies
    elsewhere. steps: those that are left, copies that are not needed left out."""

    bytes: int
    places: dict[str, int]
    in_output: dict[str, int]
    steps: tuple[Step, ...]


@dataclass
class _Block:
    """Tensors that lie in one another. first, last: steps between which they are needed."""

    name: str
    bytes: int
    first: int
    last: int


def lay_out(program: Program) -> Arena:
    """Places for all tensors, found greedily: the largest first, each as low as those that live with it allow."""
    within = _made_in_place(program)
    kept = tuple(step for step in program.steps if not (step.whole is not None and step.reads[0] in within))
    blocks: dict[str, _Block] = {}
    for k, step in enumerate(kept):
        for name in (*step.reads, *filter(None, [step.kept]), step.output):
            whole, _ = _outermost(name, within)
            if whole in (program.output, *program.inputs):
                continue
            one = blocks.setdefault(whole, _Block(whole, program.tensors[whole].bytes, k, k))
            one.last = k
    starts = _packed(list(blocks.values()))
    outermost = {name: _outermost(name, within) for name in program.tensors}
    places = {name: starts[whole] + start for name, (whole, start) in outermost.items() if whole in starts}
    in_output = {name: start for name, (whole, start) in outermost.items() if whole == program.output}
    most = max((starts[one.name] + one.bytes for one in blocks.values()), default=0)
    return Arena(-(-most // ALIGNED) * ALIGNED, places, in_output, kept)


def _made_in_place(program: Program) -> dict[str, tuple[str, int]]:
    """Tensors that can be made where a copy would bring them, and where in which other they lie, in bytes."""
    made: dict[str, list[Step]] = {}
    read: dict[str, int] = {}
    for step in program.steps:
        made.setdefault(step.output, []).append(step)
        for name in step.reads:
            read[name] = read.get(name, 0) + 1
    found = {}
    for step in program.steps:
        if step.whole is None or step.reads[0] in program.inputs:
            continue
        source, target = program.tensors[step.reads[0]], program.tensors[step.output]
        start = step.whole * (target.bytes // target.size)
        alone = read[source.name] == 1 and source.name != program.output
        # Convolutions and their like write all of their target; so do several copies, each its own part.
        aligned = source.kind == target.kind and (source.kind == "uint8" or start % ALIGNED == 0)
        if alone and aligned:
            found[source.name] = (target.name, start)
    return found


def _outermost(name: str, within: dict[str, tuple[str, int]]) -> tuple[str, int]:
    start = 0
    while name in within:
        name, more = within[name]
        start += more
    return name, start


def _packed(blocks: list[_Block]) -> dict[str, int]:
    placed: list[tuple[int, _Block]] = []
    for one in sorted(blocks, key=lambda block: (-block.bytes, block.first, block.name)):
        start = 0
        beside = [(at, other) for at, other in placed if other.first <= one.last and one.first <= other.last]
        for at, other in sorted(beside, key=lambda pair: pair[0]):
            if start + one.bytes <= at:
                break
            start = max(start, -(-(at + other.bytes) // ALIGNED) * ALIGNED)
        placed.append((start, one))
    return {one.name: start for start, one in placed}
