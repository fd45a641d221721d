"""Printing without a browser ends with one clear message; with one see tests/browser."""

import pytest

from xgaze.errors import InputError
from xgaze.report.page.pdf import print_pdf


def test_without_chromium_the_remedy_is_told_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    page = tmp_path / "index.html"
    page.write_text("<p>x</p>")
    with pytest.raises(InputError, match="apt-get install chromium"):
        print_pdf(page)
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_a_browser_that_prints_nothing_is_an_error(tmp_path, monkeypatch):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\necho no display >&2\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    page = tmp_path / "index.html"
    page.write_text("<p>x</p>")
    with pytest.raises(InputError, match=r"did not print .*no display"):
        print_pdf(page)
    assert not page.with_suffix(".pdf").exists()
