"""Muon (Jordan et al. 2024) for the kernels of convolutions, AdamW for all else, as one optimiser."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

MUON = "muon"
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class KernelMuon(torch.optim.AdamW):
    """torch's Muon on kernels as matrices, a row per output channel: their momentum is made orthogonal, so that no few directions
    take the whole step. Its steps are as large as AdamW's, so that rate and decay mean the same for both. kernel_rate: of
    kernels, if they shall have another."""

    def __init__(self, model: nn.Module, rate: float, decay: float, kernel_rate: float | None = None) -> None:
        found = {id(p) for layer in model.modules() if isinstance(layer, CONVOLUTIONS) for p in own_kernels(layer)}
        every = [p for p in model.parameters() if p.requires_grad]
        self.kernels = [p for p in every if id(p) in found]
        others = [p for p in every if id(p) not in found]
        own = rate if kernel_rate is None else kernel_rate
        groups = [{"params": some, "lr": each} for some, each in ((others, rate), (self.kernels, own)) if some]
        super().__init__(groups, rate, weight_decay=decay)
        rows = [_matrix(p.detach()) for p in self.kernels]
        self.muon = torch.optim.Muon(rows, own, weight_decay=decay, adjust_lr_fn="match_rms_adamw") if rows else None

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self.muon is not None:
            self._step_kernels(self.muon)
        super().step()
        return loss

    def _step_kernels(self, muon: torch.optim.Muon) -> None:
        """AdamW leaves alone what has no gradient."""
        (group,) = muon.param_groups
        group["lr"] = self.param_groups[-1]["lr"]
        for kernel, rows in zip(self.kernels, group["params"], strict=True):
            rows.grad = None if kernel.grad is None else _matrix(torch.empty_like(kernel).copy_(kernel.grad))
            kernel.grad = None
        muon.step()

    def state_dict(self) -> dict[str, Any]:
        own = super().state_dict()
        return own if self.muon is None else {**own, MUON: self.muon.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != MUON})
        if self.muon is not None:
            self.muon.load_state_dict(state_dict[MUON])


def own_kernels(layer: nn.Module) -> list[nn.Parameter]:
    """Its weight, unless that is computed from others."""
    return [p for p in layer.parameters(recurse=False) if p.ndim > 2]


def _matrix(kernel: Tensor) -> Tensor:
    """A view, a row per output channel, of one that lies in memory whole or channels last."""
    return (kernel if kernel.is_contiguous() else kernel.movedim(1, -1)).view(len(kernel), -1)
