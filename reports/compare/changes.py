"""Run against run: what has changed for each arm, or why that cannot be said. Apart from a race, whose arms share laps."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.results import statistics
from bench.results.record import Arm, Race, Record
from bench.results.statistics import Estimate
from bench.results.store import StoreError
from reports.compare.environments import ABSENT, NOT_INSTALLED, Difference, coordinates, differing, listed, setup_of
from reports.run.report import RunReport
from reports.run.rows import Row, row_of
from reports.text.sanitize import plain

ORDER = ("turned", "slower", "faster", "unresolved", "same", "not compared", "reference")


class Incomparable(StoreError):
    """Two runs have nothing to compare; the message says why and what to do."""


@dataclass(frozen=True)
class Change:
    """One arm in both runs.

    label    the same in both
    name     the arm's own, where that is enough to tell it from the others
    title    of its race, as it is now
    ratio    how many times what it was its ratio to the reference is: both are paired inside their own run
    seconds  the same of its seconds, which are of two moments; None unless machine and software are the same
    code     whether its own code, or what that builds on, has changed
    why_not  why there is no ratio, or empty
    """

    label: str
    name: str
    title: str
    then: Row
    now: Row
    ratio: Estimate | None
    seconds: Estimate | None
    code: bool
    why_not: str

    @property
    def turned(self) -> str:
        """ "was ok, now failed": where its status is another one; else empty."""
        before, after = (status.replace("_", " ") for status in (self.then.status, self.now.status))
        return f"was {before}, now {after}" if before != after else ""

    @property
    def verdict(self) -> str:
        """What its ratio to the reference has become; or its status, where that allows no ratio."""
        if self.turned:
            return self.turned
        if self.now.status != "ok":
            return self.now.status.replace("_", " ")
        if self.ratio is None:
            return "reference" if self.now.arm.role == self.then.arm.role == "reference" else "not compared"
        return statistics.verdict(self.ratio)


@dataclass(frozen=True)
class Control:
    """What identical code did from the one run to the other: how far to believe the changes of a race.

    title    of the race as it is now
    twin     change of the twin's ratio to the reference: 1, but for what cannot be told apart
    seconds  change of the reference's own seconds; None unless machine and software are the same
    code     whether the reference's code has changed
    """

    title: str
    reference: Arm
    twin: Estimate | None
    seconds: Estimate | None
    code: bool


@dataclass(frozen=True)
class Versus:
    """A run against an earlier one.

    then, now    their names
    machine      in what their machines differ: then no time is compared
    software     in what Python, driver and packages differ: then no seconds are
    others       everything else in which they differ: plan, commit, variables
    changes      the arms of both, those that changed first
    gone, new    labels of arms that only the earlier, or only this run has
    controls     one for each race that both have
    """

    then: str
    now: str
    machine: tuple[Difference, ...]
    software: tuple[Difference, ...]
    others: tuple[Difference, ...]
    changes: tuple[Change, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    controls: tuple[Control, ...]


@dataclass(frozen=True)
class _Entry:
    race: Race
    row: Row
    records: Sequence[Record]
    reference: Sequence[Record]


def versus(now: RunReport, then: RunReport) -> Versus:
    """Reads nothing but its arguments. Raises Incomparable for a run against itself, or without an arm in common."""
    plans = then.plan, now.plan
    earlier, this = plain(plans[0].run), plain(plans[1].run)
    if earlier == this:
        raise Incomparable(f"{this} is the same run twice: name an earlier one with --against.")
    before, after = _entries(then), _entries(now)
    planned = differing(coordinates(plans[0]), coordinates(plans[1]))
    common = [label for label in after if label in before]
    if not common:
        raise Incomparable(
            f"{this} and {earlier} have no arm in common ({listed(planned) or 'other arms'}): "
            f"run the same race again, with: {plain(plans[0].command)}"
        )
    setups = setup_of(then.environment), setup_of(now.environment)
    machine = differing(setups[0].machine, setups[1].machine)
    if not setups[0].machine and not setups[1].machine:
        machine = [Difference("machine", ABSENT, ABSENT)]
    software = differing(setups[0].software, setups[1].software, NOT_INSTALLED)
    obstacle = "other machines" if machine else ""
    several = Counter(after[label].row.arm.name for label in common)
    changes = [
        _change(label, before[label], after[label], obstacle, short=several, paired=not software) for label in common
    ]
    others = [
        *planned,
        *differing(setups[0].others, setups[1].others, "not set"),
        *_in_both(setups[0].conditions, setups[1].conditions),
        *(each for label in common for each in _variables(before[label], after[label])),
    ]
    return Versus(
        then=earlier,
        now=this,
        machine=tuple(machine),
        software=tuple(software),
        others=tuple(dict.fromkeys(others)),
        changes=tuple(sorted((change for change in changes if "twin" not in _roles(change)), key=_place)),
        gone=_missing(before, after),
        new=_missing(after, before),
        controls=tuple(_controls(common, before, after, changes)),
    )


def _in_both(then: Mapping[str, str], now: Mapping[str, str]) -> list[Difference]:
    """What differs of what both recorded: an older run knew of fewer conditions."""
    return differing(
        {name: then[name] for name in then if name in now}, {name: now[name] for name in now if name in then}
    )


def _entries(report: RunReport) -> dict[str, _Entry]:
    """The arms of a run by key, the twins too."""
    entries = {}
    for result in report.races:
        race, records = result.race, result.records
        rows = {row.arm: row for row in result.rows}
        for arm in race.arms:
            row = rows.get(arm) or row_of(arm, race.reference, records)
            entries[arm.key] = _Entry(race, row, records[arm], records[race.reference])
    return entries


def _change(label: str, then: _Entry, now: _Entry, obstacle: str, *, short: Mapping[str, int], paired: bool) -> Change:
    """obstacle  why no time of the one run is compared with one of the other; paired: whether seconds may be."""
    able = then.row.status == now.row.status == "ok"
    both = (now.records, now.reference), (then.records, then.reference)
    pairs = [list(statistics.round_logarithms(*each).values()) for each in both]
    seconds = [statistics.seconds_logarithms(records) for records, _ in both]
    codes = _code(then), _code(now)
    own = now.row.arm.role == then.row.arm.role == "reference"
    why = obstacle
    if not why and _data(then) != _data(now):
        why = "other data"
    same = able and not why
    if not why and then.race.reference.key != now.race.reference.key:
        why = "other references"
    elif not why and able and not all(pairs):
        why = "the reference was not measured in both"
    return Change(
        label=label,
        name=now.row.arm.name if short[now.row.arm.name] == 1 else now.row.arm.label,
        title=now.race.title,
        then=then.row,
        now=now.row,
        ratio=statistics.change(*pairs) if able and not why and not own else None,
        seconds=statistics.change(*seconds) if same and paired and all(seconds) else None,
        code=bool(codes[0] and codes[1]) and codes[0] != codes[1],
        why_not=why if able and not own else "",
    )


def _data(entry: _Entry) -> set[str]:
    """What the data were that it was timed on."""
    return {record.digest for record in entry.records if record.blocks}


def _code(entry: _Entry) -> set[str]:
    """Its code; empty where no record has come so far as to say."""
    return {record.fingerprint for record in entry.records if record.fingerprint}


def _roles(change: Change) -> set[str]:
    return {change.then.arm.role, change.now.arm.role}


def _place(change: Change) -> tuple[int, float, str]:
    """What changed comes first, and the largest change of it."""
    kind = "turned" if change.turned else change.verdict
    far = abs(math.log(change.ratio.value)) if change.ratio else 0.0
    return ORDER.index(kind) if kind in ORDER else len(ORDER), -far, change.label


def _missing(one: Mapping[str, _Entry], other: Mapping[str, _Entry]) -> tuple[str, ...]:
    return tuple(label for label, entry in one.items() if label not in other and entry.row.arm.role != "twin")


def _variables(then: _Entry, now: _Entry) -> list[Difference]:
    """What the arms' own environment said otherwise."""
    before, after = (
        {
            f"variable {plain(name)}": plain(value)
            for record in entry.records
            for name, value in record.variables.items()
        }
        for entry in (then, now)
    )
    return differing(before, after, "not set") if then.records and now.records else []


def _controls(
    common: Sequence[str], then: Mapping[str, _Entry], now: Mapping[str, _Entry], changes: Sequence[Change]
) -> Iterator[Control]:
    """One for each race whose reference is that of a race of the other run."""
    by_label = dict(zip(common, changes, strict=True))
    for race in dict.fromkeys(now[label].race for label in common):
        own = by_label.get(race.reference.key)
        if own and then[own.label].row.arm.role == "reference":
            twin = next((by_label.get(arm.key) for arm in race.arms if arm.role == "twin"), None)
            yield Control(race.title, race.reference, twin.ratio if twin else None, own.seconds, own.code)
