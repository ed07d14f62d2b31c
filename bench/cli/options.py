"""What a person can type after `run`, and how it becomes values. Apart from the door because declaring is not doing."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impls.contract.setting import DEVICES, MODES, SettingError

if TYPE_CHECKING:
    from bench.runner.plan import Choice

Workload = Annotated[list[str] | None, typer.Option(help="Shell pattern; repeatable.  [default: linear/line]")]
Implementation = Annotated[list[str] | None, typer.Option(help="Shell pattern, e.g. 'linear/*'; repeatable.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or cuda,cpu.  [default: all there are]")]
Mode = Annotated[
    str | None, typer.Option(help="eager, compile, cpp-wrapper, reduce-overhead, max-autotune, aot, or several.")
]
Batch = Annotated[str, typer.Option(help="full, or rows an update, e.g. full,256,1: one race each.")]
Rows = Annotated[int | None, typer.Option(help="Rows of data.")]
Features = Annotated[int | None, typer.Option(help="Columns of data.")]
Updates = Annotated[int | None, typer.Option(help="Length of the job.  [default: the workload's own]")]
Threads = Annotated[str, typer.Option(help="Cores an arm computes on, e.g. 1,2: one race each.")]
Dtype = Annotated[str, typer.Option(help="float32, float64 or both: one race each.")]
Seed = Annotated[int, typer.Option(help="Of the data and the batches.")]
Watch = Annotated[str | None, typer.Option(help="none, loss, draw, or several: what the loop looks at.")]
Every = Annotated[int, typer.Option(help="Updates between two looks.")]
Reference = Annotated[str | None, typer.Option(help="Implementation that ratios are taken to.")]
Rounds = Annotated[int | None, typer.Option(help="Exactly so many rounds, whatever the effort says.")]
Effort = Annotated[
    str | None,
    typer.Option(help="quick (1 minute), standard (6) or thorough (20).  [default: standard; sweeps: quick]"),
]
Sweep = Annotated[
    str | None, typer.Option(help="Grow a size from race to race: rows=1e2:1e7, features=1:1024, batch=...")
]
Budget = Annotated[str | None, typer.Option(help="Time for the whole run instead, e.g. 90s or 5m.")]
Limit = Annotated[float, typer.Option(help="Seconds that any one step of an arm may take.")]
Results = Annotated[Path, typer.Option(help="Folder that holds the runs.")]
Profile = Annotated[
    bool, typer.Option("--profile", help="Then find out where each arm's time goes, in passes of their own.")
]
Native = Annotated[
    bool, typer.Option("--native", help="Let py-spy see C and C++ frames too; it stops the arm for each look.")
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Implementations, as shell patterns.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else there.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder to draw into.  [default: the run's own; of a history --results]")
]
Against = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Compare with this earlier run: its folder or name.", show_default=False),
]
History = Annotated[
    bool, typer.Option("--history", help="All runs of --results: how each arm's time went, and when it changed.")
]
Archive = Annotated[
    Path | None,
    typer.Option(metavar="FILE.tar.gz", help="Also write the run's records as one file to send.", show_default=False),
]
Resume = Annotated[str | None, typer.Option(help="Complete this run instead of starting one: its name or `latest`.")]


def choice(effort: str, typed: Mapping[str, Any]) -> "Choice":
    """What was typed, as a choice; what was not is left to the workload or to the effort. Raises SettingError.

    typed  by name of the parameter; those that are no part of a choice are passed over
    """
    from bench.runner.plan import Choice, Sweep

    given = {name: value for name, value in typed.items() if value is not None and value != []}
    read: dict[str, Callable[[Any], Any]] = {
        **dict.fromkeys(("workload",), tuple),
        **dict.fromkeys(("device", "mode", "batch", "dtype", "watch"), several),
        "threads": lambda text: whole_numbers("--threads", text),
        "sweep": lambda text: Sweep(*sweep(text)) if text else None,
        "budget": lambda text: duration("--budget", text) if text else None,
    }
    found = {
        field.name: read.get(field.name, lambda value: value)(given[field.name])
        for field in fields(Choice)
        if field.name in given
    }
    values = {name: value for name, value in found.items() if value not in (None, ())}
    if named := (*given.get("names", ()), *given.get("implementation", ())):
        values["implementation"] = named
    return Choice(**values | {"effort": effort})


def several(text: str | None) -> tuple[str, ...] | None:
    """The parts of a list typed with commas; None when nothing was typed."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """ "1,2" as (1, 2). Raises SettingError for anything but whole numbers of at least 1."""
    parts = several(text) or ()
    if not parts or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise SettingError(f"{option} takes whole numbers of at least 1, e.g. 1,2; got {text!r}.")
    return tuple(int(part) for part in parts)


def sweep(text: str) -> tuple[str, tuple[int, ...]]:
    """ "rows=1e2:1e7" as ("rows", (100, 316, ... 10 000 000)): evenly spaced by ratio, two values a decade.

    A third number is how many values: "rows=1e2:1e7:6". Raises SettingError for what cannot be read so.
    """
    name, _, span = text.partition("=")
    try:
        first, last, *more = (float(part) for part in span.split(":"))
        count = int(more[0]) if more else 1 + max(1, round(2 * math.log10(last / first)))
        if not (1 <= first < last and 2 <= count <= 100 and len(more) <= 1):
            raise ValueError
    except (ValueError, ZeroDivisionError, OverflowError):
        raise SettingError(
            f"--sweep takes a size and its range, for example rows=1e2:1e7 or features=1:1024:6; got {text!r}."
        ) from None
    values = (round(first * (last / first) ** (step / (count - 1))) for step in range(count))
    return name.strip(), tuple(dict.fromkeys(values))


def duration(option: str, text: str) -> float:
    """ "90s", "5m" or "1h" in seconds. Raises SettingError for anything but a positive time."""
    scale = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    try:
        seconds = float(text[:-1] if scale else text) * (scale or 1.0)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise SettingError(f"{option} takes a time such as 90s, 5m or 1h; got {text!r}.")
    return seconds


def known_place(mode: str, device: str) -> None:
    """Raises SettingError for a mode or a device that there is not."""
    known("--mode", (mode,), MODES)
    known("--device", (device,), DEVICES)


def known_report(run: str, against: str | None, out: Path | None, archive: Path | None, *, history: bool) -> None:
    """Raises SettingError for a history of a single run, and for archives that cannot be written or drawn into."""
    from bench.results.archive import SUFFIX, is_archive

    if history and (against or archive or run != "latest"):
        raise SettingError("--history is about all runs of --results: leave out RUN, --against and --archive.")
    if archive and not archive.name.endswith(SUFFIX):
        raise SettingError(f"--archive takes a file whose name ends in {SUFFIX}; got {str(archive)!r}.")
    if is_archive(run) and not out:
        raise SettingError("A report of an archive needs a folder to be drawn into: add --out FOLDER.")


def known(option: str, given: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Raises SettingError when something was typed that is not one of the names."""
    for value in given:
        if value not in names:
            raise SettingError(f"{option} takes {', '.join(names)}; got {value!r}.")
