"""Which code a result is made of: a hash of the package's own source, since version numbers stand still between releases."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

ROOMS = ("data", "models", "evaluation", "capacity", "training", "compression")
"""What a trial's figures depend on; commands, pages and explanations only show them."""


def source_hash(rooms: Sequence[str] = ROOMS, package: Path = Path(__file__).parent) -> str:
    """First 12 hexadecimal digits of the SHA-256 of all modules in these rooms, names included."""
    digest = hashlib.sha256()
    for path in sorted(path for room in rooms for path in (package / room).rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
