"""The texts of kernels: the files in kernels/ as they are, and those that differ from one of these in a word or two."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

KERNELS = Path(__file__).parent / "kernels"
ALIKE: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "subtract": ("add", r" \+ (?=second)", " - "),
        "multiply": ("add", r" \+ (?=second)", " * "),
        "divide": ("add", r" \+ (?=second)", " / "),
        "copy_int8": ("copy", r"\bfloat\b", "uint8_t"),
        "max_pool_int8": ("max_pool", r"\bfloat\b", "uint8_t"),
    }
)
"""Kernel -> the one that it is but for its name, and what stands in it (a pattern) for what."""


@cache
def kernel_text(kernel: str) -> str:
    if kernel not in ALIKE:
        return (KERNELS / f"{kernel}.c").read_text("utf-8")
    base, old, new = ALIKE[kernel]
    return re.sub(old, new, re.sub(rf"\b{base}\b", kernel, kernel_text(base)))
