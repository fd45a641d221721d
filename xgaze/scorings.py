"""How often a run's test participants were scored: a log beside its models, which outlives them. Whoever looks at test figures
and chooses again has seen them, and the report says so."""

from datetime import UTC, datetime
from pathlib import Path

from xgaze.artifacts import read_json, write_json
from xgaze.errors import InputError

SCORINGS_FILE = "scorings.json"
KEYS = {"date", "what", "command"}


def log_scoring(run: Path, what: str, command: str = "") -> None:
    """Add a scoring of test participants to the log in the run's folder. what: "teacher", "student", ...; command: as typed,
    empty from a script."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(run / SCORINGS_FILE, [*read_scorings(run), {"date": date, "what": what, "command": command}])


def read_scorings(run: Path) -> list[dict[str, str]]:
    """All scorings so far, the oldest first. Raises InputError for a file that is no such log."""
    file = run / SCORINGS_FILE
    if not file.is_file():
        return []
    stored = read_json(file)
    if (
        not isinstance(stored, list)
        or not all(isinstance(one, dict) and set(one) == KEYS for one in stored)
        or not all(isinstance(value, str) for one in stored for value in one.values())
    ):
        raise InputError(f"{file}: not a log of scorings. Restore it, or remove it: then they are counted anew.")
    return stored
