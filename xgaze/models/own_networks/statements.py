"""A node of a graph told as the line that its author wrote."""

import re
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
