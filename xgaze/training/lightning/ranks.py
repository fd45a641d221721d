"""One training on several devices: Lightning starts this command again for each further one, to help until the training ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed

VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")


@contextmanager
def ranks() -> Iterator[None]:
    """What Lightning leaves in this process to hold its ranks together is undone: the next training starts its own."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
