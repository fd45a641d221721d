"""Print a page to PDF with the Chromium that is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from xgaze.artifacts import atomic_path
from xgaze.errors import InputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 120


def find_browser() -> str:
    """The path of an installed Chromium. Raises InputError when there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise InputError(
            f"--pdf needs Chromium, and none of {', '.join(BROWSERS)} is on the PATH. Install it (Debian: `apt-get install "
            "chromium`), or open the page in any browser and print it there."
        )
    return found


def print_pdf(page: Path) -> Path:
    """Print `page` to a PDF of the same name beside it. Raises InputError when Chromium is missing or prints nothing."""
    browser = find_browser()
    with tempfile.TemporaryDirectory() as profile, atomic_path(page.with_suffix(".pdf")) as temporary:
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to start as root with its sandbox
        command += [f"--print-to-pdf={temporary}", page.resolve().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise InputError(f"{browser} did not print {page} within {SECONDS} s.") from None
        if not temporary.is_file():
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise InputError(f"{browser} did not print {page}: {last[0]}")
    return page.with_suffix(".pdf")
