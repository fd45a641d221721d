"""Models of several targets as what is explained: functions of the main one alone, and its recording with that truth alone."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from xgaze.data.contract import Recording, RecordingView, Sample
from xgaze.models.layers import FeatureHead, MainAlone


@dataclass(frozen=True, eq=False)
class OfMainTarget(RecordingView):
    """A recording whose samples have the main target alone."""

    def __getitem__(self, row: int) -> Sample:
        sample = self.recording[row]
        return replace(sample, target=sample.target[: len(self.spec.own_columns)])


def of_main_target(recording: Recording, models: Mapping[str, FeatureHead]) -> tuple[Recording, dict[str, FeatureHead]]:
    """Recording and copies of models of several targets with the main one alone; of one target as they are."""
    if not recording.spec.beside:
        return recording, dict(models)
    count = len(recording.spec.own_columns)
    return OfMainTarget(recording.spec.main, recording.table, recording), {
        name: _alone(model, count) for name, model in models.items()
    }


def _alone(model: FeatureHead, count: int) -> FeatureHead:
    twin = copy.deepcopy(model)
    if isinstance(twin.head, nn.Sequential):  # its layers keep their places
        twin.head.add_module("main_target", MainAlone(count))
    else:
        twin.head = nn.Sequential(twin.head, MainAlone(count))
    return twin
