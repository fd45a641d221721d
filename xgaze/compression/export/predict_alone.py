"""Predict with the model.onnx beside this file; needs onnxruntime and numpy only.

python predict.py                 the samples beside it: what comes out, and whether that is what was stored with them
python predict.py inputs.npz      arrays named as the inputs, (samples, ...), as the recording stores them: pictures uint8
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

FOLDER = Path(__file__).resolve().parent


def predict(stored: Any, file: Path = FOLDER / "model.onnx") -> Any:
    """Outputs (samples, outputs), a line per sample; stored: input name -> array (samples, ...)."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map["xgaze.spec"])
    mean, std = ({one["name"]: laid_out(one, key) for one in spec["inputs"]} for key in ("mean", "std"))
    fed: dict[str, Any] = {name: (np.float32(stored[name]) - mean[name]) / std[name] for name in mean}
    count = len(next(iter(fed.values())))
    return np.concatenate([session.run(None, {k: x[n : n + 1] for k, x in fed.items()})[0] for n in range(count)])


def laid_out(one: dict[str, Any], key: str) -> Any:
    """The mean or std of an input: one number, or one per channel of a picture, per entry of the last axis of anything else."""
    found = np.float32(one[key])
    return np.reshape(found, (-1, 1, 1)) if np.ndim(found) and len(one["shape"]) == 3 else found


if __name__ == "__main__":
    with np.load(sys.argv[1] if len(sys.argv) > 1 else FOLDER / "samples.npz", allow_pickle=False) as samples:
        found = predict(samples)
        np.savetxt(sys.stdout, found, "%.6g", ",")
        if "outputs" in samples:
            apart = np.abs(found - samples["outputs"]).max() / np.abs(samples["outputs"]).max()
            sys.exit(f"outputs differ from those stored by {apart:.1e} of the largest" if apart > 1e-3 else 0)
