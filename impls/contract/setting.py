"""The setting that an arm is raced at, and the table of its coordinates, which everything else reads.

A new coordinate is a field of Setting and a line of COORDINATES: options, plans, titles, sweeps, exports, the commands
in reports and the audit of fairness follow.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from impls.contract.values import Count, Kind, OneOf, Positive, Value, checked
from impls.contract.values import SettingError as SettingError

DEVICES = ("cpu", "cuda")
MODES = ("eager", "compile", "cpp-wrapper", "reduce-overhead", "max-autotune", "aot")
DTYPES = ("float32", "float64")
ITEM_BYTES = {"float32": 4, "float64": 8}
WATCHES = ("none", "loss", "draw")

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
    rows     rows of data, >= 1
    features columns of data, >= 1
    updates  length of the job in parameter updates, >= 1
    lr       learning rate, > 0
    seed     of the data and of the batch schedule, 0 ... 2**64 - 1
    watch    what is looked at every `every` updates: "none", "loss" (read it), "draw" (the tutorial's picture)
    every    updates between two looks, >= 1

    Raises SettingError when a value lies outside its domain.
    """

    device: str = "cpu"
    mode: str = "eager"
    batch: Batch = "full"
    dtype: str = "float32"
    threads: int = 1
    rows: int
    features: int
    updates: int
    lr: float
    seed: int = 0
    watch: str = "none"
    every: int = 80

    def __post_init__(self) -> None:
        for coordinate in COORDINATES:
            coordinate.check(getattr(self, coordinate.name))
        if self.batch != "full" and self.batch > self.rows:
            raise SettingError(f"batch must be full or at most rows ({self.rows}); got {self.batch}.")

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


@dataclass(frozen=True, kw_only=True)
class Coordinate:
    """What is known of one field of Setting.

    name        of the field, and of the option that sets it
    kind        the values it may take
    help        of the option; a coordinate without it has no option
    several     whether the option takes several values: arms of one race where it is raced, else a race for each
    raced       whether the arms of one race may differ in it; all else must be equal for a ratio to mean anything
    swept       what a sweep counts, one and many of it; None where it cannot be swept
    words       its value in a title: "2 threads"; empty where a title leaves it out
    difference  how two arms that differ in it are described: "computes on cuda"
    amount      its value as a number that can be compared: a full batch is as many rows as there are
    """

    name: str
    kind: Kind
    help: str = ""
    several: bool = False
    raced: bool = False
    swept: tuple[str, str] | None = None
    words: Callable[[Setting], str] = lambda setting: ""
    difference: str = ""
    amount: Callable[[Setting], Value] | None = None

    @property
    def default(self) -> Value | None:
        """The value that Setting has where nobody says; None where that is the workload's."""
        return DEFAULTS.get(self.name)

    def of(self, setting: Setting) -> Value:
        """Its value, or the amount that stands for it."""
        value: Value = self.amount(setting) if self.amount else getattr(setting, self.name)
        return value

    def check(self, value: object) -> None:
        """Raises SettingError for a value outside its domain."""
        checked(self.name, self.kind, value)

    def read(self, text: str) -> tuple[Value, ...]:
        """The values that a person wrote, each once, in their order. Raises SettingError for one outside its domain."""
        parts = text.split(",") if self.several else [text]
        return tuple(dict.fromkeys(self._read(part.strip()) for part in parts if part.strip()))

    def _read(self, text: str) -> Value:
        try:
            value = self.kind.read(text)
        except ValueError:
            raise SettingError(f"{self.name} must be {self.kind.meaning}; got {text!r}.") from None
        self.check(value)
        return value


def counted(number: int, noun: str) -> str:
    """A number in groups of three and what it counts: "1 row", "100 000 rows"."""
    return f"{number:,}".replace(",", " ") + f" {noun}" + ("" if number == 1 else "s")


# In the order in which titles and commands name them.
COORDINATES = (
    Coordinate(
        name="device",
        kind=OneOf(DEVICES),
        help="cpu, cuda or cuda,cpu.  [default: all there are]",
        several=True,
        raced=True,
        words=lambda setting: setting.device,
        difference="computes on {}",
    ),
    Coordinate(
        name="mode",
        kind=OneOf(MODES),
        help=f"{', '.join(MODES)}, or several.  [default: what the effort races]",
        several=True,
        raced=True,
        words=lambda setting: setting.mode,
        difference="is run in the mode {}",
    ),
    Coordinate(
        name="watch",
        kind=OneOf(WATCHES),
        help="none, loss, draw, or several: what the loop looks at.",
        several=True,
        raced=True,
        words=lambda setting: "" if setting.watch == "none" else f"{setting.watch} every {setting.every}",
        difference="is watched: {}",
    ),
    Coordinate(
        name="rows",
        kind=Count(),
        help="Rows of data, e.g. 100_000 or 1e5.",
        swept=("row", "rows"),
        words=lambda setting: counted(setting.rows, "row"),
        difference="has {} rows",
    ),
    Coordinate(
        name="features",
        kind=Count(),
        help="Columns of data.",
        swept=("feature", "features"),
        words=lambda setting: counted(setting.features, "feature"),
        difference="has {} features",
    ),
    Coordinate(
        name="dtype",
        kind=OneOf(DTYPES),
        help="float32, float64 or both: one race each.",
        several=True,
        words=lambda setting: setting.dtype,
        difference="computes in {}",
    ),
    Coordinate(
        name="batch",
        kind=Count(words=("full",)),
        help="full, or rows an update, e.g. full,256,1: one race each.",
        several=True,
        swept=("row", "rows a batch"),
        words=lambda setting: "full batch" if setting.batch == "full" else f"batches of {setting.batch}",
        difference="reads this many rows in an update: {}",
        amount=lambda setting: setting.batch_rows,
    ),
    Coordinate(
        name="updates",
        kind=Count(),
        help="Length of the job.",
        words=lambda setting: counted(setting.updates, "update"),
        difference="makes {} updates",
    ),
    Coordinate(
        name="threads",
        kind=Count(),
        help="Cores an arm computes on, e.g. 1,2: one race each.",
        several=True,
        words=lambda setting: counted(setting.threads, "thread"),
        difference="may use this many threads: {}",
    ),
    Coordinate(
        name="seed",
        kind=Count(least=0),
        help="Of the data and the batches.",
        difference="has data and a batch order drawn from the seed {}",
    ),
    Coordinate(name="every", kind=Count(), help="Updates between two looks.", raced=True),
    Coordinate(name="lr", kind=Positive(), difference="has the learning rate {}"),
)
DEFAULTS: dict[str, Value] = {
    field.name: field.default for field in fields(Setting) if isinstance(field.default, Value)
}
BY_NAME = {coordinate.name: coordinate for coordinate in COORDINATES}
RACED = tuple(coordinate.name for coordinate in COORDINATES if coordinate.raced)


def spoken(setting: Setting) -> str:
    """The raced coordinates in words, as a table shows them: "cpu eager", "cuda compile", "cpu eager draw every 80"."""
    return " ".join(text for each in COORDINATES if each.raced and (text := each.words(setting)))


def title(setting: Setting) -> str:
    """What the arms of a race share: "100 000 x 1 float32, full batch, 10 000 updates, 1 thread"."""
    rows, features = (f"{number:,}".replace(",", " ") for number in (setting.rows, setting.features))
    size = ("rows", "features", "dtype")
    others = (each.words(setting) for each in COORDINATES if not each.raced and each.name not in size)
    return ", ".join([f"{rows} x {features} {setting.dtype}", *filter(None, others)])


def slug(setting: Setting) -> str:
    """The same as part of a file's name, without the length of the job."""
    batch = "full" if setting.batch == "full" else f"batch{setting.batch}"
    return f"{setting.rows}x{setting.features}-{batch}-{setting.dtype}-t{setting.threads}"
