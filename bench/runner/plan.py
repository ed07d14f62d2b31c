"""Plans a run before anything is measured: which arms race each other, at which settings, and for how long."""

import itertools
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from bench.results.record import Arm, Plan, Race
from bench.runner import step_plan
from bench.runner.step_plan import StepChoice
from bench.system import gpu_presence
from impls.contract import Watchable, Workload, catalogue
from impls.contract.catalogue import Entry
from impls.contract.coordinates import BY_NAME, COORDINATES
from impls.contract.setting import Setting, SettingError
from impls.contract.values import Value


@dataclass(frozen=True)
class Effort:
    """How much time and how many arms a run spends.

    rounds       (least, most) rounds of each race
    settled      rounds before which no width of an interval ends anything
    precision    half-width of the ratio's 95 % interval at which an arm rests, and a race stops
    budget       seconds after which no further round is started
    lap_seconds  seconds of laps in each round
    alone        whether the arms of round 1 start one at a time
    watched      whether the reference is also raced with the tutorial's drawing when no watch is asked for
    members      of the ensemble that says what rounding explains of a step
    climb        seconds for a climb from a race of a step
    """

    rounds: tuple[int, int]
    settled: int
    precision: float
    budget: float
    lap_seconds: float
    alone: bool
    watched: bool
    members: int = 19
    climb: float = 0.0


EFFORTS = {
    "quick": Effort((3, 12), 6, 0.015, 48, 2, alone=False, watched=False),
    "standard": Effort((3, 40), 8, 0.01, 330, 4, alone=True, watched=True, climb=330),
    "thorough": Effort((6, 150), 12, 0.005, 1200, 6, alone=True, watched=True, members=59, climb=1200),
}


@dataclass(frozen=True)
class Sweep:
    """A coordinate of the setting, and the values it takes from race to race."""

    name: str
    values: tuple[int, ...]


DEVICES_BY_DEFAULT = ("cuda", "cpu")  # the reference runs on the first that is there
LISTED = 3  # implementations that a note names
SWEEP_JOB = 100  # updates: at the largest sizes the workload's own job would take hours, and a sweep does not need it


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person asked for; None leaves it to the workload or to the effort.

    setting  the values that were asked for, by coordinate: arms of one race where the coordinate is raced, else a race
             for each; a coordinate that is missing is left to the workload, the setting or the effort
    steps    the steps that are raced; where there are any, no workload is raced without being named
    """

    workload: tuple[str, ...] = ("linear/line",)
    implementation: tuple[str, ...] = ("*",)
    setting: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    reference: str | None = None
    effort: str = "standard"
    rounds: int | None = None
    budget: float | None = None
    limit: float = 300.0
    sweep: Sweep | None = None
    steps: StepChoice = field(default_factory=StepChoice)

    def of(self, name: str) -> tuple[str, ...] | None:
        """The values that were asked for of a coordinate, as text; None where there are none."""
        return tuple(str(value) for value in self.setting[name]) if self.setting.get(name) else None

    def at(self, **setting: Value) -> "Choice":
        """The same choice with each of these coordinates at one value."""
        return replace(self, setting={**self.setting, **{name: (value,) for name, value in setting.items()}})


def make_plan(choice: Choice, *, command: str, run: str = "", absent_too: bool = False) -> Plan:
    """Every race that the choice asks for. Raises SettingError or UnknownNameError for what cannot be raced.

    absent_too  whether arms that need a device which is not there are planned, too: a gate says of each that it could
                not be measured
    """
    check(choice)
    effort = EFFORTS[choice.effort]
    devices = present(choice.of("device"))
    if choice.steps.names:
        swept = (choice.sweep.name, choice.sweep.values) if choice.sweep else None
        races = list(step_plan.races(choice.steps, choice.setting, devices, choice.effort, swept))
    else:
        races = [
            _race(workload, each, effort, devices)
            for workload in catalogue.choose_workloads(choice.workload)
            for swept in _swept(choice)
            for each in _each_race(swept)
        ]
    notes: tuple[str, ...] = ()
    if not (absent_too or choice.steps.names):
        races, notes = _without_absent(races, choice, devices)
    budget = effort.budget if choice.budget is None else choice.budget
    climb = effort.climb if _is_climbed(choice, races) else 0.0
    if climb and choice.budget is not None:
        budget = climb = choice.budget / 2
    least, most = (choice.rounds, choice.rounds) if choice.rounds else effort.rounds
    if choice.budget is not None and not choice.rounds:
        least = 1  # a budget that was typed is kept
    return Plan(
        run=run,
        command=command,
        seed=secrets.randbits(32),
        races=tuple(races),
        rounds=(least, most),
        precision=effort.precision,
        budget=budget,
        limit=choice.limit,
        lap_seconds=effort.lap_seconds,
        alone=effort.alone,
        swept=choice.sweep.name if choice.sweep else "",
        notes=notes,
        folder=choice.steps.folder,
        members=effort.members,
        climb=climb,
        settled=effort.settled,
    )


def _is_climbed(choice: Choice, races: Sequence[Race]) -> bool:
    """Whether a climb follows: from one race of a step, where nobody said which recipes or how many rounds."""
    chosen = choice.steps
    return (
        len(races) == 1
        and bool(chosen.names)
        and not (chosen.rewrites or chosen.recipes or choice.rounds or choice.sweep)
    )


def check(choice: Choice) -> None:
    """Raises SettingError for an unknown effort, a value outside its domain, too many threads, or no rounds."""
    if choice.effort not in EFFORTS:
        raise SettingError(f"effort must be one of {', '.join(EFFORTS)}; got {choice.effort!r}.")
    for name, values in choice.setting.items():
        for value in values:
            BY_NAME[name].check(value)
    cores = len(os.sched_getaffinity(0))
    if (threads := max(map(int, choice.setting.get("threads", (1,))))) > cores:
        raise SettingError(f"threads must be at most {cores}, the cores this process may use; got {threads}.")
    if choice.rounds is not None and choice.rounds < 1:
        raise SettingError(f"rounds must be at least 1; got {choice.rounds}.")


def present(asked: Sequence[str] | None) -> tuple[str, ...]:
    """The devices to race on: of those that were asked for, or of all, the ones that this machine has.

    Raises SettingError where it has none of those that were asked for. Starts no process and loads no framework.
    """
    absent = gpu_presence.why_no_gpu()
    devices = tuple(device for device in asked or DEVICES_BY_DEFAULT if device == "cpu" or not absent)
    if not devices:
        raise SettingError(f"There is no GPU to race on: {absent}. Leave out --device to race on the CPU.")
    return devices


def _without_absent(
    races: Sequence[Race], choice: Choice, devices: Sequence[str]
) -> tuple[list[Race], tuple[str, ...]]:
    """The races without the arms whose device is not there, and a sentence about those.

    Raises SettingError where they are all that was asked for.
    """
    left = [
        structs.replace(race, arms=tuple(arm for arm in race.arms if arm.setting.device in devices)) for race in races
    ]
    remaining = {arm.implementation for race in left for arm in race.arms}
    names = list(dict.fromkeys(arm.implementation for race in races for arm in race.arms))
    chosen = [name for name in catalogue.match_implementations(choice.implementation) if name in names]
    chosen = [name for name in chosen if catalogue.entry(name).work != "floor"]
    absent = [name for name in chosen if name not in remaining]
    reason = gpu_presence.why_no_gpu()
    if absent == chosen and chosen:
        raise SettingError(f"{' and '.join(absent)} can be raced on a GPU only, and there is none: {reason}.")
    if not absent and set(choice.of("device") or ()) <= set(devices):
        return left, ()
    more = f" and {len(absent) - LISTED} more" if len(absent) > LISTED else ""
    listed = f"; not raced, because they need one: {', '.join(absent[:LISTED])}{more}" if absent else ""
    return left, (f"there is no GPU to race on: {reason}{listed}",)


def _swept(choice: Choice) -> list[Choice]:
    """The choice at each value of its sweep, with a short job and nothing drawn; the choice itself without one."""
    sweep = choice.sweep
    if sweep is None:
        return [choice]
    names = [coordinate.name for coordinate in COORDINATES if coordinate.swept]
    if sweep.name not in names:
        raise SettingError(f"A sweep takes {', '.join(names)}; got {sweep.name!r}.")
    if choice.setting.get(sweep.name):
        raise SettingError(f"{sweep.name} cannot be both swept and fixed: leave out --{sweep.name}.")
    common = replace(choice, setting={"updates": (SWEEP_JOB,), "watch": ("none",), **choice.setting})
    return [common.at(**{sweep.name: value}) for value in sweep.values]


def _each_race(choice: Choice) -> Iterator[Choice]:
    """The choice once for each combination of values that cannot be compared within a race."""
    names = [each.name for each in COORDINATES if not each.raced and choice.setting.get(each.name)]
    for values in itertools.product(*(choice.setting[name] for name in names)):
        yield choice.at(**dict(zip(names, values, strict=True)))


def _race(workload: Workload, choice: Choice, effort: Effort, devices: Sequence[str]) -> Race:
    watches = choice.of("watch") or ("none",)
    shared = {name: values[0] for name, values in choice.setting.items() if values}

    def setting(device: str, mode: str, watch: str) -> Setting:
        return workload.setting(**shared | {"device": device, "mode": mode, "watch": watch})

    family = catalogue.family_of(workload.name)
    chosen = catalogue.choose_implementations(choice.implementation, family)
    floors = [entry for entry in catalogue.choose_implementations(["*"], family) if entry.work == "floor"]
    named = chosen if choice.implementation != Choice.implementation else []
    if not any(entry.domain.ranks and _modes(entry, choice, named=entry in named) for entry in chosen):
        floors = [entry for entry in floors if not entry.domain.ranks]
    reference_name = choice.reference or workload.reference
    references = catalogue.choose_implementations([reference_name], family)
    reference = references[0].name if references else workload.reference
    first = setting(devices[0], (choice.of("mode") or ("eager",))[0], watches[0])
    contestants = [
        (entry.name, setting(device, mode, watch))
        for entry in [*chosen, *(floor for floor in floors if floor not in chosen)]
        for device in _devices(entry, choice, devices, named=entry in named)
        for mode in _modes(entry, choice, named=entry in named)
        for watch in (watches if entry.work != "floor" else ("none",))
        if entry in named or (first.batch_kind in entry.domain.batches and not entry.domain.lacks_cores(first))
    ]
    contestants = [arm for arm in contestants if arm != (reference, first)]
    unwatched = not choice.setting.get("watch")
    if (
        unwatched
        and effort.watched
        and isinstance(workload, Watchable)
        and reference in {entry.name for entry in chosen}
    ):
        contestants.append((reference, setting(first.device, first.mode, "draw")))
    return Race(
        workload=workload.name,
        arms=(
            Arm(workload=workload.name, implementation=reference, setting=first, role="reference"),
            Arm(workload=workload.name, implementation=reference, setting=first, role="twin"),
            *(Arm(workload=workload.name, implementation=name, setting=own) for name, own in contestants),
        ),
    )


# A named implementation is raced on every device and in every mode that was asked for; where it cannot be, its row says why.
# Any other is raced where its domain allows, and planned on a missing device only when it has no other.


def _devices(entry: Entry, choice: Choice, devices: Sequence[str], *, named: bool) -> Sequence[str]:
    asked = choice.of("device")
    if named and asked:
        return devices
    able = [device for device in devices if device in entry.domain.devices]
    return able or [device for device in entry.domain.devices if device in (asked or DEVICES_BY_DEFAULT)]


def _modes(entry: Entry, choice: Choice, *, named: bool) -> Sequence[str]:
    modes = choice.of("mode")
    if modes and entry.work != "floor":
        return [mode for mode in modes if named or mode in entry.domain.modes]
    least = {mode: list(EFFORTS).index(effort) for mode, effort in entry.domain.modes.items()}
    allowed = max(list(EFFORTS).index(choice.effort), min(least.values()) if named else 0)
    return [mode for mode, effort in least.items() if effort <= allowed]
