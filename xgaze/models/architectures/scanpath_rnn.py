"""RNN, LSTM or GRU over the fixations of a scanpath, with a classifier or a regressor."""

from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.blocks import Positive
from xgaze.models.architectures.prediction import prediction_layers
from xgaze.models.architectures.recurrent import Cell, Recurrent, mean_and_maximum, true_lengths
from xgaze.models.inputs import place_of, require_only
from xgaze.models.layers import FeatureHead, Float32Sequential

SEQUENCE, LENGTH = "sequence", "length"


class ScanpathRNN(FeatureHead):
    """ "sequence" (batch, steps, features) and "length" (batch, 1) -> logits (batch, classes), or numbers in the target's unit.

    Features are the last hidden state, of both directions where there are two ("last"), or the mean and the maximum of all
    states ("mean-max"), which tells people apart better than where they ended. projection: units of a linear layer with ReLU
    before. dropout: of those, of the features and of hidden layers.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        cell: Cell = "lstm",
        units: Positive = 64,
        layers: Positive = 2,
        bidirectional: bool = False,
        projection: Positive | None = None,
        readout: Literal["last", "mean-max"] = "last",
        hidden: tuple[Positive, ...] = (),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        output_scale: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__()
        require_only(spec, (SEQUENCE, LENGTH))
        self.places = (place_of(spec, SEQUENCE, "steps x features"), place_of(spec, LENGTH, "steps", unchanged=True))
        features = spec.inputs[self.places[0]].shape[1]
        self.projection = (
            nn.Identity() if projection is None else nn.Sequential(nn.Linear(features, projection), nn.ReLU())
        )
        self.recurrent = Recurrent(cell, projection or features, units, layers, bidirectional)
        self.readout, self.drop = readout, nn.Dropout(dropout)
        width = self.recurrent.width * (1 if readout == "last" else 2)
        self.head = Float32Sequential(OrderedDict(prediction_layers(spec, width, hidden, dropout, output_scale)))

    def features(self, *inputs: Tensor) -> Tensor:
        sequence, length = (inputs[k] for k in self.places)
        steps = true_lengths(length, sequence.shape[1])
        states = self.recurrent(self.drop(self.projection(sequence)), steps)
        read = self.recurrent.last if self.readout == "last" else mean_and_maximum
        return self.drop(read(states, steps))  # type: ignore[no-any-return]


ARCHITECTURE = Architecture("scanpath-rnn", ScanpathRNN)
