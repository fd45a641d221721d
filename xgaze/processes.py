"""Processes that belong together: ranks that train beside the one that writes, and workers that end with their parent."""

import ctypes
import os
import threading
import time

LOOK_EVERY_S = 0.5
_TRIM, _MMAP = -1, -3  # of glibc's mallopt
_NEVER, _LARGEST = 2**31 - 1, (2**30, 2**25)


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


def keep_freed_memory() -> bool:
    """Have this process, and those that it starts, keep memory that is freed for what is asked next. glibc gives every large
    block back at once, and each training step then has its activations zeroed and mapped anew (`benchmarks/training_step.py`).

    Returns whether it could be asked; other C libraries go on as they are. What is in use, and so its peak, stays the same.
    """
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(_NEVER))
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(_LARGEST[0]))
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    # Older versions refuse more than half a heap of theirs.
    return bool(mallopt(_TRIM, _NEVER)) and any(mallopt(_MMAP, size) for size in _LARGEST)
