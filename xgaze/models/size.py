"""How large a model is: parameters, those in fully connected layers, multiply-accumulates."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from xgaze.data.batches import every_operation
from xgaze.data.contract import Spec
from xgaze.models.layers import SeparableLinear


def count_parameters(model: nn.Module) -> int:
    """All parameters; buffers do not count."""
    return sum(p.numel() for p in model.parameters())


def count_fc_parameters(model: nn.Module) -> int:
    """Parameters of linear layers, biases and separable ones included."""
    dense = (nn.Linear, SeparableLinear)
    return sum(p.numel() for m in model.modules() if isinstance(m, dense) for p in m.parameters(recurse=False))


def count_macs(model: nn.Module, spec: Spec) -> int:
    """Multiply-accumulates of one sample (half of torch's floating-point operations), convolutions and matrix products."""
    device = next(model.parameters()).device
    inputs = [torch.zeros(1, *one.shape, device=device) for one in spec.inputs]
    training = model.training
    model.eval()
    with torch.no_grad(), every_operation(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    model.train(training)
    return int(counter.get_total_flops()) // 2
