"""The data sections of recipes: public data sets of gaze, by the layouts in which they are unpacked."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.data_sections import (
    DataSection,
    Fractions,
    Means,
    PictureSide,
    Seed,
    Stds,
    as_stored,
    require_as_many,
)


def _each_once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("inputs", "name each input once")
    return names


EACH_ONCE = (Field(min_length=1), AfterValidator(_each_once))
FaceAndHead = Annotated[list[Literal["face", "head"]], *EACH_ONCE]
"""What a network reads, in its order; `head`: where the head points, pitch and yaw in rad (of Columbia, P in degrees)."""


Normalised = tuple[float | tuple[float, ...], float | tuple[float, ...]]
"""mean and std, as a specification holds them."""


class ColourData(DataSection):
    """colour: the order in which the network reads the channels of pictures in colour. mean, std: what it reads of these is
    (stored - mean) / std, between 0 and 1 unless given: a number each, or three in the order of `colour`."""

    later: ClassVar[tuple[str, ...]] = ("mean", "std")
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: Means = 0.0
    std: Stds = 255.0

    @model_validator(mode="after")
    def _as_many_as_channels(self) -> Self:
        require_as_many(self.mean, self.std, 3)
        return self

    @property
    def numbers(self) -> Normalised:
        return as_stored(self.mean), as_stored(self.std)


class PublishedData(DataSection):
    """path: the folder that is unpacked. split: shares of people, drawn by `seed`; `xgaze crossval` leaves out one after the
    other."""

    path: Path
    split: Fractions = Fractions()
    seed: Seed = 0


class MpiiGazeData(PublishedData):
    """MPIIGaze's normalised eyes (Zhang et al. 2015): `Data/Normalized/p00/day01.mat` and so on.

    samples: "evaluation", the 3,000 eyes of each person that `Evaluation Subset` lists and that results are published on; or
    "all" of both eyes. inputs: what the network reads; without `head`, the eye alone.
    """

    later = ("inputs",)
    source: Literal["mpiigaze"]
    samples: Literal["evaluation", "all"] = "evaluation"
    inputs: Annotated[list[Literal["eye", "head"]], *EACH_ONCE] = ["eye", "head"]


class PicturesData(PublishedData, ColourData):
    """Pictures in colour are read as height = width = `side` px."""

    side: PictureSide = 224


class MpiiFaceGazeData(PicturesData):
    """MPIIFaceGaze (Zhang et al. 2017). samples: "normalised", p00.mat and so on, faces with the direction of gaze; or "raw",
    p00/p00.txt and so on, faces cut around their six landmarks out of the frames, gaze from the face's centre to the target.
    inputs: what the network reads; without `head`, the face alone."""

    later = ("inputs",)
    source: Literal["mpiifacegaze"]
    samples: Literal["normalised", "raw"] = "normalised"
    inputs: FaceAndHead = ["face", "head"]


class EthXGazeData(PicturesData):
    """ETH-XGaze (Zhang et al. 2020): `train/subject0000.h5` and so on with train_test_split.json. `every`: one of so many
    frames is read. inputs: what the network reads; without `head`, the face alone."""

    later = ("inputs",)
    source: Literal["eth-xgaze"]
    every: int = Field(1, ge=1, le=10_000)
    inputs: FaceAndHead = ["face", "head"]


class FazeData(PublishedData, ColourData):
    """GazeCapture or MPIIGaze as strips of both eyes, 64x256 px (Park et al. 2019): the file, or several in one folder. inputs:
    what the network reads; without `head`, the strip alone."""

    later = ("inputs",)
    source: Literal["faze"]
    every: int = Field(1, ge=1, le=10_000)
    inputs: Annotated[list[Literal["eyes", "head"]], *EACH_ONCE] = ["eyes", "head"]


class GazeCaptureData(ColourData):
    """GazeCapture (Krafka et al. 2016): the folders of recordings as downloaded ("raw"), or after its own prepareDataset.py
    ("prepared", with metadata.mat). Face, both eyes and the grid of the face; gaze in cm from the camera, y up. Its own split by
    people. devices: of raw recordings, those of phones or of tablets alone. `every`: one of so many frames is read. inputs: what
    the network reads, in its order."""

    later = ("inputs",)
    source: Literal["gazecapture"]
    inputs: Annotated[list[Literal["face", "left", "right", "grid"]], *EACH_ONCE] = ["face", "left", "right", "grid"]
    path: Path
    samples: Literal["raw", "prepared"] = "raw"
    devices: Literal["all", "phones", "tablets"] = "all"
    every: int = Field(1, ge=1, le=10_000)
    side: PictureSide = 224

    @model_validator(mode="after")
    def _devices_are_known(self) -> Self:
        if self.samples == "prepared" and self.devices != "all":
            raise PydanticCustomError("devices", "metadata.mat does not say which device; leave it out, or read raw")
        return self


class Gaze360Data(ColourData):
    """Gaze360 (Kellnhofer et al. 2019): metadata.mat and imgs/. picture: the head, or the face where one was found. Its own
    split; frames that it does not use are left out. within: the largest angle from the camera's axis, in degrees."""

    source: Literal["gaze360"]
    path: Path
    picture: Literal["head", "face"] = "head"
    within: float = Field(180, gt=0, le=180)
    every: int = Field(1, ge=1, le=10_000)
    side: PictureSide = 224


class ColumbiaData(PicturesData):
    """Columbia Gaze (Smith et al. 2013): `0001/0001_2m_-15P_-10V_5H.jpg` and so on. The directions are those of the file names:
    pitch V, yaw H, in degrees from the camera. inputs: what the network reads; `head` is P, one number; without it, the face
    alone."""

    later = ("inputs",)
    source: Literal["columbia"]
    inputs: FaceAndHead = ["face", "head"]


class GazeHubData(PicturesData):
    """Label files of the common form, `Label/*.label` beside `Image/` (Cheng et al. 2021): yaw and pitch of a normalised face.

    layout: whose columns they have; "auto" from the line of headings. inputs: which pictures the network reads, and `head`, where
    the head points. labels: files by their names without ending; all but `unused` unless given.
    """

    source: Literal["gazehub"]
    layout: Literal["auto", "mpiifacegaze", "gaze360", "eyediap", "eth-xgaze", "rt-gene"] = "auto"
    inputs: Annotated[list[Literal["face", "left", "right", "head"]], *EACH_ONCE] = ["face"]
    labels: list[str] | None = Field(None, min_length=1)


class OpenEdsData(PublishedData):
    """OpenEDS 2020 and folders like it: `sequences/NAME/000.png` and so on beside `labels/NAME.txt`, lines of index, x, y, z; or
    train, validation and test with both in each. Pictures of one eye, read grey as `height` x `width` px."""

    source: Literal["openeds"]
    height: PictureSide = 100
    width: PictureSide = 160
    every: int = Field(1, ge=1, le=10_000)
