"""Processes that belong together: ranks that train beside the one that writes, and workers that end with their parent."""

import os
import threading
import time

LOOK_EVERY_S = 0.5


def is_helper() -> bool:
    """Whether Lightning started this process to train beside another one, which alone writes and prints."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def end_with(parent: int) -> None:
    """End this process, whatever it does, soon after `parent`, the process that started it, has died."""
    name = f"end with {parent}"
    if all(thread.name != name for thread in threading.enumerate()):
        threading.Thread(target=_wait_for_end, args=(parent,), name=name, daemon=True).start()


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os._exit(1)
