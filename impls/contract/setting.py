"""The setting that an arm is raced at: its coordinates, their domains and their defaults."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_type_hints

from impls.contract.values import Count, Kind, OneOf, ParameterValue, Positive, checked
from impls.contract.values import SettingError as SettingError

DEVICES = ("cpu", "cuda")
MODES = ("eager", "compile", "cpp-wrapper", "reduce-overhead", "max-autotune", "aot")
DTYPES = ("float32", "float64")
ITEM_BYTES = {"float32": 4, "float64": 8}
WATCHES = ("none", "loss", "draw")
SIZES = ("rows", "features", "lr")  # what the exact workloads have and a step has not

Batch = int | Literal["full"]
BatchKind = Literal["full", "mini", "single"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Everything that can be varied without changing a line of an implementation.

    device   "cpu" or "cuda"
    mode     "eager", or how what the implementation offers is compiled: "compile" by torch.compile with its defaults,
             "cpp-wrapper" with its calls in C++ too, "reduce-overhead" and "max-autotune" with the modes of these
             names, "aot" ahead of time by AOTInductor
    batch    rows read by one update: "full", or 1 ... rows
    dtype    "float32" or "float64"
    threads  cores an arm may compute on, >= 1
    rows     rows of data, >= 1; 0 for a step, which has parameters instead
    features columns of data, >= 1; 0 for a step
    updates  length of the job in parameter updates, >= 1
    lr       learning rate, > 0; 0 for a step
    seed     of the data and of the batch schedule, 0 ... 2**64 - 1
    watch    what is looked at every `every` updates: "none", "loss" (read it), "draw" (the tutorial's picture)
    every    updates between two looks, >= 1
    parameters
             of a step: every parameter with its value, sorted by name; () for an exact workload

    Raises SettingError when a value lies outside its domain.
    """

    device: Annotated[str, OneOf(DEVICES)] = "cpu"
    mode: Annotated[str, OneOf(MODES)] = "eager"
    batch: Annotated[Batch, Count(words=("full",))] = "full"
    dtype: Annotated[str, OneOf(DTYPES)] = "float32"
    threads: Annotated[int, Count()] = 1
    rows: Annotated[int, Count()] = 0
    features: Annotated[int, Count()] = 0
    updates: Annotated[int, Count()]
    lr: Annotated[float, Positive()] = 0.0
    seed: Annotated[int, Count(least=0)] = 0
    watch: Annotated[str, OneOf(WATCHES)] = "none"
    every: Annotated[int, Count()] = 80
    parameters: tuple[tuple[str, ParameterValue], ...] = ()

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            if not (self.is_step and name in SIZES):
                checked(name, kind, getattr(self, name))
        if self.is_step:
            return
        if self.batch != "full" and self.batch > self.rows:
            raise SettingError(f"batch must be full or at most rows ({self.rows}); got {self.batch}.")

    @property
    def is_step(self) -> bool:
        """Whether it is the setting of a step: it has none of SIZES, and what varies is in its parameters."""
        return not (self.rows or self.features or self.lr)

    @property
    def named(self) -> dict[str, ParameterValue]:
        """The parameters by name."""
        return dict(self.parameters)

    @property
    def batch_kind(self) -> BatchKind:
        """Whether an update reads all rows, some, or a single one."""
        return "full" if self.batch == "full" else "single" if self.batch == 1 else "mini"

    @property
    def batch_rows(self) -> int:
        """The number of rows that one update reads."""
        return self.rows if self.batch == "full" else self.batch

    @property
    def item_bytes(self) -> int:
        """Bytes of one number of its dtype."""
        return ITEM_BYTES[self.dtype]


KINDS: dict[str, Kind] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Setting, include_extras=True).items()
    if hasattr(hint, "__metadata__")
}
