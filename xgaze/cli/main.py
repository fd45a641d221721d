"""The `xgaze` command."""

import ast
import os
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from xgaze import __version__
from xgaze.cli.words.faults import STOPPED, fault_in_words
from xgaze.processes import keep_freed_memory

COMMANDS = (
    "train-teacher",
    "adopt",
    "distill",
    "explain",
    "features",
    "crossval",
    "check",
    "predict",
    "calibrate",
    "report",
    "compare",
    "render",
    "heatmaps",
    "saliency",
    "export",
    "verify",
)
"""Each in the file of its name, as the function of its name."""


class Commands(click.Group):
    """A command is imported when it is run; what it is for is read from its file."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return imported(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose(name, width)) for name in sorted(COMMANDS)])


@cache
def imported(name: str) -> click.Command:
    """A command, arranged once however often it runs in this process."""
    from xgaze.cli.common import results_alone

    function = name.replace("-", "_")
    command: click.Command = getattr(import_module(f"xgaze.cli.commands.{function}"), function)
    return results_alone(command)


def purpose(command: str, width: int) -> str:
    """The first sentence of a command's help, without importing it."""
    function = command.replace("-", "_")
    spec = find_spec(f"xgaze.cli.commands.{function}")
    assert spec is not None and spec.origin is not None
    for node in ast.parse(Path(spec.origin).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return click.Command(command, help=ast.get_docstring(node)).get_short_help_str(width)
    raise LookupError(command)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xgaze")
def xgaze() -> None:
    """How small can this gaze model be, what does it lose, and why?

    \b
    xgaze train-teacher             train the default recipe's teacher
    xgaze distill                   find the smallest student at most 2 % worse
    xgaze explain --sample 17       explain both and write the report
    xgaze check my_recording.yaml   is my own data sound?
    """


def main() -> None:
    """Run the command; bad input and what the machine refuses end with one message and exit code 2, Ctrl-C with 130."""
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # workers must not import a stranger's files in the working directory
    keep_freed_memory()
    try:
        sys.exit(xgaze(standalone_mode=False))  # an Exit raised by a command comes back as its code
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as stop:
        # click takes the end of a file for Ctrl-C.
        _end(stop.__cause__ if isinstance(stop.__cause__, EOFError) else None)
    except Exception as error:
        _end(error)


def _end(error: Exception | None) -> None:
    """Say in one line why, and exit. Raises what is neither bad input nor the machine's refusal: a fault of xgaze's own."""
    if error is None:
        click.echo(f"xgaze: {STOPPED}", err=True)
        sys.exit(130)
    words = fault_in_words(error)
    if words is None:
        raise error
    click.echo(f"xgaze: {words}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
