import torch

from xgaze.explanation.attribution.targets import Target, targets_for


def test_the_value_of_a_regression_is_attributed_in_its_unit(scanpaths):
    (target,) = targets_for(scanpaths("sequence", "value").spec)
    assert isinstance(target, Target) and (target.name, target.unit) == ("value", "ms")
    assert target.read(torch.tensor([[250.0], [300.0]]), torch.zeros(2, 1)).tolist() == [250, 300]
