"""Decides which arms race which, and for how long, before anything is measured. Apart because a plan is also resumed."""

import itertools
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench import environment
from bench.record import Arm, Plan, Race
from impls import catalogue
from impls.contract import Workload
from impls.setting import Setting, SettingError


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    rounds       (least, most) rounds of each race
    precision    half-width of the ratio's 95 % interval that is good enough to stop
    budget       seconds after which no further round is started
    lap_seconds  seconds of laps in each round
    modes        modes raced when none are asked for
    alone        whether the arms of round 1 start one at a time
    watched      whether the reference is also raced with the tutorial's drawing when no watch is asked for
    """

    rounds: tuple[int, int]
    precision: float
    budget: float
    lap_seconds: float
    modes: tuple[str, ...]
    alone: bool
    watched: bool


EFFORTS = {
    "quick": Effort((3, 8), 0.015, 48, 3, ("eager",), alone=False, watched=False),
    "standard": Effort((3, 12), 0.01, 320, 10, ("eager", "compile"), alone=True, watched=True),
    "thorough": Effort((6, 40), 0.005, 1200, 15, ("eager", "compile"), alone=True, watched=True),
}


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
        _race(workload, choice, effort, batch, dtype, threads)
        for workload in catalogue.choose_workloads(choice.workload)
        for batch, dtype, threads in itertools.product(choice.batch, choice.dtype, choice.threads)
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
    )


def _race(workload: Workload, choice: Choice, effort: Effort, batch: str, dtype: str, threads: int) -> Race:
    devices = choice.device or (("cuda", "cpu") if environment.gpus() else ("cpu",))
    modes = choice.mode or effort.modes
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
    names = [entry.name for entry in catalogue.choose_implementations(choice.implementation, family)]
    named = choice.reference or workload.reference
    reference = next((entry.name for entry in catalogue.choose_implementations([named], family)), workload.reference)
    first = setting(_present(devices), modes[0], watches[0])
    settings = [setting(*coordinates) for coordinates in itertools.product(devices, modes, watches)]
    contestants = [(name, each) for name in names for each in settings if (name, each) != (reference, first)]
    if choice.watch is None and effort.watched and workload.watchable and reference in names:
        contestants.append((reference, setting(first.device, first.mode, "draw")))
    return Race(
        workload=workload.name,
        arms=(
            Arm(workload=workload.name, implementation=reference, setting=first, role="reference"),
            Arm(workload=workload.name, implementation=reference, setting=first, role="twin"),
            *(Arm(workload=workload.name, implementation=name, setting=each) for name, each in contestants),
        ),
    )


def _batch(text: str) -> Any:
    """ "full" as it is, a number as a number; what is neither is refused by Setting, which names the domain."""
    return int(text) if text.lstrip("-").isdigit() else text


def _present(devices: Sequence[str]) -> str:
    """The first device that is there: ratios need a reference that runs."""
    return next((device for device in devices if device != "cuda" or environment.gpus()), devices[0])
