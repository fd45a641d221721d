"""Hints: what a student's module puts out shall resemble what a teacher's module puts out (FitNets, Romero et al. 2015)."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.errors import InputError, nearest
from xgaze.recipe.student_sections import Hint


class HintLoss(nn.Module):
    """Mean over hints of the squared distance of the projected student embedding from the teacher's, in shares of its variance.

    Projections are trained with the student and left behind with this module; the teacher is copied, neither trained nor saved.
    """

    def __init__(
        self, hints: Sequence[Hint | str], student: nn.Module, teacher: nn.Module, inputs: Sequence[Tensor], seed: int
    ) -> None:
        """hints: pairs of module paths, or one path for both. inputs: some samples, for widths and variances. Raises InputError
        for an unknown path, a module without a tensor, or an embedding that never varies."""
        super().__init__()
        pairs = [Hint(teacher=one, student=one) if isinstance(one, str) else one for one in hints]
        self.student_paths = [one.student for one in pairs]
        self.teacher_paths = [one.teacher for one in pairs]
        self._teacher = (copy.deepcopy(teacher).eval(),)  # in a tuple, or it would be a submodule
        wanted = self.told(inputs)
        with torch.no_grad(), listening(copy.deepcopy(student).eval(), self.student_paths, STUDENT) as hear:
            ours = hear(inputs)[1]
        self.variances = [_variance(one, path) for one, path in zip(wanted, self.teacher_paths, strict=True)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.projections = nn.ModuleList(map(_projection, ours, wanted))

    @torch.no_grad()
    def told(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The teacher's embeddings of a batch, one per hint."""
        with listening(self._teacher[0].to(inputs[0].device), self.teacher_paths, TEACHER) as hear:
            return hear(inputs)[1]

    def forward(self, inputs: Sequence[Tensor], ours: Sequence[Tensor]) -> Tensor:
        """ours: the student's embeddings of `inputs`, one per hint."""
        each = zip(ours, self.told(inputs), self.projections, self.variances, strict=True)
        return torch.stack([_distance(own, wanted, by) / variance for own, wanted, by, variance in each]).mean()


class Hear:
    """Calls a model and returns its output and, per path, what that module put out: (batch, ...), in float32, with gradients."""

    def __init__(self, model: nn.Module, paths: Sequence[str]) -> None:
        self.model = model
        self.paths = list(paths)
        self.heard: dict[str, list[Tensor]] = {path: [] for path in paths}

    def hook(self, path: str, output: object) -> None:
        if not isinstance(output, Tensor):
            raise InputError(f"distill.hints: module '{path}' puts out no single tensor; name one that does.")
        self.heard[path].append(output.clone())  # the next layer may work in place

    def __call__(self, inputs: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        for calls in self.heard.values():
            calls.clear()
        output = self.model(*inputs)
        for path, calls in self.heard.items():
            if not calls:
                raise InputError(f"distill.hints: module '{path}' is not used when the model runs; name one that is.")
        # A shared tower is called once per eye.
        return output, [torch.cat(self.heard[path]).float() for path in self.paths]


@contextmanager
def listening(model: nn.Module, paths: Sequence[str], role: str) -> Iterator[Hear]:
    """Listen to the modules at `paths`. Raises InputError naming an unknown path and the nearest one."""
    modules = {name: module for name, module in model.named_modules() if name}
    hear = Hear(model, paths)
    with ExitStack() as stack:
        for path in hear.heard:
            if path not in modules:
                raise InputError(f"distill.hints: the {role} has no module '{path}'; {nearest(path, modules)}")
            hook = modules[path].register_forward_hook(lambda _module, _read, out, path=path: hear.hook(path, out))
            stack.callback(hook.remove)
        yield hear


def aligned(own: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Both as rows (n, width): a row per position where both are maps or tokens of one layout, else one per sample."""
    own_last, wanted_last = (x.movedim(1, -1) if x.ndim == 4 else x for x in (own, wanted))
    if own_last.shape[:-1] == wanted_last.shape[:-1]:
        return own_last.flatten(0, -2), wanted_last.flatten(0, -2)
    return own.flatten(1), wanted.flatten(1)


def _projection(own: Tensor, wanted: Tensor) -> nn.Module:
    """From the student's width to the teacher's; the identity where they are equal."""
    ours, theirs = aligned(own, wanted)
    if len(ours) != len(theirs):
        raise InputError(
            f"distill.hints: student and teacher put out {len(ours)} and {len(theirs)} rows there; name modules that match."
        )
    return nn.Identity() if ours.shape[1] == theirs.shape[1] else nn.Linear(ours.shape[1], theirs.shape[1])


def _distance(own: Tensor, wanted: Tensor, projection: nn.Module) -> Tensor:
    ours, theirs = aligned(own, wanted)
    distance: Tensor = (projection(ours).float() - theirs).square().mean()
    return distance


def _variance(wanted: Tensor, path: str) -> float:
    """Of the teacher's embedding over samples and positions, mean over its width."""
    rows = aligned(wanted, wanted)[0]
    variance = float(rows.var(dim=0, unbiased=False).mean())
    if not variance > 0:
        raise InputError(f"distill.hints: what the teacher's '{path}' puts out never varies; name another module.")
    return variance
