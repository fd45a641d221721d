"""Is a model folder whole? Its hashes, what its files compute for the stored samples, and that nothing in it can run code."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import PICKLE_SUFFIXES, WEIGHTS_FILE, read_card
from xgaze.compression.export.c99.compiled import compiler, run_c
from xgaze.compression.export.c99.harness import SAMPLES_FILE as PACKED
from xgaze.compression.export.c99.harness import c_texts, packed_samples, unpacked_samples
from xgaze.compression.export.c99.operations import read_network
from xgaze.compression.export.c99.quantised import int8_program
from xgaze.compression.export.c99.reference import run_reference
from xgaze.compression.export.c99.steps import Form, Program, float_program
from xgaze.compression.export.checksums import handed_over, read_checksums, sum_of
from xgaze.compression.export.device_runtime import RUNTIMES, DeviceRuntime, computed
from xgaze.compression.export.firmware import NOT_CHECKED, RANGES_FILE, c_folder, made_by
from xgaze.compression.export.onnx import INT8_LIMIT, PARITY_LIMIT, open_session, run_onnx
from xgaze.compression.export.samples import Samples, read_samples
from xgaze.compression.student import load_model
from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.stored import read_json

Verdict = Literal["passed", "failed", "not run"]
ALONE = Path(__file__).with_name("predict_alone.py")


@dataclass(frozen=True)
class Check:
    """One thing looked at. told: what was found, or why not."""

    name: str
    verdict: Verdict
    told: str


def verify(folder: Path, trust_import: bool = False) -> list[Check]:
    """All checks of a folder. Raises InputError only where there is no model folder, or nothing it could be held against."""
    read_card(folder)
    checks = hash_checks(folder)
    checks.append(_checked("no pickle", lambda: _no_pickle(folder)))
    checks.append(_checked("predict.py", lambda: _own_script(folder)))
    try:
        spec = Spec.from_json(read_card(folder).spec)
        samples = read_samples(folder, spec)
    except InputError as error:
        return [*checks, Check("stored samples", "failed", str(error))]
    checks.append(_checked(WEIGHTS_FILE, lambda: _weights(folder, spec, samples, trust_import)))
    checks.append(_checked("model.onnx", lambda: _onnx(folder / "model.onnx", spec, samples, PARITY_LIMIT)))
    if (folder / "model.int8.onnx").is_file():
        checks.append(_checked("model.int8.onnx", lambda: _onnx(folder / "model.int8.onnx", spec, samples, INT8_LIMIT)))
    checks += [
        _checked(one.file, lambda one=one: _device(one, folder / one.file, samples, spec))  # type: ignore[misc]
        for one in RUNTIMES.values()
        if (folder / one.file).is_file()
    ]
    forms: tuple[Form, ...] = ("int8", "float32")
    checks += [
        _checked(f"c-{form}", lambda form=form: _c(folder, form, spec, samples))  # type: ignore[misc]
        for form in forms
        if c_folder(folder, form).is_dir()
    ]
    return checks


def hash_checks(folder: Path) -> list[Check]:
    """Of every file that is handed over, listed or not. Raises InputError where there is no list."""
    sums = read_checksums(folder)
    known = [_checked(f"hash of {name}", lambda name=name: _same_hash(folder, name, sums)) for name in sums]  # type: ignore[misc]
    return known + [
        Check(f"hash of {name}", "failed", "not in SHA256SUMS") for name in handed_over(folder) if name not in sums
    ]


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        told = look()
    except InputError as error:
        return Check(name, "failed", str(error))
    except Exception as error:  # damaged files make every library raise its own
        return Check(name, "failed", f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}")
    return Check(name, "not run" if told.startswith("not run") else "passed", told)


def _same_hash(folder: Path, name: str, sums: dict[str, str]) -> str:
    if not (folder / name).is_file():
        raise InputError("missing")
    if sum_of(folder / name) != sums[name]:
        raise InputError("changed since it was exported")
    return "as exported"


def _no_pickle(folder: Path) -> str:
    files = [one for one in sorted(folder.rglob("*")) if one.is_file()]
    bad = [str(one.relative_to(folder)) for one in files if _may_be_pickle(one)]
    if bad:
        raise InputError(f"{', '.join(bad[:3])}: can run code when it is opened")
    return f"none among {len(files)} files"


def _may_be_pickle(file: Path) -> bool:
    """By name, by its first bytes, or as part of an archive that is not of plain arrays."""
    if file.suffix in PICKLE_SUFFIXES:
        return True
    with file.open("rb") as opened:
        start = opened.read(4)
    if start.startswith(b"PK\x03\x04"):
        return file.suffix != ".npz" or not all(one.endswith(".npy") for one in zipfile.ZipFile(file).namelist())
    # A safetensors file begins with the length of its header, which may look like a pickle's first bytes.
    return file.suffix != ".safetensors" and start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _own_script(folder: Path) -> str:
    if (folder / "predict.py").read_bytes() != ALONE.read_bytes():
        raise InputError("is not the script that this version of xgaze writes: read it before you run it")
    return "the script that xgaze writes"


def _weights(folder: Path, spec: Spec, samples: Samples, trust_import: bool) -> str:
    if "import" in read_card(folder).architecture and not trust_import:
        return "not run: the model is a class of a module; give --trust-import if you know what it does"
    import torch

    model, _ = load_model(folder, trust_import=trust_import)
    with torch.inference_mode():
        found = [model(*(x[k : k + 1] for x in samples.fed(spec))).numpy() for k in range(len(samples.outputs))]
    return _near(np.concatenate(found), samples, PARITY_LIMIT)


def _onnx(file: Path, spec: Spec, samples: Samples, limit: float) -> str:
    return _near(run_onnx(open_session(file), samples.fed(spec)), samples, limit)


def _near(found: NDArray[np.float32], samples: Samples, limit: float) -> str:
    apart = float(np.abs(found - samples.outputs).max() / np.abs(samples.outputs).max())
    told = f"outputs differ from the stored ones by {apart:.1e} of the largest, on {len(found)} samples"
    if not apart <= limit:
        raise InputError(told)
    return told


def _c(folder: Path, form: Form, spec: Spec, samples: Samples) -> str:
    """The C files are written anew from model.onnx and compared, before anything of the folder is compiled and run."""
    own = c_folder(folder, form)
    program = c_program(folder, form, spec)
    packed = (own / PACKED).read_bytes()
    stored, expected = unpacked_samples(spec, packed)
    texts = c_texts(program, expected, made_by())
    for name, text in texts.items():
        if (own / name).read_text("utf-8") != text:
            raise InputError(f"{name} is not what this version of xgaze writes for model.onnx")
    if form == "int8" and not np.array_equal(run_reference(program, stored), expected):
        raise InputError(f"{PACKED} does not hold what the reference arithmetic gives")
    if compiler() is None:
        return NOT_CHECKED
    with TemporaryDirectory() as scratch:
        for name, text in texts.items():
            (Path(scratch) / name).write_text(text, encoding="utf-8")
        (Path(scratch) / PACKED).write_bytes(packed_samples(spec, samples.stored, exact(program, samples)))
        found = run_c(Path(scratch))
    return _near(found, samples, PARITY_LIMIT if form == "float32" else INT8_LIMIT)


def _device(runtime: DeviceRuntime, file: Path, samples: Samples, spec: Spec) -> str:
    if runtime.missing:
        return f"not run: {' and '.join(runtime.missing)} not installed"
    return _near(computed(runtime, file, samples.fed(spec)), samples, PARITY_LIMIT)


def exact(program: Program, samples: Samples) -> NDArray[np.float32]:
    """What the C file must put out for the samples."""
    return samples.outputs if program.form == "float32" else run_reference(program, samples.stored)


def c_program(folder: Path, form: Form, spec: Spec) -> Program:
    """The program that a C folder holds, from model.onnx."""
    network = read_network(folder / "model.onnx")
    if form == "float32":
        return float_program(network, spec)
    stored = read_json(c_folder(folder, form) / RANGES_FILE)
    return int8_program(network, spec, {name: (float(low), float(high)) for name, (low, high) in stored.items()})
