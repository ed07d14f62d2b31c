"""The contract between what is raced and what measures it: problem, oracle, workload, task and implementation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, Protocol, TypeVar, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from impls.contract.schedule import Schedule
from impls.contract.setting import DEVICES, MODES, BatchKind, Setting

if TYPE_CHECKING:
    from torch import Tensor

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
Work = Literal["faithful", "algorithmic", "floor"]
Effort = Literal["quick", "standard", "thorough"]


class UnavailableError(Exception):
    """Something that an implementation needs is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Domain:
    """Where an implementation can be raced. Written with literals, because the catalogue reads it without running the file.

    modes    the modes that it offers, each with the least effort at which it is raced without being named:
             "quick", "standard" or "thorough"
    devices  where it computes: "cpu", "cuda"
    batches  what one of its updates can read: all rows ("full"), some ("mini"), a single one ("single")
    ranks    whether several processes make its updates together: one for each thread of the setting, or for each GPU

    Raises ValueError for an unknown word.
    """

    modes: Mapping[str, str] = field(default_factory=lambda: {"eager": "quick"})
    devices: tuple[str, ...] = ("cpu", "cuda")
    batches: tuple[BatchKind, ...] = ("full", "mini", "single")
    ranks: bool = False

    def __post_init__(self) -> None:
        for name, words, known in (
            ("modes", self.modes, MODES),
            ("efforts", tuple(self.modes.values()), get_args(Effort)),
            ("devices", self.devices, DEVICES),
            ("batches", self.batches, get_args(BatchKind)),
        ):
            if isinstance(words, str):
                raise ValueError(f"{name} must be a list or a tuple; got {words!r}")
            if not words:
                raise ValueError(f"{name} must not be empty")
            if unknown := [word for word in words if word not in known]:
                raise ValueError(f"{name} must be among {', '.join(known)}; got {unknown[0]!r}")

    def excludes(self, setting: Setting) -> str | None:
        """Why nothing can be measured at this setting, in words for the user; None when it can."""
        if setting.device not in self.devices:
            return f"computes on {' and '.join(self.devices)} only"
        if setting.batch_kind not in self.batches:
            words = {"full": "full batches", "mini": "mini-batches", "single": "single samples"}
            return f"takes {' and '.join(words[kind] for kind in self.batches)} only"
        if self.ranks and setting.watch != "none":
            return "is not watched, for several processes make its updates"
        if self.lacks_cores(setting):
            return "several processes make its updates together, and each needs a core: give the race --threads 2"
        return None

    def lacks_cores(self, setting: Setting) -> bool:
        """Whether several processes would make its updates, and there is one core for all of them."""
        return self.ranks and setting.device == "cpu" and setting.threads == 1


@dataclass(frozen=True, eq=False)
class Problem:
    """One workload at one setting, as NumPy arrays. Every arm and the oracle are given the same one.

    data      {"x": (rows, features), "y": (rows,)} for `linear`; {"x": (features,)} for `gradient`. Drawn once,
              rounded to float32, then held in the setting's dtype.
    start     starting weights by name, exact in float32
    lr        learning rate
    loss      "mean" or "sum" of the squared residuals of a batch; "value" where nothing is trained
    schedule  which rows each update reads
    digest    SHA-256 of data and start: arms with equal digests were given the same numbers
    """

    data: Mapping[str, NDArray[Any]]
    start: Mapping[str, NDArray[Any]]
    lr: float
    loss: Literal["mean", "sum", "value"]
    schedule: Schedule
    digest: str


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A loss that is quadratic in all n weights: minimum + d' curvature d, where d = weights - optimum.

    optimum    (n,), in the order of `Problem.start`; the one nearest to the start where there are several
    curvature  (n, n), symmetric, no eigenvalue below 0
    """

    minimum: float
    optimum: NDArray[np.float64]
    curvature: NDArray[np.float64]

    def loss(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The loss of weights of shape (..., n); of shape (...)."""
        away = weights - self.optimum
        return np.asarray(self.minimum + np.einsum("...i,ij,...j->...", away, self.curvature, away))


class Oracle(Protocol):
    """The float64 answer after any number of updates, and how far a correct arm may be from it."""

    def weights(self, updates: int) -> dict[str, NDArray[np.float64]]:
        """The exact answer after `updates` updates from the start, in the shapes of `Problem.start`."""

    def tolerance(self, updates: int) -> dict[str, NDArray[np.float64]]:
        """For each number of the answer, the largest error that rounding in the setting's dtype can explain."""

    def loss(self, weights: Mapping[str, NDArray[np.float64]]) -> float:
        """The loss of weights over all rows, in float64."""


@runtime_checkable
class QuadraticOracle(Oracle, Protocol):
    """The oracle of a job whose loss is a quadratic function of its weights, which loss curves are drawn from."""

    def quadratic(self) -> "Quadratic":
        """The loss as a function of all weights."""


class Workload(Protocol):
    """One training job: data, loss, update rule, hyperparameters, starting weights and oracle."""

    name: str
    summary: str
    reference: str

    def setting(self, **chosen: Any) -> Setting:
        """The workload's default setting with the chosen values. SettingError for one that the workload has not."""

    def problem(self, setting: Setting) -> Problem:
        """The problem at a setting; equal settings give equal numbers, always and on every machine."""

    def oracle(self, problem: Problem, setting: Setting) -> Oracle:
        """The oracle that answers to `problem` are compared with."""


@runtime_checkable
class Watchable(Workload, Protocol):
    """A workload whose training can be watched: it has a prediction and a loss that --watch reads."""

    def predict(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        """The model's output for every row; takes NumPy arrays or tensors."""

    def total_loss(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        """The loss over all rows, which --watch reads; takes NumPy arrays or tensors."""


@dataclass(frozen=True, eq=False)
class Task:
    """What an implementation is given: a problem as tensors on the setting's device and in its dtype.

    `compile` returns a function compiled as the setting's mode says, or unchanged in eager mode. The implementation
    decides what is compiled, the setting whether and how.
    """

    setting: Setting
    data: Mapping[str, "Tensor"]
    start: Mapping[str, "Tensor"]
    lr: float
    loss: Literal["mean", "sum", "value"]
    order: "Tensor | None"
    compile: Callable[[Callable[Parameters, Returned]], Callable[Parameters, Returned]]

    @property
    def step(self) -> float:
        """The factor of an update: weights -= step * sum over the batch of residual * row.

        It is the learning rate times 2, from the derivative of a square, divided by the rows of a batch for a mean.
        """
        return 2 * self.lr / (self.setting.batch_rows if self.loss == "mean" else 1)

    def batches(self, *columns: Any) -> Iterator[tuple[Any, ...]]:
        """Yields the rows of each update in turn, from the first update on, fetched by indexing.

        columns  tensors or NumPy arrays with `rows` entries along their first axis

        An implementation that fetches rows in another way reads `order`, of shape (cycle, batch), itself.
        """
        if self.order is None:
            while True:
                yield columns
        order: Any = self.order.numpy() if isinstance(columns[0], np.ndarray) else self.order
        cycle, number = len(order), 0
        while True:
            rows = order[number]
            yield tuple(column[rows] for column in columns)
            number = (number + 1) % cycle


class Implementation(ABC):
    """One way to carry out a workload: a file with one subclass, and nothing to register.

    __init__ is called once, then reset and advance in any number and order. Only `advance` is timed. An implementation
    does not synchronise with a device for timing, does not print and does not read a clock; the referee computes the
    loss and the distance from the oracle.

    work    "faithful": every update reads every row of its batch and uses the parameters of the update before.
            "algorithmic": the same answer by less work; ranked separately.
            "floor": not training, but a part of it that every faithful arm needs; it has no answer and no rank.
    reads_data
            whether a floor only reads the data, once in each update; reports compare faithful arms with it
    domain  where it can be raced, and from which effort on it is raced without being named
    """

    work: ClassVar[Work] = "faithful"
    reads_data: ClassVar[bool] = False
    domain: ClassVar[Domain] = Domain()

    @abstractmethod
    def __init__(self, task: Task) -> None:
        """Builds everything; timed as "build", not as training."""

    @abstractmethod
    def reset(self) -> None:
        """Goes back to the starting weights and the first batch; not timed."""

    @abstractmethod
    def advance(self, updates: int) -> None:
        """TIMED: carries out the next `updates` updates (>= 1), and nothing else."""

    @abstractmethod
    def weights(self) -> "Mapping[str, Tensor]":
        """The weights: names and shapes of `task.start`, on the setting's device and in its dtype; not timed."""

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        """Why it cannot run at a setting within its domain, in words for the user; None when it can.

        Overridden by an implementation that has more conditions than its domain can say.
        """
        return None

    @classmethod
    def refuses(cls, setting: Setting) -> str | None:
        """Why it cannot run at a setting, outside of its domain or by `supports`; None when it can."""
        return cls.domain.excludes(setting) or cls.supports(setting)

    @classmethod
    def tolerance(cls, setting: Setting) -> float | None:
        """The relative tolerance of an approximate method; None for the workload's tolerance."""
        return None
