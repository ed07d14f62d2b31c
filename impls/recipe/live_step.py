"""A step as it runs: built by its seed, warmed up by plain updates, then changed by a recipe. Loads torch."""

import contextlib
import functools
import inspect
import itertools
import linecache
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils import _pytree as pytree

from impls.contract.setting import Setting
from impls.recipe.facts import Facts, Watch
from impls.recipe.faults import (
    check_batches,
    check_learns,
    check_model,
    check_optimizer,
    trained,
    translated,
    wrong_loss,
)
from impls.recipe.recipe import PLAIN, Recipe, rewrites
from impls.recipe.state import RandomState, Snapshot, outermost, tensors
from impls.recipe.step_file import FUNCTIONS, WAY, StepFault, StepFile, import_roots
from impls.recipe.update_patch import default_update

WARM = 5  # plain updates before anything is judged or timed: momentum exists then
DRAWN = 16  # batches, at most, that are drawn once and read in turn
DRAWN_BYTES = 256e6
DATA_BYTES = 64e6  # an array at the file's top level that takes more is data, and nothing that an update changes

_number = itertools.count(1)


class NotApplicable(Exception):
    """A recipe cannot be applied to this step; the message says why, in a sentence."""


class LiveStep:
    """A step file at a setting, as one object that makes updates. Two of the same file, setting and recipe are equal.

    module      the file's own namespace, made anew for each live step
    model, optimizer
                what the file's functions returned, as the recipe left it
    batches     drawn once, on the device, read in turn; a recipe that streams reads the file's own batches instead
    batches_end whether the file yielded no more than these
    batches_draw
                whether making them draws from the global generators of random numbers
    parameters  that are trained, each once
    facts       what a plain update does
    number      of updates made since the build, those of the warm-up included; `schedule` reads it
    start       what `number` is after `reset`
    patch       the lines that the recipe put into the file
    streams     whether its updates read the file's own batches, one after the other

    alone       whether rewrites that train in another way do so in one process

    Raises StepFault where the file's code fails or returns what no step can be made of, and NotApplicable.
    """

    _own: dict[str, Any]
    _state: Snapshot

    def __init__(self, file: StepFile, setting: Setting, recipe: Recipe = PLAIN, *, alone: bool = False) -> None:
        self.file, self.setting, self.recipe = file, setting, recipe
        self.number, self.start = 0, WARM
        self._double = self.streams = False
        self._stream: Iterator[Any] | None = None
        self.patch = ""
        self._values = dict(file.parameters) | setting.named
        self._seed(0)
        self.module: Any = self._loaded()
        self._globals = set(vars(self.module))
        self.model = self._called("model")
        check_model(file, self.model)
        for module in self.modules.values():
            module.to(setting.device)
        self.optimizer = self._called("optimizer", self.model) if "optimizer" in file.functions else None
        check_optimizer(self)
        self.batches_end = False
        before = RandomState()
        self.batches = [self._placed(batch) for batch in self._drawn()]
        self.batches_draw = before != RandomState()
        for function in ("loss", "gradients"):
            self._configure(function)
        if "update" not in file.functions:
            self._paste(default_update(self), "the default update")
        self._schedule = self._configure("schedule")
        self._seed(2)
        self._update: Callable[..., Any] = self._configure("update") or self.module.update
        self.facts = self._warm_up()
        if setting.dtype == "float64":
            self._to_float64()
        self._alone = alone
        self._put_in(recipe)
        self._keep()

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The outermost modules of the model, by the path to each."""
        return outermost(self.model, nn.Module)

    @property
    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizers, by the path to each."""
        return outermost(self.optimizer, Optimizer)

    @property
    def scalers(self) -> list[torch.amp.GradScaler]:
        """The gradient scalers: where gradients overflow, they leave the optimizer's step out and lower their scale."""
        return list(outermost(self.optimizer, torch.amp.GradScaler).values())

    @property
    def parameters(self) -> list[Tensor]:
        """Every tensor that is trained, once."""
        own = [one for module in self.modules.values() for one in module.parameters() if one.requires_grad]
        given = [one for o in self.optimizers.values() for group in o.param_groups for one in group["params"]]
        return list({id(one): one for one in [*own, *given]}.values())

    def advance(self, updates: int) -> None:
        """Makes the next updates."""
        update, schedule, model, optimizer = self._update, self._schedule, self.model, self.optimizer
        with self._default_dtype():
            if schedule is None:
                for batch in itertools.islice(self._next_batches(), updates):
                    update(model, optimizer, batch)
            else:
                for number, batch in enumerate(itertools.islice(self._next_batches(), updates), self.number):
                    schedule(optimizer, number)
                    update(model, optimizer, batch)
        self.number += updates

    def update_once(self, batch: int | None = None) -> Any:
        """Makes the next update on the next batch, or on the drawn one of this number; what the update returned."""
        following = batch is None or batch == self.number  # a stream delivers it, too
        read = next(self._next_batches()) if following else self.batches[(batch or 0) % len(self.batches)]
        with self._default_dtype():
            if self._schedule is not None:
                self._schedule(self.optimizer, self.number)
            returned = self._update(self.model, self.optimizer, read)
        self.number += 1
        return returned

    def reset(self) -> None:
        """Goes back to the start, which is the state after the warm-up, in place; what is streamed begins anew."""
        self._state.restore()
        vars(self.module).update(self._own)
        self.number = self.start
        self._stream = None

    @contextlib.contextmanager
    def starting_here(self) -> Iterator[None]:
        """While it is entered, the start is the state of now; at its end the step is in that state again."""
        before = self.start, self._own, self._state
        self.start = self.number
        self._keep()
        try:
            yield
        finally:
            self.reset()
            self.start, self._own, self._state = before

    def _next_batches(self) -> Iterator[Any]:
        """Endlessly, the batches from that of the next update on."""
        if not self.streams:
            place = self.number % len(self.batches)
            return itertools.cycle(self.batches[place:] + self.batches[:place])
        if self._stream is None:
            self._stream = self._streamed()
        return self._stream

    def _streamed(self) -> Iterator[Any]:
        """What the file's `batches` yields after those of the warm-up, placed; again from its beginning when it ends."""

        def endless() -> Iterator[Any]:
            for _ in itertools.count():
                yield from self.module.batches(self.setting.seed + 1)

        return map(self._placed, itertools.islice(endless(), WARM, None))

    def made_batches(self) -> Iterator[Any]:
        """Endlessly, what the file's own `batches` yields, made anew and placed; again from its beginning when it ends."""
        for _ in itertools.count():
            yield from map(self._placed, self._make_batches(self.setting.seed + 1))

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state, by name: see `state.tensors`."""
        return tensors(self.model, self.optimizer)

    def _seed(self, stage: int) -> None:
        """Sets every generator, for one stage of the build."""
        seed = (self.setting.seed * 3 + stage) % 2**32
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)

    def _loaded(self) -> ModuleType:
        """The file, run as a module of its own."""
        for folder in reversed(import_roots(self.file.path)):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        module = ModuleType(f"{self.file.path.stem}_{next(_number)}")
        module.__file__ = str(self.file.path)
        sys.modules[module.__name__] = module
        with translated(self.file, "cannot be imported"):
            exec(compile(self.file.path.read_bytes(), self.file.path, "exec"), vars(module))  # noqa: S102 - it is the user's own file, which he asked to run
        return module

    def _called(self, function: str, *arguments: Any) -> Any:
        """What one of the file's functions returns, called with the parameters that it takes."""
        with translated(self.file, f"fails in {function}"):
            return getattr(self.module, function)(*arguments, **self.file.arguments(function, self._values))

    def _configure(self, function: str) -> Callable[..., Any] | None:
        """Puts the parameters into one of the file's functions that an update calls; what stands for it then."""
        known: Callable[..., Any] | None = getattr(self.module, function, None)
        values = self.file.arguments(function, self._values)
        changed = {name: value for name, value in values.items() if value != self.file.parameters[name]}
        if known is None or not changed:
            return known
        inner = inspect.unwrap(known)
        if changed.keys() <= {name for name, _ in _with_defaults(inner)} | (inner.__kwdefaults__ or {}).keys():
            inner.__defaults__ = tuple(
                values.get(n, d) for n, d in _with_defaults(inner)
            )  # in place: no call costs more
            inner.__kwdefaults__ = {n: values.get(n, d) for n, d in (inner.__kwdefaults__ or {}).items()} or None
            return known
        given = functools.partial(known, **changed)
        setattr(self.module, function, given)
        return given

    def _drawn(self) -> list[Any]:
        """The first batches, until there are enough or they take too much memory."""
        drawn: list[Any] = []
        size = 0
        source = self._called("batches", self.setting.seed + 1)
        check_batches(self.file, source)
        with translated(self.file, "fails in batches"):
            for batch in source:
                drawn.append(batch)
                size += sum(_bytes(leaf) for leaf in pytree.tree_leaves(batch) if isinstance(leaf, Tensor))
                if len(drawn) == DRAWN or size * (len(drawn) + 1) / len(drawn) > DRAWN_BYTES:
                    break
            else:
                self.batches_end = True
        if not drawn:
            raise StepFault(f"{self.file.where('batches')}: batches(seed) yields nothing: yield at least one batch.")
        return drawn

    def _placed(self, batch: Any) -> Any:
        """A batch on the device, and in the dtype once the state is."""
        device, double = self.setting.device, self._double

        def placed(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            return leaf.to(device, torch.float64) if double and leaf.is_floating_point() else leaf.to(device)

        return pytree.tree_map(placed, batch)

    def _warm_up(self) -> Facts:
        """The plain updates before all else; the last one is watched."""
        with translated(self.file, "fails in an update", partial(wrong_loss, self)):
            before = [tensor.detach().clone() for tensor in trained(self)]
            losses = [self.update_once() for _ in range(WARM - 1)]
            watch = Watch(self, self.batches[self.number % len(self.batches)])
            losses.append(self.update_once())
            facts = watch.facts()
        check_learns(self, facts, before, losses)
        for parameter in self.parameters:
            parameter.grad = None
        return facts

    def _to_float64(self) -> None:
        """Holds every floating tensor in float64; objects stay what they are, so that optimizers keep their parameters."""

        for tensor in self.tensors().values():
            if tensor.is_floating_point():
                tensor.data = tensor.data.double()
        self._double = True
        self.batches = [self._placed(batch) for batch in self.batches]

    @contextlib.contextmanager
    def _default_dtype(self) -> Iterator[None]:
        """In float64, tensors that an update makes are float64 too."""
        if self.setting.dtype != "float64":
            yield
            return
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)

    def _put_in(self, recipe: Recipe) -> None:
        """Chooses the way, and runs the patch of each rewrite in the file's namespace on the live objects."""
        if recipe.refusal:
            raise NotApplicable(recipe.refusal)
        if recipe.way:
            if recipe.way not in self.file.ways:
                raise NotApplicable(f"{self.file.name} has no function {WAY}{recipe.way}")
            self.module.update = self._configure(WAY + recipe.way)
            self.patch = f"\n\nupdate = {WAY}{recipe.way}\n"
        own, drawn, arguments = self.module.batches, self.batches, self.file.arguments("batches", self._values)
        streams = recipe.streams
        self._make_batches = partial(own, **arguments)
        self.module.batches = lambda seed, **_: own(seed, **arguments) if streams else iter(drawn)
        if recipe.ranks and not self._alone:
            torch.set_num_threads(1)
        for name in recipe.rewrites:
            rewrite = rewrites()[name]
            if reason := rewrite.refusal(self):
                raise NotApplicable(reason)
            patch = rewrite.alone if self._alone and rewrite.alone else rewrite.patch
            text = patch if isinstance(patch, str) else patch(self)
            self.patch += f"\n\n# {name}: {rewrite.summary}\n{text.strip()}\n"
            self.model, self.optimizer = self.take(text, name)
        made = itertools.islice(self.module.batches(self.setting.seed + 1), len(drawn))
        self.batches = [self._placed(batch) for batch in made]
        # In float64 an arm is judged, not timed; and a thread that draws meanwhile would draw float64 numbers.
        self.streams = streams and not self._double
        self._update, self._schedule = self.module.update, getattr(self.module, "schedule", None)

    def take(self, patch: str, name: str = "patch") -> tuple[Any, Any]:
        """Runs a patch in the file's namespace; returns what it makes of the live model and optimizer."""
        model, optimizer, module = self.model, self.optimizer, self.module
        module.model = lambda **_: model
        module.optimizer = lambda _, **__: optimizer
        self._paste(patch, name)
        model = module.model()
        return model, module.optimizer(model)

    def _paste(self, text: str, name: str) -> None:
        """Runs lines in the file's namespace, and keeps them where tracebacks and compilers look for source."""
        path = f"<{name} {next(_number)}>"
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        exec(compile(text, path, "exec"), vars(self.module))  # noqa: S102 - this project's own lines, in the namespace they are for

    def _keep(self) -> None:
        """Keeps the state of now, for `reset`."""
        self._own = self._own_globals()
        self._state = Snapshot(self.model, self.optimizer, self._own, self.batches if self.facts.writes_batch else ())

    def _own_globals(self) -> dict[str, Any]:
        """What the file keeps at its top level and an update may change; data and functions are left out."""

        def is_state(value: object) -> bool:
            if isinstance(value, Tensor):
                return value._version > 0  # has been written to
            if isinstance(value, np.ndarray):
                return value.nbytes <= DATA_BYTES
            return isinstance(value, nn.Module) or not (callable(value) or isinstance(value, ModuleType))

        names = self._globals - set(FUNCTIONS)
        return {
            name: value
            for name, value in vars(self.module).items()
            if name in names and not name.startswith("__") and is_state(value)
        }


def _with_defaults(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """The positional arguments of a function that have defaults, with these."""
    defaults = function.__defaults__ or ()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return list(zip(names[len(names) - len(defaults) :], defaults, strict=True))


def _bytes(tensor: Tensor) -> int:
    """Memory of a tensor's numbers; of a sparse one, of those that it stores."""
    return tensor._nnz() * tensor.element_size() if tensor.is_sparse else tensor.numel() * tensor.element_size()
