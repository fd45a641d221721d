"""What every surgery is: a frozen record of one change of structure that can be applied with a proof, and repeated without."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.compression.surgeries.proof import Proof
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording
from xgaze.models.layers import FeatureHead


@dataclass(frozen=True)
class Probe:
    """Real training samples that surgeries are computed and proved on.

    inputs: one batch of what the model reads, each (n, channels, height, width). features (m, width): what enters the head,
    of many more samples. Features are of the towers as they are now: after a surgery on the towers make a new probe.
    mirrored: which inputs show a mirror image of what others show, where the recording says so. loss: of outputs on `inputs`,
    where labels are known.
    """

    inputs: tuple[Tensor, ...]
    features: Tensor
    mirrored: tuple[bool, ...] | None = None
    loss: Callable[[Tensor], Tensor] | None = None


class Surgery(Protocol):
    """A frozen dataclass; its fields are what is stored in the model card.

    `apply` changes the model in place and returns the proof, or raises InputError naming the layers, the model untouched;
    `reshape` makes the same change of structure with undefined weights, which is all that rebuilding a stored student needs.
    A `plan_...` beside each says what would go.
    """

    @property
    def kind(self) -> str: ...

    def reshape(self, model: FeatureHead) -> None: ...

    def apply(self, model: FeatureHead, probe: Probe) -> Proof: ...


def surgery_to_json(surgery: Any) -> dict[str, Any]:
    """A surgery as stored in the model card."""
    return asdict(surgery)


@contextmanager
def untouched_if_refused(model: nn.Module, *layers: str) -> Iterator[None]:
    """Puts the modules at these paths back where anything fails inside, a proof above all."""
    originals = {path: model.get_submodule(path) for path in layers}
    try:
        yield
    except BaseException:
        for path, module in originals.items():
            model.set_submodule(path, module)
        raise


@torch.no_grad()
def probe_of(
    model: FeatureHead,
    recording: Recording,
    rows: NDArray[np.int64],
    shown: int = 64,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Probe:
    """A probe of `rows`; `inputs` are `shown` of them, spread evenly. loss: of outputs and targets."""
    spread = rows[np.linspace(0, len(rows) - 1, min(shown, len(rows))).astype(int)]
    batch = next(iter(ordered_batches(recording, spread, len(spread))))
    features = [model.eval().features(*batch.inputs) for batch in ordered_batches(recording, rows)]
    of_outputs = None if loss is None else lambda outputs: loss(outputs, batch.target)
    return Probe(batch.inputs, torch.cat(features), recording.mirrored, of_outputs)
