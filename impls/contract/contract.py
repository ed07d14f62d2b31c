"""What an implementation promises and what it is given. Apart because workloads, arms and harness all stand on it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, Protocol, TypeVar, get_args

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
    """Something that an implementation needs is not installed here; the message says how to get it."""


@dataclass(frozen=True)
class Domain:
    """Where an implementation can be raced. Written as literals: the catalogue reads it without running the file.

    modes    the modes it offers, each with the least effort at which it is raced without being asked for:
             "quick", "standard" or "thorough"
    devices  where it computes
    batches  what one update of it can read: all rows, some, a single one

    Raises ValueError for a word that there is not.
    """

    modes: Mapping[str, str] = field(default_factory=lambda: {"eager": "quick"})
    devices: tuple[str, ...] = ("cpu", "cuda")
    batches: tuple[BatchKind, ...] = ("full", "mini", "single")

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
        """None, or why nothing can be measured at this setting, in words for the user."""
        if setting.device not in self.devices:
            return f"computes on {' and '.join(self.devices)} only"
        if setting.batch_kind not in self.batches:
            words = {"full": "full batches", "mini": "mini-batches", "single": "single samples"}
            return f"takes {' and '.join(words[kind] for kind in self.batches)} only"
        return None


@dataclass(frozen=True, eq=False)
class Problem:
    """One workload at one setting, as NumPy arrays: what every arm and the oracle are given.

    data      {"x": (rows, features), "y": (rows,)} for `linear`; {"x": (features,)} for `gradient`. Drawn once,
              rounded to float32, then held in the setting's dtype.
    start     starting weights by name, exact in float32
    lr        learning rate
    loss      "mean" or "sum" of the squared residuals of a batch; "value" where nothing is trained
    schedule  which rows each update reads
    digest    SHA-256 of data and start: two arms with the same digest were given the same numbers
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
        """The largest distance that rounding in the setting's dtype can explain, for each number of the answer."""

    def loss(self, weights: Mapping[str, NDArray[np.float64]]) -> float:
        """The loss of any weights over all rows, in float64."""

    def bowl(self) -> "Quadratic | None":
        """The loss as a function of all weights; None where nothing is trained."""


class Workload(Protocol):
    """Data, loss, update rule, hyper-parameters, starting weights and oracle of one training job."""

    name: str
    summary: str
    reference: str
    watchable: bool

    def setting(self, **chosen: Any) -> Setting:
        """The workload's own setting with the chosen values in place; SettingError when the workload has no such."""

    def problem(self, setting: Setting) -> Problem:
        """The same numbers for the same setting, every time and everywhere."""

    def oracle(self, problem: Problem, setting: Setting) -> Oracle:
        """What judges the answers to `problem`."""

    def predict(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        """The model's answer for every row, from NumPy arrays or from tensors alike."""

    def total_loss(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        """The loss over all rows, from NumPy arrays or from tensors alike; what a watcher reads."""


@dataclass(frozen=True, eq=False)
class Task:
    """A problem with its tensors already on the setting's device and in its dtype: what an implementation is given.

    `compile` returns its function as the setting wants it: itself, or compiled. The implementation says what is
    compiled, the harness says whether.
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
        """The factor by which the sum of a batch's row gradients, residual times row, is subtracted in an update.

        The learning rate times 2, for the loss is of squares; over the rows of a batch where it is their mean.
        """
        return 2 * self.lr / (self.setting.batch_rows if self.loss == "mean" else 1)

    def batches(self, *columns: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of each update in turn, from the first update on, fetched the plain way: by indexing.

        columns  tensors or NumPy arrays with `rows` entries along their first axis

        An implementation that fetches its rows in another way reads `order` (cycle, batch) itself.
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
    """One way of carrying a workload out: one file, one subclass, nothing to register.

    The harness calls __init__ once, then reset and advance in any number and order. Only `advance` is timed. An
    implementation never synchronises for the clock's sake, never prints and never reads a clock; loss and distance
    from the oracle are the referee's.

    work    "faithful": every update reads every row of its batch and uses the parameters of the update before.
            "algorithmic": the same answer by less work; ranked apart.
            "floor": no training at all, but a part of it that no faithful arm can do without; never judged or ranked.
    reads_data
            whether a floor does nothing but read the data, once an update: reports compare faithful arms with it
    domain  where it can be raced, and from which effort on it is raced without being asked for
    """

    work: ClassVar[Work] = "faithful"
    reads_data: ClassVar[bool] = False
    domain: ClassVar[Domain] = Domain()

    @abstractmethod
    def __init__(self, task: Task) -> None:
        """Build everything; not part of training, clocked as "build"."""

    @abstractmethod
    def reset(self) -> None:
        """Go back to the starting weights and the first batch; untimed."""

    @abstractmethod
    def advance(self, updates: int) -> None:
        """TIMED: carry out the next `updates` updates (>= 1) and nothing else."""

    @abstractmethod
    def weights(self) -> "Mapping[str, Tensor]":
        """The answer where it lies: names and shapes of `task.start`, on the setting's device, in its dtype; untimed."""

    @classmethod
    def supports(cls, setting: Setting) -> str | None:
        """None when it can run at `setting`, else the reason why not, shown to the user as it is.

        Only asked about settings inside the domain.
        """
        return None

    @classmethod
    def refuses(cls, setting: Setting) -> str | None:
        """None when it can run at `setting`, else the reason why not: outside its domain, or what `supports` says."""
        return cls.domain.excludes(setting) or cls.supports(setting)

    @classmethod
    def tolerance(cls, setting: Setting) -> float | None:
        """A relative tolerance of its own for a method that is approximate by nature; None: the workload's."""
        return None
