"""What other ways make of a teacher at a given size, as their users would: to be tuned as long as our own students.

Each returns a changed copy. None of them is proved; torch-pruning's are even wrong across towers (see its test), and stand
here as they come out.
"""

import copy
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal, TypeVar

import torch
from torch import Tensor, fx, nn

from xgaze.compression.group_importance import graded
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.columns import plan_columns
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.models.size import count_parameters

Model = TypeVar("Model", bound=nn.Module)
Importance = Literal["magnitude", "taylor"]
Loss = Callable[[Tensor], Tensor]
"""Outputs (n, outputs) of a model on known inputs -> loss, a scalar."""
RATIOS = (0.25, 0.5, 0.75, 0.85, 0.9, 0.95)
"""Tried in this order until one is small enough: beyond about 0.85 a larger ratio may leave more."""
BISECTIONS = 6
TRIALS = 100_000
"""Of torch-kirigami: how many channels it may try to remove, one after the other."""


@torch.no_grad()
def plain_svd(model: FeatureHead, layer: str, rank: int) -> FeatureHead:
    """The weight of the linear layer at `layer` cut to its leading singular values, without a look at data. The structure is
    that of `LowRank`. Raises InputError for a rank that the layer cannot have."""
    small = copy.deepcopy(model)
    linear = small.get_submodule(layer)
    LowRank(layer, rank).reshape(small)
    assert isinstance(linear, nn.Linear)
    left, singular, right = torch.linalg.svd(linear.weight.double(), full_matrices=False)
    root = singular[:rank].sqrt()
    reduce, expand = small.get_submodule(layer).children()
    assert isinstance(reduce, nn.Linear) and isinstance(expand, nn.Linear)
    reduce.weight.copy_(root[:, None] * right[:rank])
    expand.weight.copy_(left[:, :rank] * root)
    if linear.bias is None:
        expand.bias.zero_()
    else:
        expand.bias.copy_(linear.bias)
    return small


def columns_by_norm(model: FeatureHead, layer: str, count: int, probe: Probe) -> FeatureHead:
    """The `count` columns of largest weight norm of the head's first linear layer, kept as they are."""
    small = copy.deepcopy(model)
    plan_columns(small, layer, count).apply(small, probe)
    return small


def from_scratch(model: Model, seed: int) -> Model:
    """The same structure with fresh random weights; what does not learn stays. Raises InputError naming modules that do not say
    how theirs begin."""
    fresh = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, module in fresh.named_modules():
            reset, own = getattr(module, "reset_parameters", None), list(module.parameters(recurse=False))
            if own and not any(one.requires_grad for one in own):
                continue
            if reset is not None:
                reset()
            elif own:
                kind = type(module).__name__
                raise InputError(f"'{name}' cannot be trained from scratch: {kind} has no reset_parameters().")
    return fresh


def torch_pruned(
    model: FeatureHead, inputs: tuple[Tensor, ...], loss: Loss, parameters: int, importance: Importance
) -> FeatureHead:
    """torch-pruning's model of at most `parameters` parameters, the nearest below that one ratio for all layers reaches.

    inputs: a batch of real samples; loss: of the outputs on them (Taylor importance reads its gradient). The output layer is
    kept. Raises InputError if torch-pruning crashes, or gets no ratio so small: above 0.85 or so it skips layers silently.
    """
    import torch_pruning as tp  # only who asks for it waits for it

    grades = _gradients(model, inputs, loss) if importance == "taylor" else {}

    def at(ratio: float) -> FeatureHead:
        return _pruned_at(model, inputs, grades, ratio)

    too_large, fewest = 0.0, count_parameters(model)
    for ratio in RATIOS:
        pruned = at(ratio)
        size = count_parameters(pruned)
        if size <= parameters:
            return _nearest_below(at, too_large, ratio, pruned, parameters)
        too_large, fewest = ratio, min(fewest, size)
    raise InputError(
        f"torch-pruning {tp.__version__} reaches no fewer than {fewest} parameters, more than the {parameters} asked for."
    )


def kirigami_installed() -> bool:
    """Whether torch-kirigami, which nothing else needs, is there."""
    return find_spec("torch_kirigami") is not None


def kirigami_pruned(model: FeatureHead, inputs: tuple[Tensor, ...], loss: Loss, parameters: int) -> FeatureHead:
    """torch-kirigami's model of at most `parameters` parameters: its Taylor scores, its greedy choice, its parameter budget.

    inputs and loss: as of `torch_pruned`. Raises InputError if it is not installed, or cannot prune the model so far."""
    if not kirigami_installed():
        raise InputError("the method kirigami needs the package torch-kirigami: pip install torch-kirigami.")
    from torch_kirigami import DependencyGraph
    from torch_kirigami.pruning import Greedy, ParameterBudget, Pruner, WeightTaylor

    pruned = graded(model, inputs, loss).eval()
    heads = [module for module in pruned.modules() if isinstance(module, Float32Sequential)]
    try:
        for head in heads:  # torch.fx cannot follow what asks a tensor for its device
            head.__class__ = nn.Sequential  # type: ignore[assignment]
        named = _with_named_inputs(pruned, len(inputs))
        pruner = Pruner(named, graph=DependencyGraph.build(named, args=tuple(x[:1] for x in inputs)))
        pruner.prune(
            pruner.discover_candidates(), budget=ParameterBudget(parameters), strategy=Greedy(WeightTaylor(), TRIALS)
        )
        with torch.no_grad():
            pruned(*(x[:1] for x in inputs))
    except Exception as error:  # whatever its graph runs into, as above
        first = str(error).splitlines()[0] if str(error) else "no message"
        raise InputError(
            f"torch-kirigami cannot prune this model ({type(error).__name__}: {first}). Leave it out."
        ) from None
    for head in heads:
        head.__class__ = Float32Sequential
    pruned.zero_grad()
    pruned.feature_shape = None
    return pruned


def _with_named_inputs(model: nn.Module, count: int) -> nn.Module:
    """The model in a module whose forward names every input: torch.fx cannot follow one that takes them as *inputs."""
    graph = fx.Graph()
    inputs = tuple(graph.placeholder(f"input{k}") for k in range(count))
    graph.output(graph.call_module("model", inputs))
    return fx.GraphModule({"model": model}, graph)


def _nearest_below(
    at: Callable[[float], FeatureHead], low: float, high: float, best: FeatureHead, parameters: int
) -> FeatureHead:
    """Bisect between a ratio that leaves too many parameters and one that does not."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        pruned = at(middle)
        size = count_parameters(pruned)
        if size > parameters:
            low = middle
            continue
        high = middle
        if size > count_parameters(best):
            best = pruned
    return best


def _gradients(model: FeatureHead, inputs: tuple[Tensor, ...], loss: Loss) -> dict[str, Tensor]:
    return {name: p.grad for name, p in graded(model, inputs, loss).named_parameters() if p.grad is not None}


def _pruned_at(model: FeatureHead, inputs: tuple[Tensor, ...], grades: dict[str, Tensor], ratio: float) -> FeatureHead:
    """A copy pruned by `ratio`, as torch-pruning's own example does it."""
    import torch_pruning as tp

    pruned = copy.deepcopy(model).eval()
    for name, parameter in pruned.named_parameters():
        parameter.requires_grad_()
        parameter.grad = grades[name].clone() if name in grades else None  # a copy has no gradients
    score = tp.importance.GroupTaylorImportance() if grades else tp.importance.MagnitudeImportance(p=2)
    example = tuple(x[:1] for x in inputs)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _step(pruned, example, score, ratio)
        with torch.no_grad():
            pruned(*example)
    except Exception as error:  # whatever its graph runs into: shapes, indices, attributes
        first = str(error).splitlines()[0] if str(error) else "no message"
        raise InputError(
            f"torch-pruning {tp.__version__} cannot prune this model ({type(error).__name__}: {first}). Leave it out."
        ) from None
    pruned.zero_grad()
    pruned.feature_shape = None
    return pruned


def _step(model: FeatureHead, example: tuple[Tensor, ...], score: Callable[..., Tensor], ratio: float) -> None:
    import torch_pruning as tp

    output = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    pruner = tp.pruner.BasePruner(
        model,
        example,
        importance=score,
        pruning_ratio=ratio,
        ignored_layers=[output],
        in_channel_groups={},  # its own defaults are shared between calls and keep the models of earlier ones
        out_channel_groups={},
        num_heads={},
        channel_groups={},
    )
    pruner.step()
