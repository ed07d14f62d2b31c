"""Decides which arms race which, and for how long, before anything is measured. Apart because a plan is also resumed."""

import itertools
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.results.record import Arm, Plan, Race
from bench.system import environment
from impls.contract import Workload, catalogue
from impls.contract.catalogue import Entry
from impls.contract.setting import Setting, SettingError


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    rounds       (least, most) rounds of each race
    precision    half-width of the ratio's 95 % interval that is good enough to stop
    budget       seconds after which no further round is started
    lap_seconds  seconds of laps in each round
    alone        whether the arms of round 1 start one at a time
    watched      whether the reference is also raced with the tutorial's drawing when no watch is asked for
    """

    rounds: tuple[int, int]
    precision: float
    budget: float
    lap_seconds: float
    alone: bool
    watched: bool


EFFORTS = {
    "quick": Effort((3, 8), 0.015, 48, 3, alone=False, watched=False),
    "standard": Effort((3, 12), 0.01, 320, 10, alone=True, watched=True),
    "thorough": Effort((6, 40), 0.005, 1200, 15, alone=True, watched=True),
}


@dataclass(frozen=True)
class Sweep:
    """A coordinate of the setting, and the values it takes from race to race."""

    name: str
    values: tuple[int, ...]


SWEPT = ("rows", "features", "batch")
SWEEP_JOB = 100  # updates: at the largest sizes the workload's own job would take hours, and growth does not need it


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person asked for; None leaves it to the workload or to the effort. Tuples race or repeat over their values."""

    workload: tuple[str, ...] = ("linear/line",)
    implementation: tuple[str, ...] = ("*",)
    device: tuple[str, ...] | None = None
    mode: tuple[str, ...] | None = None
    batch: tuple[str, ...] = ("full",)
    rows: int | None = None
    features: int | None = None
    updates: int | None = None
    threads: tuple[int, ...] = (1,)
    dtype: tuple[str, ...] = ("float32",)
    seed: int = 0
    watch: tuple[str, ...] | None = None
    every: int = 80
    reference: str | None = None
    effort: str = "standard"
    rounds: int | None = None
    budget: float | None = None
    limit: float = 300.0
    sweep: Sweep | None = None


def make_plan(choice: Choice, *, command: str, run: str = "") -> Plan:
    """Every race that the choice asks for. Raises SettingError or UnknownNameError, with the cure, for what cannot be."""
    if choice.effort not in EFFORTS:
        raise SettingError(f"effort must be one of {', '.join(EFFORTS)}; got {choice.effort!r}.")
    effort = EFFORTS[choice.effort]
    cores = len(os.sched_getaffinity(0))
    if max(choice.threads) > cores:
        raise SettingError(
            f"threads must be at most {cores}, the cores this process may use; got {max(choice.threads)}."
        )
    if choice.rounds is not None and choice.rounds < 1:
        raise SettingError(f"rounds must be at least 1; got {choice.rounds}.")
    races = [
        _race(workload, each, effort, batch, dtype, threads)
        for workload in catalogue.choose_workloads(choice.workload)
        for each in _swept(choice)
        for batch, dtype, threads in itertools.product(each.batch, each.dtype, each.threads)
    ]
    return Plan(
        run=run,
        command=command,
        seed=secrets.randbits(32),
        races=tuple(races),
        rounds=(choice.rounds, choice.rounds) if choice.rounds else effort.rounds,
        precision=effort.precision,
        budget=effort.budget if choice.budget is None else choice.budget,
        limit=choice.limit,
        lap_seconds=effort.lap_seconds,
        alone=effort.alone,
        swept=choice.sweep.name if choice.sweep else "",
    )


def _swept(choice: Choice) -> list[Choice]:
    """The choice at each value of its sweep, with a short job and nothing drawn; the choice itself without one."""
    sweep = choice.sweep
    if sweep is None:
        return [choice]
    if sweep.name not in SWEPT:
        raise SettingError(f"A sweep takes {', '.join(SWEPT)}; got {sweep.name!r}.")
    fixed = choice.batch != Choice.batch if sweep.name == "batch" else getattr(choice, sweep.name) is not None
    if fixed:
        raise SettingError(f"{sweep.name} cannot be both swept and fixed: leave out --{sweep.name}.")
    common = replace(choice, updates=choice.updates or SWEEP_JOB, watch=choice.watch or ("none",))
    if sweep.name == "batch":
        return [replace(common, batch=(str(value),)) for value in sweep.values]
    if sweep.name == "rows":
        return [replace(common, rows=value) for value in sweep.values]
    return [replace(common, features=value) for value in sweep.values]


def _race(workload: Workload, choice: Choice, effort: Effort, batch: str, dtype: str, threads: int) -> Race:
    devices = choice.device or (("cuda", "cpu") if environment.gpus() else ("cpu",))
    watches = choice.watch or ("none",)
    shared: dict[str, Any] = {
        "batch": _batch(batch),
        "dtype": dtype,
        "threads": threads,
        "seed": choice.seed,
        "every": choice.every,
    } | {n: v for n in ("rows", "features", "updates") if (v := getattr(choice, n)) is not None}

    def setting(device: str, mode: str, watch: str) -> Setting:
        return workload.setting(**shared, device=device, mode=mode, watch=watch)

    family = catalogue.family_of(workload.name)
    chosen = catalogue.choose_implementations(choice.implementation, family)
    floors = [entry for entry in catalogue.choose_implementations(["*"], family) if entry.work == "floor"]
    named = chosen if choice.implementation != Choice.implementation else []
    reference_name = choice.reference or workload.reference
    found = catalogue.choose_implementations([reference_name], family)
    reference = found[0].name if found else workload.reference
    first = setting(_present(devices), (choice.mode or ("eager",))[0], watches[0])
    contestants = [
        (entry.name, setting(device, mode, watch))
        for entry in [*chosen, *(floor for floor in floors if floor not in chosen)]
        for device in _devices(entry, choice, devices, named=entry in named)
        for mode in _modes(entry, choice, named=entry in named)
        for watch in (watches if entry.work != "floor" else ("none",))
        if entry in named or first.batch_kind in entry.domain.batches
    ]
    contestants = [each for each in contestants if each != (reference, first)]
    if choice.watch is None and effort.watched and workload.watchable and reference in {e.name for e in chosen}:
        contestants.append((reference, setting(first.device, first.mode, "draw")))
    return Race(
        workload=workload.name,
        arms=(
            Arm(workload=workload.name, implementation=reference, setting=first, role="reference"),
            Arm(workload=workload.name, implementation=reference, setting=first, role="twin"),
            *(Arm(workload=workload.name, implementation=name, setting=each) for name, each in contestants),
        ),
    )


# What a person named is raced wherever it was asked for, and its row says so where it cannot be. What nobody named is
# raced where its domain says, and on a missing device only when it has no other.


def _devices(entry: Entry, choice: Choice, devices: Sequence[str], *, named: bool) -> Sequence[str]:
    if named and choice.device:
        return devices
    able = [device for device in devices if device in entry.domain.devices]
    return able or (entry.domain.devices if choice.device is None else ())


def _modes(entry: Entry, choice: Choice, *, named: bool) -> Sequence[str]:
    if choice.mode and entry.work != "floor":
        return [mode for mode in choice.mode if named or mode in entry.domain.modes]
    least = {mode: list(EFFORTS).index(effort) for mode, effort in entry.domain.modes.items()}
    allowed = max(list(EFFORTS).index(choice.effort), min(least.values()) if named else 0)
    return [mode for mode, effort in least.items() if effort <= allowed]


def _batch(text: str) -> Any:
    """ "full" as it is, a number as a number; what is neither is refused by Setting, which names the domain."""
    return int(text) if text.lstrip("-").isdigit() else text


def _present(devices: Sequence[str]) -> str:
    """The first device that is there: ratios need a reference that runs."""
    return next((device for device in devices if device != "cuda" or environment.gpus()), devices[0])
