"""What each module of a step's model costs: time, floating point operations and bytes, forward and backward. Loads torch.

Hooks note which module is being called, in a session of PyTorch's profiler of their own: nothing that is timed meets them. An
operation belongs to the innermost module that it is called from. One of the backward pass belongs to the module whose forward
pass made its node of autograd's graph; PyTorch numbers these nodes in the order in which they are made.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._C._autograd import DeviceType
from torch.autograd.profiler import profile, record_function
from torch.autograd.profiler_util import FunctionEvent
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.messages.probes import ModulesSeen
from bench.results.profile import ModuleCost
from bench.worker.profiler_events import WINDOW, name_of
from bench.worker.torch_profiler import ProfilerSession, Subject, session_of, undisturbed

MOST_UPDATES, SESSION_SECONDS, SESSIONS = 20, 0.25, 3
CALIBRATED = 200  # calls of a module that does nothing
LABEL = "looprace: module "
ENGINE, OPTIMIZER = "autograd::engine::evaluate_function", "Optimizer.step#"

CONTAINED = 0.9  # share of an event's cost that falls on what contains it, as in the attributions

Place = tuple[str, str]  # the path of a module, and the phase; see `ModuleCost`
OUTSIDE: Place = ("", "outside")


def costs_of_modules(subject: Subject, seconds: float) -> ModulesSeen:
    """The costs of an update by module and phase, or why they cannot be known.

    seconds  of an update with nothing attached: what the costs in seconds add up to
    """
    step = subject.arm
    if step.recipe.compiles:
        return ModulesSeen(missing="in compiled code the kernels of several modules are one")
    subject.restart()
    calls = _Calls()
    updates = max(2, min(MOST_UPDATES, int(SESSION_SECONDS / seconds)))
    try:
        bare = _session(subject, updates)
        with calls.noted(step):
            noted = _session(subject, updates)
            mode = _Arithmetic(calls)
            with mode:
                step.advance(1)
    except Exception as error:  # noqa: BLE001 - whatever a user's module says to hooks; the profile goes on without
        return ModulesSeen(missing=f"{type(error).__name__}: {error}"[:300])
    times = _times(bare, noted, calls, seconds)
    places = sorted({*times, *mode.operations, *mode.bytes}, key=lambda place: (-times.get(place, 0.0), place))
    return ModulesSeen(
        modules=tuple(
            ModuleCost(
                module=place[0],
                phase=place[1],
                seconds=times.get(place, 0.0),
                operations=mode.operations[place],
                bytes=mode.bytes[place],
            )
            for place in places
        )
    )


def _session(subject: Subject, updates: int) -> ProfilerSession:
    """The least disturbed of a few sessions."""
    made = [session_of(subject, updates) for _ in range(SESSIONS)]
    session, taken = undisturbed(made, key=lambda one: one[1])
    return ProfilerSession(session, updates, taken / updates)


@dataclass
class _Calls:
    """The calls of modules: those going on, and the numbers of the nodes that each of the others has made."""

    going_on: list[tuple[str, int, Any]] = field(default_factory=list)
    made: list[tuple[int, int, str]] = field(default_factory=list)  # from, up to, by which module; inner calls first
    in_optimizer: int = 0
    _modules: dict[int, str] = field(default_factory=dict)
    _read: int = 0

    @contextlib.contextmanager
    def noted(self, step: Any) -> Iterator[None]:
        """While it is entered, calls of the step's modules and of its optimizers' steps are noted."""
        with contextlib.ExitStack() as stack:
            for path, root in step.modules.items():
                for name, module in root.named_modules(prefix=path):
                    stack.enter_context(self.hooked(module, name or "(the model itself)"))
            for optimizer in step.optimizers.values():
                stack.callback(optimizer.register_step_pre_hook(lambda *_: self._optimize(1)).remove)
                stack.callback(optimizer.register_step_post_hook(lambda *_: self._optimize(-1)).remove)
            yield

    @contextlib.contextmanager
    def hooked(self, module: torch.nn.Module, name: str) -> Iterator[None]:
        """While it is entered, calls of a module are noted under a name."""
        before = module.register_forward_pre_hook(lambda *_: self._begin(name))
        after = module.register_forward_hook(lambda *_: self._end(), always_call=True)
        try:
            yield
        finally:
            before.remove()
            after.remove()

    def _begin(self, name: str) -> None:
        label = record_function(LABEL + name)
        label.__enter__()
        self.going_on.append((name, torch._C._autograd._get_sequence_nr(), label))

    def _end(self) -> None:
        name, first, label = self.going_on.pop()
        label.__exit__(None, None, None)
        self.made.append((first, torch._C._autograd._get_sequence_nr(), name))

    def _optimize(self, more: int) -> None:
        self.in_optimizer += more

    def maker(self, node: int) -> str:
        """The module that made a node; "" for one that no module made."""
        for first, end, name in self.made[self._read :]:
            for number in range(first, end):
                self._modules.setdefault(number, name)
        self._read = len(self.made)
        return self._modules.get(node, "")


class _Arithmetic(TorchDispatchMode):
    """Counts floating point operations, and bytes of what each operation reads and writes, each once, by place."""

    def __init__(self, calls: _Calls) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls = calls
        self.operations: dict[Place, float] = defaultdict(float)
        self.bytes: dict[Place, float] = defaultdict(float)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Does the operation, and counts it."""
        result = func(*args, **(kwargs or {}))
        place = self._place()
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.operations[place] += count(*args, **(kwargs or {}), out_val=result)
        if not (func.is_view or func._overloadpacket.__name__ in ("detach", "_unsafe_view", "empty", "empty_like")):
            touched = (args, kwargs, result)
            self.bytes[place] += sum(one.nbytes for one in pytree.tree_leaves(touched) if _has_bytes(one))
        return result

    def _place(self) -> Place:
        node = torch._C._current_autograd_node()
        if node is not None:
            return self._calls.maker(node._sequence_nr()), "backward"
        if self._calls.going_on:
            return self._calls.going_on[-1][0], "forward"
        return "", "optimizer" if self._calls.in_optimizer else "forward"


def _has_bytes(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided


def _times(bare: ProfilerSession, noted: ProfilerSession, calls: _Calls, seconds: float) -> dict[Place, float]:
    """Seconds by place, less what the profiler and the hooks added. They add up to `seconds`.

    bare   a session without hooks, from which it is known what an event costs; most of it falls on what contains the event
    noted  one with hooks, of as many updates; what these cost is measured on a module that does nothing
    """
    updates = noted.updates
    raw: dict[Place, float] = defaultdict(float)
    an_event = max(0.0, bare.seconds - seconds) / max(1, _number(bare)) * updates
    in_module, around_module = _cost_of_hooks()
    for event in noted.session.function_events:
        if event.device_type != DeviceType.CPU:
            continue
        place, around = _place_of(event, calls), _place_of(event.cpu_parent, calls)
        within, outside = (1 - CONTAINED) * an_event, CONTAINED * an_event
        if name_of(event).startswith(LABEL):
            within, outside = in_module, around_module
        raw[place] += event.self_cpu_time_total / 1e6 - within
        raw[around] -= outside
    left = {place: max(0.0, value / updates) for place, value in raw.items()}
    scale = seconds / (sum(left.values()) or 1.0)
    return {place: value * scale for place, value in left.items()}


def _cost_of_hooks() -> tuple[float, float]:
    """Seconds that hooks and label add to a call of a module: within the label, and around it."""
    nothing = torch.nn.Identity()
    calls = _Calls()

    def self_times() -> tuple[float, float]:
        with profile(use_kineto=True) as session, record_function(WINDOW):
            for _ in range(CALIBRATED):
                nothing(None)
        events = session.function_events
        inside = sum(one.self_cpu_time_total for one in events if name_of(one).startswith(LABEL))
        whole = sum(one.self_cpu_time_total for one in events if name_of(one) == WINDOW)
        return inside / 1e6 / CALIBRATED, whole / 1e6 / CALIBRATED

    bare = min(self_times()[1] for _ in range(SESSIONS))
    with calls.hooked(nothing, "nothing"):
        within, around = zip(*(self_times() for _ in range(SESSIONS)), strict=True)
    return min(within), max(0.0, min(around) - bare)


def _number(session: ProfilerSession) -> int:
    return len(session.session.function_events)


def _place_of(event: FunctionEvent | None, calls: _Calls) -> Place:
    """The innermost label around an event decides; None stands for what is in no event."""
    if event is None or name_of(event) == WINDOW:
        return OUTSIDE
    around: Any = event
    while around is not None:
        name = name_of(around)
        if name.startswith(LABEL):
            return name.removeprefix(LABEL), "forward"
        if name.startswith(ENGINE):
            return calls.maker(around.sequence_nr), "backward"
        if name.startswith(OPTIMIZER):
            return "", "optimizer"
        around = around.cpu_parent
    return "", "forward"
