"""The texts of kernels: the files in kernels/ as they are, and those that differ from one of these in a word or two."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

KERNELS = Path(__file__).parent / "kernels"
IN_BYTES = ((r"\bfloat\b", "uint8_t"),)
ALIKE: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "subtract": ("add", ((r" \+ (?=second)", " - "),)),
        "multiply": ("add", ((r" \+ (?=second)", " * "),)),
        "divide": ("add", ((r" \+ (?=second)", " / "),)),
        "copy_int8": ("copy", IN_BYTES),
        "max_pool_int8": ("max_pool", IN_BYTES),
        "convolution_int8": ("convolution", (*IN_BYTES, (r"\bconvolution_row", "convolution_int8_row"))),
        "pooled_int8": ("pooled", (*IN_BYTES, (r"\bconvolution", "convolution_int8"))),
    }
)
"""Kernel -> the one that it is but for its name, and what stands in it for what (a pattern)."""


@cache
def kernel_text(kernel: str) -> str:
    if kernel not in ALIKE:
        return (KERNELS / f"{kernel}.c").read_text("utf-8")
    base, changes = ALIKE[kernel]
    text = re.sub(rf"\b{base}\b", kernel, kernel_text(base))
    for old, new in changes:
        text = re.sub(old, new, text)
    return text
