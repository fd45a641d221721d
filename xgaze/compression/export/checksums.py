"""What is handed over of a model folder: SHA-256 of every file, and all of it as one file to send."""

import zipfile
from pathlib import Path

from xgaze.artifacts import write_text
from xgaze.errors import InputError
from xgaze.sums import LINE, SUMS_FILE, line_of
from xgaze.sums import sum_of as sum_of
from xgaze.writing import atomic_path

HANDED_OVER = (
    "model.safetensors",
    "model.json",
    "model.onnx",
    "model.int8.onnx",
    "model.pte",
    "model.tflite",
    "model_card.md",
    "predict.py",
    "samples.npz",
)
C_FOLDERS = ("c-int8", "c-float32")
NO_DATE = (1980, 1, 1, 0, 0, 0)
"""Of files in a package, so that the same files make the same package."""


def handed_over(folder: Path) -> list[str]:
    """The files of a model folder that are handed over, as far as there are any."""
    inside = sorted(f"{name}/{one.name}" for name in C_FOLDERS for one in folder.glob(f"{name}/*") if one.is_file())
    return [name for name in (*HANDED_OVER, *inside) if (folder / name).is_file()]


def write_checksums(folder: Path) -> None:
    write_text(folder / SUMS_FILE, "".join(line_of(folder, name) for name in handed_over(folder)))


def write_package(folder: Path, name: str) -> Path:
    """All that is handed over of a model folder, and its checksums, as a ZIP file beside it, in which they lie in a folder of
    this name: nothing else that the search left there."""
    target = folder.parent / f"{folder.name}.zip"
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as package:
        for one in (*handed_over(folder), SUMS_FILE):
            entry = zipfile.ZipInfo(f"{name}/{one}", NO_DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            package.writestr(entry, (folder / one).read_bytes())
    return target


def read_checksums(folder: Path) -> dict[str, str]:
    """File -> sum. Raises InputError for a folder that has no such list, or a damaged one."""
    file = folder / SUMS_FILE
    if not file.is_file():
        raise InputError(f"{file}: no such file. Run `xgaze export {folder} --to onnx` first.")
    lines = file.read_text("utf-8", errors="replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if not lines or not all(found):
        raise InputError(f"{file}: damaged or edited. Export again, or take another copy of the folder.")
    return {one[2]: one[1] for one in found if one is not None}
