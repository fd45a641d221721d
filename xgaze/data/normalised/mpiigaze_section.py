"""The data section of a recipe: MPIIGaze's normalised eyes."""

from pathlib import Path
from typing import Literal

from xgaze.recipe.data_sections import DataSection, Fractions, Seed


class MpiiGazeData(DataSection):
    """The folder `MPIIGaze` as it is unpacked (Zhang et al. 2015): `Data/Normalized/p00/day01.mat` and so on.

    samples: "evaluation", the 3,000 eyes of each person that `Evaluation Subset` lists and that results are published on; or
    "all" of both eyes. split: shares of people, drawn by `seed`; `xgaze crossval --outer 15` leaves out one after the other.
    """

    source: Literal["mpiigaze"]
    path: Path
    samples: Literal["evaluation", "all"] = "evaluation"
    split: Fractions = Fractions()
    seed: Seed = 0
