"""docs/api.md is what the docstrings say, and the tutorial runs."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_page_of_the_api_is_what_the_docstrings_say(tmp_path):
    words = [sys.executable, ROOT / "docs/api.py", "--check"]
    fresh = subprocess.run(words, capture_output=True, text=True, check=False)
    assert fresh.returncode == 0, fresh.stderr


def test_a_stale_page_is_told(tmp_path):
    for name in ("api.py", "api.md"):
        (tmp_path / name).write_text((ROOT / "docs" / name).read_text())
    (tmp_path / "api.md").write_text((tmp_path / "api.md").read_text().replace("max_worse", "worse", 1))
    stale = subprocess.run(
        [sys.executable, tmp_path / "api.py", "--check"], capture_output=True, text=True, check=False
    )
    assert stale.returncode == 1 and "stale" in stale.stderr


def test_the_tutorial_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "docs/tutorial.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Teacher 'Net'\n  on 5 unseen participants +\d+\.\d px \[", done.stdout)
    assert re.search(r"worse than the \w+ +[-+]\d+\.\d % \[", done.stdout)
    assert (tmp_path / "report.html").stat().st_size > 50_000 and (tmp_path / "student/model.safetensors").is_file()
