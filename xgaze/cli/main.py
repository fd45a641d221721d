"""The `xgaze` command."""

import os
import sys

import click

from xgaze import __version__
from xgaze.cli.check import check
from xgaze.cli.common import results_alone
from xgaze.cli.compare import compare
from xgaze.cli.crossval import crossval
from xgaze.cli.distill import distill
from xgaze.cli.explain import explain
from xgaze.cli.features import features
from xgaze.cli.heatmaps import heatmaps
from xgaze.cli.predict import predict
from xgaze.cli.render import render
from xgaze.cli.report import report
from xgaze.cli.saliency import saliency
from xgaze.cli.train_teacher import train_teacher
from xgaze.cli.words.faults import STOPPED, fault_in_words


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="xgaze")
def xgaze() -> None:
    """How small can this gaze model be, what does it lose, and why?

    \b
    xgaze train-teacher             train the default recipe's teacher
    xgaze distill                   find the smallest student at most 2 % worse
    xgaze explain --sample 17       explain both and write the report
    xgaze check my_recording.yaml   is my own data sound?
    """


for command in (
    train_teacher,
    distill,
    explain,
    features,
    crossval,
    check,
    predict,
    report,
    compare,
    render,
    heatmaps,
    saliency,
):
    xgaze.add_command(results_alone(command))


def main() -> None:
    """Run the command; bad input and what the machine refuses end with one message and exit code 2, Ctrl-C with 130."""
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # workers must not import a stranger's files in the working directory
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
