"""The hash of the code that results are made of."""

import shutil
from pathlib import Path

import xgaze
from xgaze.artifacts import library_versions
from xgaze.code_version import source_hash


def test_it_changes_with_what_is_computed_and_not_with_what_is_shown(tmp_path):
    package = Path(shutil.copytree(Path(xgaze.__file__).parent, tmp_path / "xgaze"))
    before = source_hash(package=package)
    assert before == source_hash() == library_versions()["xgaze source"] and len(before) == 12
    for shown in ("report/words.py", "cli/commands/distill.py"):
        (package / shown).write_text("")
    (package / "training" / "notes.txt").write_text("no code")
    assert source_hash(package=package) == before
    changed = package / "compression" / "surgeries" / "low_rank.py"
    changed.write_text(changed.read_text() + "#")
    assert source_hash(package=package) != before
    changed.rename(package / "compression" / "lower_rank.py")
    assert len({before, source_hash(package=package), source_hash()}) == 2
