"""`xgaze verify`"""

from pathlib import Path

import click

from xgaze.cli.common import emit


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--trust-import", is_flag=True, help="Let a model that is a class of a module import it, which runs its code."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(folder: Path, trust_import: bool, as_json: bool) -> None:
    """Is an exported model whole? Hashes, what its files compute for the samples stored in FOLDER, no pickle.

    Writes nothing. Exit code 1 if a check fails; "not run" is no pass.

    \b
    Example:
      xgaze verify checkpoints/multi-eye/student
    """
    from xgaze.compression.export.verification import verify as all_checks

    checks = all_checks(folder, trust_import)
    failed = [one for one in checks if one.verdict == "failed"]
    left = [one for one in checks if one.verdict == "not run"]
    words = [f"{one.verdict:<8}{one.name}: {one.told}" for one in checks]
    words.append(f"{len(checks) - len(failed) - len(left)} passed, {len(failed)} failed, {len(left)} not run.")
    emit({"ok": not failed and not left, "checks": [vars(one) for one in checks]}, words, as_json)
    if failed:
        raise click.exceptions.Exit(1)
