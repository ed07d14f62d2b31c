"""Compares a run with an earlier one: how each arm's time has changed, or why that cannot be said."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.results import statistics
from bench.results.record import Arm, Race, Record
from bench.results.statistics import Estimate
from bench.results.store import StoreError
from reports.compare.environments import ABSENT, NOT_INSTALLED, Difference, coordinates, differences, listed, setup_of
from reports.run.report import RunReport
from reports.run.rows import Row, row_of
from reports.text.sanitize import plain

ORDER = ("status", "slower", "faster", "unresolved", "same", "not compared", "reference")


class Incomparable(StoreError):
    """Two runs cannot be compared; the message says why and what to do."""


@dataclass(frozen=True)
class Change:
    """One arm in both runs.

    key           the arm's identity, the same in both runs
    name          the arm's short name, or its label where arms share that name
    title         of its race, in the later run
    ratio         the arm's ratio to the reference in the later run, over that in the earlier; each is paired in its own run
    seconds       its seconds in the later run, over those in the earlier; None unless machine and software are the same
    code_changed  whether the arm's own code, or what it builds on, has changed
    why_not       why there is no ratio, or empty
    """

    key: str
    name: str
    title: str
    then: Row
    now: Row
    ratio: Estimate | None
    seconds: Estimate | None
    code_changed: bool
    why_not: str

    @property
    def status(self) -> str:
        """ "was ok, now failed" where the status has changed; else empty."""
        before, after = (status.replace("_", " ") for status in (self.then.status, self.now.status))
        return f"was {before}, now {after}" if before != after else ""

    @property
    def verdict(self) -> str:
        """How its ratio to the reference has changed; or its status, where that allows no ratio."""
        if self.status:
            return self.status
        if self.now.status != "ok":
            return self.now.status.replace("_", " ")
        if self.ratio is None:
            return "reference" if self.now.arm.role == self.then.arm.role == "reference" else "not compared"
        return statistics.verdict(self.ratio)


@dataclass(frozen=True)
class Control:
    """How identical code differs between the two runs, for one race: how far its changes can be believed.

    title         of the race in the later run
    twin          change of the twin's ratio to the reference; 1 but for noise
    seconds       change of the reference's own seconds; None unless machine and software are the same
    code_changed  whether the reference's code has changed
    """

    title: str
    reference: Arm
    twin: Estimate | None
    seconds: Estimate | None
    code_changed: bool


@dataclass(frozen=True)
class Changes:
    """What has changed from an earlier run to a later one.

    then, now    the names of the earlier and the later run
    machine      differences of the machines; where there are any, no time is compared
    software     differences of Python, driver and packages; where there are any, no seconds are compared
    others       all other differences: plan, commit, variables
    changes      the arms of both runs, those that changed first
    gone, new    the arms that only the earlier run has, and only the later
    controls     one for each race that both runs have
    """

    then: str
    now: str
    machine: tuple[Difference, ...]
    software: tuple[Difference, ...]
    others: tuple[Difference, ...]
    changes: tuple[Change, ...]
    gone: tuple[Arm, ...]
    new: tuple[Arm, ...]
    controls: tuple[Control, ...]

    @property
    def title(self) -> str:
        """ "run-2 against run-1"."""
        return f"{self.now} against {self.then}"

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything but time in which the runs differ, the most important first."""
        return (*self.machine, *self.software, *self.others)


@dataclass(frozen=True)
class _ArmOfRun:
    """An arm of one run, with its records and those of its reference."""

    race: Race
    row: Row
    records: Sequence[Record]
    reference: Sequence[Record]


def compare_runs(now: RunReport, then: RunReport) -> Changes:
    """What has changed from `then` to `now`. Raises Incomparable for a run against itself, or without an arm in common."""
    plans = then.plan, now.plan
    earlier, later = plain(plans[0].run), plain(plans[1].run)
    if earlier == later:
        raise Incomparable(f"Both runs are {later}: name an earlier one with --against.")
    before, after = _arms(then), _arms(now)
    planned = differences(coordinates(plans[0]), coordinates(plans[1]))
    common = [key for key in after if key in before]
    if not common:
        raise Incomparable(
            f"{later} and {earlier} have no arm in common ({listed(planned) or 'other arms'}): "
            f"run the same race again, with: {plain(plans[0].command)}"
        )
    setups = setup_of(then.environment), setup_of(now.environment)
    machine = differences(setups[0].machine, setups[1].machine)
    if not setups[0].machine and not setups[1].machine:
        machine = [Difference("machine", ABSENT, ABSENT)]
    software = differences(setups[0].software, setups[1].software, NOT_INSTALLED)
    obstacle = "other machines" if machine else ""
    names = Counter(after[key].row.arm.name for key in common)
    changes = [
        _change(key, before[key], after[key], obstacle, names=names, same_software=not software) for key in common
    ]
    others = [
        *planned,
        *differences(setups[0].others, setups[1].others, "not set"),
        *_of_common_names(setups[0].conditions, setups[1].conditions),
        *(difference for key in common for difference in _variables(before[key], after[key])),
    ]
    return Changes(
        then=earlier,
        now=later,
        machine=tuple(machine),
        software=tuple(software),
        others=tuple(dict.fromkeys(others)),
        changes=tuple(sorted((change for change in changes if "twin" not in _roles(change)), key=_place)),
        gone=_only_in(before, after),
        new=_only_in(after, before),
        controls=tuple(_controls(common, before, after, changes)),
    )


def _of_common_names(then: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    """The differences of what both runs recorded: an older run recorded fewer conditions."""
    return differences(
        {name: then[name] for name in then if name in now}, {name: now[name] for name in now if name in then}
    )


def _arms(report: RunReport) -> dict[str, _ArmOfRun]:
    """All arms of a run by key, the twins included."""
    arms = {}
    for result in report.races:
        race, records = result.race, result.records
        rows = {row.arm: row for row in result.rows}
        for arm in race.arms:
            row = rows.get(arm) or row_of(arm, race.reference, records)
            arms[arm.key] = _ArmOfRun(race, row, records[arm], records[race.reference])
    return arms


def _change(
    key: str, then: _ArmOfRun, now: _ArmOfRun, obstacle: str, *, names: Mapping[str, int], same_software: bool
) -> Change:
    """The change of one arm.

    obstacle  why no time of the one run may be compared with one of the other; empty where it may
    names     how many arms have each short name
    """
    able = then.row.status == now.row.status == "ok"
    pairs = [list(statistics.round_logarithms(arm.records, arm.reference).values()) for arm in (now, then)]
    seconds = [statistics.seconds_logarithms(arm.records) for arm in (now, then)]
    codes = _code(then), _code(now)
    is_reference = now.row.arm.role == then.row.arm.role == "reference"
    why = obstacle
    if not why and _data(then) != _data(now):
        why = "other data"
    seconds_comparable = able and not why and same_software and all(seconds)
    if not why and then.race.reference.key != now.race.reference.key:
        why = "other references"
    elif not why and able and not all(pairs):
        why = "the reference was not measured in both"
    return Change(
        key=key,
        name=now.row.arm.name if names[now.row.arm.name] == 1 else now.row.arm.label,
        title=now.race.title,
        then=then.row,
        now=now.row,
        ratio=statistics.change(*pairs) if able and not why and not is_reference else None,
        seconds=statistics.change(*seconds) if seconds_comparable else None,
        code_changed=bool(codes[0] and codes[1]) and codes[0] != codes[1],
        why_not=why if able and not is_reference else "",
    )


def _data(arm: _ArmOfRun) -> set[str]:
    """Digests of the data that the arm was timed on."""
    return {record.digest for record in arm.records if record.blocks}


def _code(arm: _ArmOfRun) -> set[str]:
    """Fingerprints of the arm's code; empty where no record got far enough to have one."""
    return {record.fingerprint for record in arm.records if record.fingerprint}


def _roles(change: Change) -> set[str]:
    return {change.then.arm.role, change.now.arm.role}


def _place(change: Change) -> tuple[int, float, str]:
    """Sorts what changed first, the largest changes first."""
    kind = "status" if change.status else change.verdict
    size = abs(math.log(change.ratio.value)) if change.ratio else 0.0
    return ORDER.index(kind) if kind in ORDER else len(ORDER), -size, change.key


def _only_in(one: Mapping[str, _ArmOfRun], other: Mapping[str, _ArmOfRun]) -> tuple[Arm, ...]:
    """The arms that only the first run has."""
    return tuple(arm.row.arm for key, arm in one.items() if key not in other and arm.row.arm.role != "twin")


def _variables(then: _ArmOfRun, now: _ArmOfRun) -> list[Difference]:
    """Differences of the environment variables that the arm ran with."""
    before, after = (
        {f"variable {plain(name)}": plain(value) for record in arm.records for name, value in record.variables.items()}
        for arm in (then, now)
    )
    return differences(before, after, "not set") if then.records and now.records else []


def _controls(
    common: Sequence[str], then: Mapping[str, _ArmOfRun], now: Mapping[str, _ArmOfRun], changes: Sequence[Change]
) -> Iterator[Control]:
    """One for each race whose reference is also the reference of a race in the earlier run."""
    by_key = dict(zip(common, changes, strict=True))
    for race in dict.fromkeys(now[key].race for key in common):
        reference = by_key.get(race.reference.key)
        if reference and then[reference.key].row.arm.role == "reference":
            twin = next((by_key.get(arm.key) for arm in race.arms if arm.role == "twin"), None)
            yield Control(
                race.title, race.reference, twin.ratio if twin else None, reference.seconds, reference.code_changed
            )
