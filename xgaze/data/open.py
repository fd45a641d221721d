"""Open whatever a data section describes, for training or for prediction."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.data.contract import Recording, Sample, Spec
from xgaze.data.eyes.eye_scan import is_session, scan, scan_session
from xgaze.data.photographs.photograph_folder import open_photographs_for_prediction
from xgaze.data.sources.arrays import ONLY_PYTHON
from xgaze.data.sources.attention_pictures import open_attention_pictures
from xgaze.data.sources.crop_lists import open_crop_lists
from xgaze.data.sources.eye_folders import open_eye_folders, recording_of
from xgaze.data.sources.fixation_crops import open_fixation_crops
from xgaze.data.sources.fixation_table import FixationRecording, open_fixations, open_fixations_for_prediction
from xgaze.data.sources.gaze_images import open_gaze_images, open_pictures_for_prediction
from xgaze.data.sources.rendered import open_rendered
from xgaze.data.sources.viewer_agreement import open_viewer_agreement
from xgaze.data.splits import assert_disjoint
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe import (
    ArraysData,
    AttentionPicturesData,
    CropListsData,
    Data,
    EyeFoldersData,
    FixationCropsData,
    FixationTableData,
    GazeImagesData,
    PhotographSection,
    Scene,
    ViewerAgreementData,
    load_data,
)

DEFINITIONS = (".yaml", ".yml")


def open_recording(data: Data, progress: Advance | None = None) -> Recording:
    """The recording a data section describes; no participant is in two splits. Raises InputError with all faults that
    show without decoding pictures."""
    recording: Recording
    if isinstance(data, EyeFoldersData):
        recording = open_eye_folders(data)
    elif isinstance(data, GazeImagesData):
        recording = open_gaze_images(data)
    elif isinstance(data, FixationTableData):
        recording = open_fixations(data)
    elif isinstance(data, AttentionPicturesData):
        recording = open_attention_pictures(data)
    elif isinstance(data, ViewerAgreementData):
        recording = open_viewer_agreement(data)
    elif isinstance(data, FixationCropsData):
        recording = open_fixation_crops(data)
    elif isinstance(data, CropListsData):
        recording = open_crop_lists(data)
    elif isinstance(data, ArraysData):
        raise InputError(ONLY_PYTHON)
    else:
        recording = open_rendered(data, progress)
    assert_disjoint(recording.table)
    return recording


def open_for_prediction(path: Path, spec: Spec, data: Data) -> Recording:
    """What a model with `spec`, trained on `data`, shall predict on.

    path: a definition or recipe (YAML), or files in the format the model was trained on: a root folder or a single
    session folder of eye pictures, a folder of gaze pictures or .npz, or fixation tables. Labels may be missing: NaN, or -1.
    Samples are normalised as the model was trained. Raises InputError, also when inputs differ from the model's.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if path.suffix.lower() in DEFINITIONS:
        recording = _open_definition(path, spec, data)
    elif isinstance(data, GazeImagesData):
        recording = open_pictures_for_prediction(path, data, spec.classes)
    elif isinstance(data, FixationTableData):
        recording = open_fixations_for_prediction(data.model_copy(update={"path": path}), spec)
    elif isinstance(data, PhotographSection):
        recording = open_photographs_for_prediction(path, data, spec)
    elif isinstance(data, FixationCropsData | CropListsData):
        raise InputError(
            f"{path}: this model judges crops; give a definition (YAML), or see `xgaze saliency` for maps."
        )
    elif isinstance(data, ArraysData):
        raise InputError(
            f"{path}: this model was trained on arrays; predict with xgaze.load(FOLDER).predict(...) in Python."
        )
    else:
        recording = _open_eyes(path, _eye_format(path, spec, data))
    assert_disjoint(recording.table)
    return _for_model(recording, spec, path)


def _open_definition(path: Path, spec: Spec, trained_on: Data) -> Recording:
    """The model's own recording keeps its splits; other gaze pictures and fixation tables are all new to the model."""
    data = load_data(path)
    if isinstance(data, GazeImagesData) and spec.kind == "class" and not _same(data, trained_on):
        return open_pictures_for_prediction(data.path, data, spec.classes)
    if isinstance(data, FixationTableData) and not _same(data, trained_on):
        return open_fixations_for_prediction(data, spec)
    if isinstance(data, EyeFoldersData):
        return recording_of(scan(data, for_prediction=True), data, data.path)
    return open_recording(data)


def _same(data: GazeImagesData | FixationTableData, other: Data) -> bool:
    """Equal, wherever relative paths start."""
    if not isinstance(other, GazeImagesData | FixationTableData):
        return False
    whole = [one.model_copy(update={"path": one.path.resolve(), "unlabelled": None}) for one in (data, other)]
    return whole[0] == whole[1]


def _open_eyes(path: Path, data: EyeFoldersData) -> Recording:
    if not path.is_dir():
        raise InputError(f"{path}: expected a folder of eye pictures, or a definition (YAML).")
    found = scan_session(data, path) if is_session(data, path) else scan(data, for_prediction=True)
    return recording_of(found, data, path)


def _eye_format(path: Path, spec: Spec, data: Data) -> EyeFoldersData:
    """The folder format of the model's own recording; for rendered recordings the one `xgaze render` writes."""
    if isinstance(data, EyeFoldersData):
        return data.model_copy(update={"path": path})
    views = {one.name: f"{{frame}}_{one.name.removeprefix('eye')}.png" for one in spec.inputs}
    first, (width, height) = spec.inputs[0], spec.scene or (1, 1)
    assert isinstance(first.mean, float) and isinstance(first.std, float)  # of eye pictures they are
    return EyeFoldersData(
        source="eye-folders",
        path=path,
        views=views,
        scene=Scene(width=width, height=height),
        height=first.picture[1],
        width=first.picture[2],
        mean=first.mean,
        std=first.std,
    )


@dataclass(frozen=True, eq=False)
class _Normalised:
    """A recording under the model's spec, so that its pictures are normalised as in training."""

    spec: Spec
    table: pd.DataFrame
    recording: Recording

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(getattr(self.recording, "notes", ()))

    def __getitem__(self, row: int) -> Sample:
        return self.recording[row]


def _for_model(recording: Recording, spec: Spec, path: Path) -> Recording:
    """Require the model's inputs and target, and normalise like it. Raises InputError saying both."""
    own = recording.spec
    facts: list[tuple[str, Any, Any]] = [
        ("inputs", _inputs(own), _inputs(spec)),
        ("target", own.kind, spec.kind),
        ("scene", _scene(own), _scene(spec)),
        ("classes", ", ".join(own.classes), ", ".join(spec.classes)),
    ]
    for what, found, wanted in facts:
        if found != wanted:
            raise InputError(f"{path}: {what} {found}, but the model was trained with {what} {wanted}.")
    if isinstance(recording, FixationRecording):  # which pads sequences with the mean of its spec
        return replace(recording, spec=replace(own, inputs=spec.inputs, classes=spec.classes))
    return _Normalised(replace(own, inputs=spec.inputs, classes=spec.classes), recording.table, recording)


def _inputs(spec: Spec) -> str:
    """Names and shapes; the order of cameras does not matter, since samples hold them by name."""
    return ", ".join(sorted(f"{one.name} {'x'.join(map(str, one.shape))}" for one in spec.inputs))


def _scene(spec: Spec) -> str:
    return f"{spec.scene[0]}x{spec.scene[1]} px" if spec.scene else "none"
