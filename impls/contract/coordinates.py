"""The table of a setting's coordinates, which options, plans, titles, sweeps, commands and the audit of fairness read.

A new coordinate is a field of Setting, a line of COORDINATES, and its place in the names of exports: bench/results/identity.py.
No arm imports this file, so that new words for a coordinate leave every arm's fingerprint as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

from impls.contract.setting import KINDS, MODES, SIZES, Setting, SettingError
from impls.contract.values import Kind, Value, checked
from impls.contract.words import counted, grouped


@dataclass(frozen=True, kw_only=True)
class Coordinate:
    """What is known of one field of Setting.

    name        of the field, and of the option that sets it
    help        of the option; a coordinate without it has no option
    several     whether the option takes several values: arms of one race where it is raced, else a race for each
    raced       whether the arms of one race may differ in it; all else must be equal for a ratio to mean anything
    swept       what a sweep counts, one and many of it; None where it cannot be swept
    words       its value in a title: "2 threads"; empty where a title leaves it out
    difference  how two arms that differ in it are described: "computes on cuda"
    amount      its value as a number that can be compared: a full batch is as many rows as there are
    """

    name: str
    help: str = ""
    several: bool = False
    raced: bool = False
    swept: tuple[str, str] | None = None
    words: Callable[[Setting], str] = lambda setting: ""
    difference: str = ""
    amount: Callable[[Setting], Value] | None = None

    @property
    def kind(self) -> Kind:
        """The values it may take."""
        return KINDS[self.name]

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


# In the order in which titles and commands name them.
COORDINATES = (
    Coordinate(
        name="device",
        help="cpu, cuda or cuda,cpu.  [default: all there are]",
        several=True,
        raced=True,
        words=lambda setting: setting.device,
        difference="computes on {}",
    ),
    Coordinate(
        name="mode",
        help=f"{', '.join(MODES)}, or several.  [default: what the effort races]",
        several=True,
        raced=True,
        words=lambda setting: "" if setting.is_step and setting.mode == "eager" else setting.mode,
        difference="is run in the mode {}",
    ),
    Coordinate(
        name="watch",
        help="none, loss, draw, or several: what the loop looks at.",
        several=True,
        raced=True,
        words=lambda setting: "" if setting.watch == "none" else f"{setting.watch} every {setting.every}",
        difference="is watched: {}",
    ),
    Coordinate(
        name="rows",
        help="Rows of data, e.g. 100_000 or 1e5.",
        swept=("row", "rows"),
        words=lambda setting: counted(setting.rows, "row"),
        difference="has {} rows",
    ),
    Coordinate(
        name="features",
        help="Columns of data.",
        swept=("feature", "features"),
        words=lambda setting: counted(setting.features, "feature"),
        difference="has {} features",
    ),
    Coordinate(
        name="dtype",
        help="float32, float64 or both: one race each.",
        several=True,
        words=lambda setting: setting.dtype,
        difference="computes in {}",
    ),
    Coordinate(
        name="batch",
        help="full, or rows an update, e.g. full,256,1: one race each.",
        several=True,
        swept=("row", "rows a batch"),
        words=lambda setting: "full batch" if setting.batch == "full" else f"batches of {setting.batch}",
        difference="reads this many rows in an update: {}",
        amount=lambda setting: setting.batch_rows,
    ),
    Coordinate(
        name="updates",
        help="Length of the job.",
        words=lambda setting: counted(setting.updates, "update"),
        difference="makes {} updates",
    ),
    Coordinate(
        name="threads",
        help="Cores an arm computes on, e.g. 1,2: one race each.",
        several=True,
        words=lambda setting: counted(setting.threads, "thread"),
        difference="may use this many threads: {}",
    ),
    Coordinate(
        name="seed",
        help="Of the data and the batches.",
        difference="has data and a batch order drawn from the seed {}",
    ),
    Coordinate(name="every", help="Updates between two looks.", raced=True),
    Coordinate(name="lr", difference="has the learning rate {}"),
)
DEFAULTS: dict[str, Value] = {
    field.name: field.default
    for field in fields(Setting)
    if isinstance(field.default, Value) and field.name not in SIZES  # 0 is only what a step has
}
BY_NAME = {coordinate.name: coordinate for coordinate in COORDINATES}
RACED = tuple(coordinate.name for coordinate in COORDINATES if coordinate.raced)


def spoken(setting: Setting) -> str:
    """The raced coordinates in words, as a table shows them: "cpu eager", "cuda compile", "cpu eager draw every 80"."""
    if setting.is_step:
        return setting.device  # how it is compiled is part of its recipe
    return " ".join(text for each in COORDINATES if each.raced and (text := each.words(setting)))


def title(setting: Setting) -> str:
    """What the arms of a race share: "100 000 x 1 float32, full batch, 10 000 updates, 1 thread"."""
    if setting.is_step:
        shown = ("dtype", "threads") if setting.device == "cpu" else ("dtype", "threads", "device")
        words = [BY_NAME[name].words(setting) for name in shown]
        return ", ".join([*(f"{name} {value}" for name, value in setting.parameters), *words])
    size = ("rows", "features", "dtype")
    others = (each.words(setting) for each in COORDINATES if not each.raced and each.name not in size)
    return ", ".join([f"{grouped(setting.rows)} x {grouped(setting.features)} {setting.dtype}", *filter(None, others)])


def slug(setting: Setting) -> str:
    """The same as part of a file's name, without the length of the job."""
    if setting.is_step:
        parameters = [f"{name}{value}" for name, value in setting.parameters]
        device = [] if setting.device == "cpu" else [setting.device]
        return "-".join([*parameters, setting.dtype, f"t{setting.threads}", *device])
    batch = "full" if setting.batch == "full" else f"batch{setting.batch}"
    return f"{setting.rows}x{setting.features}-{batch}-{setting.dtype}-t{setting.threads}"
