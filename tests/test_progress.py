"""What is counted on a bar, and when."""

from contextlib import contextmanager

from xgaze import progress
from xgaze.progress import tracked


def test_each_item_is_counted_once_it_is_done_with(monkeypatch):
    seen = []

    @contextmanager
    def bar(what):
        yield lambda done, total: seen.append((what, done, total))

    monkeypatch.setattr(progress, "progress_bar", bar)
    for item in tracked(["a", "b"], "counting"):
        seen.append(item)
    assert seen == ["a", ("counting", 1, 2), "b", ("counting", 2, 2)]
