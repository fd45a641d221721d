"""Parts of a traced graph: what is computed from what; and a node told as the line that its author wrote."""

import re
from collections.abc import Sequence
from pathlib import Path

from torch import fx

_LINE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in \w+\n\s*(?P<code>.*)')
_LIBRARIES = re.compile(r"[/\\](torch|xgaze)[/\\]")


def said_by(node: fx.Node) -> str:
    """ "mynet.py, line 12, `x.clamp_(-3, 3)`", or the name of the module or function where the line is not known."""
    lines = [one for one in _LINE.finditer(node.stack_trace or "") if not _LIBRARIES.search(one["file"])]
    if not lines:
        return f"'{node.target if isinstance(node.target, str) else node.name}'"
    return f"{Path(lines[-1]['file']).name}, line {lines[-1]['line']}, `{lines[-1]['code'].strip()}`"


def all_goes_through(layers: Sequence[fx.Node], graph: fx.Graph) -> bool:
    """Whether the output knows nothing of the inputs but what these nodes say."""
    knowing: set[fx.Node] = set()
    for node in graph.nodes:
        if node not in layers and (node.op == "placeholder" or knowing.intersection(node.all_input_nodes)):
            knowing.add(node)
    return result_of(graph) not in knowing


def result_of(graph: fx.Graph) -> fx.Node:
    results: list[fx.Node] = graph.output_node().all_input_nodes
    return results[0]


def placeholders(graph: fx.Graph) -> list[fx.Node]:
    return [node for node in graph.nodes if node.op == "placeholder"]


def part(traced: fx.GraphModule, sources: Sequence[fx.Node], result: fx.Node) -> fx.GraphModule:
    """The graph from `sources` to `result`, with the modules it calls."""
    graph = fx.Graph()
    copies = {source: graph.placeholder(f"input_{k}") for k, source in enumerate(sources)}
    wanted = needed(result, set(sources))
    for node in traced.graph.nodes:
        if node in wanted:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[result])
    return fx.GraphModule(traced, graph)


def needed(result: fx.Node, sources: set[fx.Node]) -> set[fx.Node]:
    """The nodes that `result` is computed from, up to the sources."""
    found: set[fx.Node] = set()
    waiting = [result]
    while waiting:
        node = waiting.pop()
        if node not in sources and node not in found:
            found.add(node)
            waiting += node.all_input_nodes
    return found
