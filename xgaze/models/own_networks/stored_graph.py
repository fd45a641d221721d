"""A network's graph as plain JSON, so that it is rebuilt where its class is not: known layers and operations only, no pickle.

torch.export is not used for it: `torch.export.load` reads pickles, by its own documentation.
"""

import inspect
import keyword
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from xgaze.errors import InputError
from xgaze.models.own_networks.trace import trace
from xgaze.models.torch_internals import has_hooks


def _names(told: str) -> frozenset[str]:
    return frozenset(told.split())


LAYERS = _names(
    "Linear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm "
    "InstanceNorm1d InstanceNorm2d LocalResponseNorm ReLU ReLU6 LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Sigmoid LogSigmoid "
    "Tanh Softplus Softsign Softmax Softmax2d LogSoftmax Hardtanh Hardsigmoid Hardswish Tanhshrink Threshold Identity Flatten "
    "Unflatten Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout MaxPool1d MaxPool2d MaxPool3d AvgPool1d "
    "AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d LPPool2d "
    "ZeroPad1d ZeroPad2d ReflectionPad1d ReflectionPad2d ReplicationPad2d ConstantPad2d Upsample PixelShuffle PixelUnshuffle "
    "ChannelShuffle Embedding RNN GRU LSTM Bilinear CosineSimilarity"
)
"""Classes of torch.nn whose constructor's arguments are their attributes."""
OPERATIONS = _names(
    "abs absolute acos add add_ addmm amax amin arange argmax atan atan2 baddbmm bmm broadcast_to cat ceil celu chunk clamp "
    "clamp_ clamp_max clamp_min clone concat concatenate contiguous copy_ cos cosine_similarity cumsum diff div div_ dot "
    "einsum elu erf exp expand expand_as flatten flip float floor fill_ gather gelu half hardswish hardtanh hsplit index_select "
    "interpolate isnan layer_norm leaky_relu linear log log1p log_softmax logical_and logical_not logical_or "
    "logsigmoid logsumexp masked_fill masked_fill_ "
    "matmul max maximum mean median min minimum mish mul mul_ movedim narrow neg normalize norm ones ones_like pad permute pow "
    "prod reciprocal relu relu_ relu6 repeat repeat_interleave reshape roll rsqrt rsub scaled_dot_product_attention selu "
    "select sigmoid sigmoid_ sign silu sin size softmax softplus split sqrt square squeeze squeeze_ stack std sub sub_ sum "
    "swapaxes swapdims t tan tanh tanh_ tile to transpose tril triu truediv type_as unbind unflatten unfold unsqueeze "
    "unsqueeze_ var view view_as vsplit where zeros zeros_like "
    "conv1d conv2d max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d "
    "getitem setitem floordiv mod iadd isub imul itruediv ifloordiv imod ipow imatmul lt le gt ge eq ne and_ or_ xor invert "
    "__and__ __or__"
)
"""Names of functions of torch, torch.nn.functional and operator, and of methods of tensors, that compute and do no more."""
ATTRIBUTES = frozenset({"shape", "ndim", "dtype", "device", "T", "mT"})
RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
"""Arguments of those layers whose constructor names none."""
PATH = re.compile(r"\w+(\.\w+)*", re.ASCII)
PLACES: Mapping[str, Any] = {"torch": torch, "functional": F, "operator": operator}
LONGEST = 5000


def graph_of(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, Any]:
    """The graph of a module called with such a batch: layers with their arguments, shapes of further tensors, and steps in
    order; no weights. Raises InputError naming what it holds that no stored graph can."""
    traced = trace(module, inputs)
    layers, tensors, steps = dict[str, Any](), dict[str, Any](), list[Any]()
    for node in traced.graph.nodes:
        if node.op == "call_module":
            layers[str(node.target)] = _layer_told(traced.get_submodule(str(node.target)))
        if node.op == "get_attr":
            tensors[str(node.target)] = _tensor_told(traced, str(node.target))
        args, kwargs = _told(tuple(node.args)), {key: _told(one) for key, one in node.kwargs.items()}
        steps.append([node.op, node.name, _target_told(node), args, kwargs])
    return {"layers": layers, "tensors": tensors, "steps": steps}


def module_of(stored: Mapping[str, Any]) -> fx.GraphModule:
    """The module of a graph that `graph_of` gave, with fresh weights. Raises InputError for what is no such graph."""
    try:
        parts = {path: _layer(one) for path, one in stored["layers"].items()}
        parts |= {path: _tensor(one) for path, one in stored["tensors"].items()}
        if not len(stored["steps"]) <= LONGEST:
            raise ValueError(f"more than {LONGEST} steps")
        return fx.GraphModule(parts, _graph(stored["steps"]))
    except InputError:
        raise
    except (
        AttributeError,
        IndexError,
        KeyError,
        RuntimeError,
        TypeError,
        ValueError,
        OverflowError,
        SyntaxError,
    ) as error:
        told = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:120]}"
        raise InputError(f"key 'architecture.graph': no graph of a network ({told})") from None


def _graph(steps: list[Any]) -> fx.Graph:
    graph, known = fx.Graph(), dict[str, fx.Node]()
    for kind, name, target, args, kwargs in steps:
        read = tuple(_meant(args, known))
        if kind == "output":
            graph.output(*read)
            continue
        if kind not in ("placeholder", "get_attr", "call_module", "call_function", "call_method"):
            raise ValueError(f"a step '{str(kind)[:40]}'")
        if not all(_is_name(one) for one in (name, *kwargs)):
            raise ValueError("a name that is none")
        named = {key: _meant(one, known) for key, one in kwargs.items()}
        known[name] = graph.create_node(kind, _target(kind, target), read, named, name)
    graph.lint()
    return graph


def _layer_told(layer: nn.Module) -> dict[str, Any]:
    kind = type(layer)
    if kind is not getattr(nn, kind.__name__, None) or kind.__name__ not in LAYERS:
        raise InputError(f"a layer {kind.__name__} is not among those that a stored graph knows")
    if has_hooks(layer) or parametrize.is_parametrized(layer):
        raise InputError(f"a layer {kind.__name__} with hooks of its own is more than a stored graph knows")
    names = RECURRENT if isinstance(layer, nn.RNNBase) else inspect.signature(kind).parameters
    known = [name for name in names if hasattr(layer, name) and not name.startswith("_")]
    return {"layer": kind.__name__, "args": {name: _told(_argument(layer, name)) for name in known}}


def _argument(layer: nn.Module, name: str) -> Any:
    """What the constructor was given: `bias` is a tensor or None afterwards."""
    found = getattr(layer, name)
    return found is not None if name == "bias" and not isinstance(found, bool) else found


def _layer(stored: Mapping[str, Any]) -> nn.Module:
    if stored["layer"] not in LAYERS:
        raise InputError(f"key 'architecture.graph': no layer '{str(stored['layer'])[:60]}' is known")
    args = {name: _meant(one, {}) for name, one in stored["args"].items()}
    made: nn.Module = getattr(nn, stored["layer"])(**args)
    return made


def _tensor_told(traced: fx.GraphModule, path: str) -> dict[str, Any]:
    found = operator.attrgetter(path)(traced)
    if not isinstance(found, Tensor):
        raise InputError(f"'{path}' is no tensor")
    return {
        "shape": list(found.shape),
        "dtype": str(found.dtype).removeprefix("torch."),
        "parameter": isinstance(found, nn.Parameter),
    }


def _tensor(stored: Mapping[str, Any]) -> Tensor:
    fresh = torch.zeros([int(one) for one in stored["shape"]], dtype=_dtype(stored["dtype"]))
    return nn.Parameter(fresh) if stored["parameter"] is True else fresh


def _target_told(node: fx.Node) -> str:
    if node.op != "call_function":
        if node.op == "call_method" and node.target not in OPERATIONS:
            raise InputError(f"the method {node.target} is not among those that a stored graph knows")
        return str(node.target)
    if node.target is getattr:
        return "getattr"
    for place, module in PLACES.items():
        name = getattr(node.target, "__name__", "")
        if name in OPERATIONS and getattr(module, name, None) is node.target:
            return f"{place}.{name}"
    raise InputError(
        f"the function {getattr(node.target, '__name__', node.target)} is not among those that a stored graph knows"
    )


def _target(kind: str, told: str) -> str | Callable[..., Any]:
    if kind == "call_method" and told not in OPERATIONS:
        raise InputError(f"key 'architecture.graph': no operation '{told[:60]}' is known")
    if kind != "call_function":
        if not PATH.fullmatch(told) or (
            kind == "placeholder" and not _is_name(told)
        ):  # it stands in the code that torch.fx makes
            raise ValueError("a name that is none")
        return told
    if told == "getattr":
        return _attribute
    place, _, name = told.partition(".")
    if place not in PLACES or name not in OPERATIONS:
        raise InputError(f"key 'architecture.graph': no operation '{told[:60]}' is known")
    found: Callable[..., Any] = getattr(PLACES[place], name)
    return found


def _is_name(told: Any) -> bool:
    return isinstance(told, str) and told.isascii() and told.isidentifier() and not keyword.iskeyword(told)


def _attribute(value: Any, name: str) -> Any:
    """As getattr, of what a tensor says of itself."""
    if name not in ATTRIBUTES:
        raise InputError(f"key 'architecture.graph': no attribute '{str(name)[:60]}' is known")
    return getattr(value, name)


def _told(value: Any) -> Any:
    """An argument as JSON. Raises InputError for what has no such form."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else {"float": str(value)}
    if isinstance(value, fx.Node):
        return {"step": value.name}
    if isinstance(value, tuple):
        return {"tuple": [_told(one) for one in value]}
    if isinstance(value, list):
        return [_told(one) for one in value]
    if isinstance(value, slice):
        return {"slice": [_told(one) for one in (value.start, value.stop, value.step)]}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if value is Ellipsis:
        return {"ellipsis": True}
    raise InputError(f"an argument of the kind {type(value).__name__} is more than a stored graph knows")


def _meant(told: Any, known: Mapping[str, fx.Node]) -> Any:
    """The argument that `_told` told."""
    if isinstance(told, list):
        return [_meant(one, known) for one in told]
    if not isinstance(told, dict):
        return told
    (kind, value), *more = told.items()
    if more:
        raise ValueError("an argument of several kinds")
    if kind == "step":
        return known[value]
    if kind == "float":
        return float(value)
    if kind == "dtype":
        return _dtype(value)
    if kind == "ellipsis":
        return Ellipsis
    parts = [_meant(one, known) for one in value]
    return slice(*parts) if kind == "slice" else tuple(parts) if kind == "tuple" else _no_kind(kind)


def _no_kind(kind: str) -> Any:
    raise ValueError(f"an argument of the kind '{kind[:40]}'")


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"no dtype '{name[:40]}'")
    return found
