"""The coordinates of one run. Apart from the rest because plans, records and reports need it without any framework."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

DEVICES = ("cpu", "cuda")
MODES = ("eager", "compile", "cpp-wrapper", "reduce-overhead", "max-autotune", "aot")
DTYPES = ("float32", "float64")
ITEM_BYTES = {"float32": 4, "float64": 8}
WATCHES = ("none", "loss", "draw")

Batch = int | Literal["full"]
Kind = Literal["full", "mini", "single"]


class SettingError(ValueError):
    """A setting lies outside its domain; the message names the setting, the value and the domain."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Everything that can be varied without changing a line of an implementation.

    device   "cpu" or "cuda"
    mode     "eager", or how what the implementation offers is compiled: "compile" by torch.compile as it comes,
             "cpp-wrapper" with its calls in C++ too, "reduce-overhead" and "max-autotune" with the modes of these
             names, "aot" ahead of time by AOTInductor
    batch    rows read by one update: "full", or 1 ... rows
    dtype    "float32" or "float64"
    threads  cores an arm may compute on, >= 1
    rows     rows of data, >= 1
    features columns of data, >= 1
    updates  length of the job in parameter updates, >= 1
    lr       learning rate, > 0
    seed     of the data and of the batch schedule, >= 0
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
        for name, known in (("device", DEVICES), ("mode", MODES), ("dtype", DTYPES), ("watch", WATCHES)):
            value = getattr(self, name)
            if value not in known:
                raise SettingError(f"{name} must be one of {', '.join(known)}; got {value!r}.")
        for name in ("threads", "rows", "features", "updates", "every"):
            _whole(name, getattr(self, name), at_least=1)
        _whole("seed", self.seed, at_least=0)
        if not isinstance(self.lr, int | float) or not 0 < self.lr < float("inf"):
            raise SettingError(f"lr must be a positive number; got {self.lr!r}.")
        if self.batch != "full":
            _whole("batch", self.batch, at_least=1, or_else="full or ")
            if self.batch > self.rows:
                raise SettingError(f"batch must be full or at most rows ({self.rows}); got {self.batch}.")

    @property
    def batch_kind(self) -> Kind:
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


def _whole(name: str, value: object, *, at_least: int, or_else: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise SettingError(f"{name} must be {or_else}a whole number of at least {at_least}; got {value!r}.")


# What may differ between two arms that race each other; everything else must be equal for a ratio to mean anything.
RACED = ("device", "mode", "watch", "every")

# What a table needs to say about an arm beyond its implementation, in the order it is said.
_SPOKEN: tuple[tuple[str, Callable[[Setting], str]], ...] = (
    ("device", lambda setting: setting.device),
    ("mode", lambda setting: setting.mode),
    ("watch", lambda setting: "" if setting.watch == "none" else f"{setting.watch} every {setting.every}"),
)


def spoken(setting: Setting) -> str:
    """The raced coordinates in words, as a table shows them: "cpu eager", "cuda compile", "cpu eager draw every 80"."""
    return " ".join(text for _, say in _SPOKEN if (text := say(setting)))
