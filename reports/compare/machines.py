"""The ratios of the same arms on several machines, and which differ: as values, a table, Markdown and a document.

Ratios are taken within a race, so each is of one machine; only ratios are compared between machines, never seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bench.results import statistics
from bench.results.record import Arm, Race
from bench.results.statistics import Estimate
from bench.results.store import Store, StoreError
from impls.contract.words import counted
from reports.compare.environments import setup_of
from reports.run.race_records import by_arm
from reports.text import numbers
from reports.text.sanitize import escape_markdown, plain

FORMAT = 1
UNKNOWN = "a machine that was not recorded"
NOTHING = "-"


@dataclass(frozen=True)
class Line:
    """One arm of a race on all machines.

    race     in words
    ratios   to the race's reference, by machine
    differs  the two machines whose ratios are furthest apart and what one is of the other, where no two can be called alike
             by chance: at 95 % for all pairs of machines of the arm together; None where they can
    """

    race: str
    arm: str
    ratios: Mapping[str, Estimate]
    differs: tuple[str, str, Estimate] | None


@dataclass(frozen=True)
class Machines:
    """What was measured on several machines.

    machines    their names, in order
    lines       race by race, each arm that has a ratio somewhere
    complaints  what could not be read
    """

    machines: tuple[str, ...]
    lines: tuple[Line, ...]
    complaints: tuple[str, ...] = ()


def compared(runs: Sequence[Store], hosts: Mapping[str, str]) -> Machines:
    """The ratios of all runs, by machine; runs of the same race on the same machine are taken together.

    hosts  name of the machine of a run, by the run's name, where it is known; else the machine that the run recorded
    """
    logarithms: dict[tuple[str, str], dict[str, list[float]]] = {}
    complaints = list[str]()
    for run in runs:
        try:
            plan, machine = run.plan(), hosts.get(run.path.name) or setup_of(run.environment()).name or UNKNOWN
        except StoreError as error:
            complaints.append(str(error))
            continue
        records, unread = run.records()
        complaints += unread
        for race in plan.races:
            own = by_arm(record for record in records if record.arm in race.arms and record.status == "ok")
            for arm, values in _ratios(race, own).items():
                logarithms.setdefault((race.title, arm), {}).setdefault(machine, []).extend(values)
    machines = sorted({machine for values in logarithms.values() for machine in values})
    lines = [
        Line(race, arm, {machine: statistics.estimate(values[machine]) for machine in sorted(values)}, _differs(values))
        for (race, arm), values in logarithms.items()
    ]
    return Machines(tuple(machines), tuple(lines), tuple(complaints))


def _ratios(race: Race, records: Mapping[Arm, Sequence[Any]]) -> dict[str, list[float]]:
    """The logarithms of each arm's ratios in the rounds of a race."""
    reference = records.get(race.reference, ())
    arms = [arm for arm in records if arm != race.reference and arm.role != "twin"]
    found = {arm.name: list(statistics.round_logarithms(records[arm], reference).values()) for arm in arms}
    return {name: values for name, values in found.items() if values}


def _differs(values: Mapping[str, Sequence[float]]) -> tuple[str, str, Estimate] | None:
    pairs = list(combinations(sorted(values), 2))
    level = 1 - (1 - statistics.LEVEL) / max(1, len(pairs))
    changes = [(one, other, statistics.change(values[one], values[other], level=level)) for one, other in pairs]
    apart = [
        each for each in changes if each[2].low is not None and each[2].high and not each[2].low <= 1 <= each[2].high
    ]
    return max(apart, key=lambda each: max(each[2].value, 1 / each[2].value), default=None)


def said(line: Line) -> str:
    """In which way the machines differ, in a sentence without a full stop; empty where they do not for certain."""
    if line.differs is None:
        return ""
    one, other, change = line.differs
    return f"on {one} {numbers.estimate(change)} of the ratio on {other}"


def render(found: Machines) -> Iterator[RenderableType]:
    """A table for the terminal, and how many arms differ."""
    table = Table(box=None, pad_edge=False)
    for title in ("race", "arm", *found.machines, "differs"):
        table.add_column(plain(title), overflow="fold")
    for line in found.lines:
        table.add_row(*map(plain, _cells(line, found.machines)))
    yield table
    yield Text(f"\n{_summed_up(found)}")


def markdown(found: Machines) -> str:
    """The same table for a document."""
    titles = ("race", "arm", *found.machines, "differs")
    rows = [titles, ("---",) * len(titles), *(_cells(line, found.machines) for line in found.lines)]
    lines = ["| " + " | ".join(cell if cell == "---" else escape_markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(["# The same races on several machines", "", _summed_up(found), "", *lines, ""])


def document(found: Machines) -> dict[str, Any]:
    """The same as plain dictionaries and lists."""
    return {
        "format": FORMAT,
        "machines": list(found.machines),
        "arms": [
            {
                "race": line.race,
                "arm": line.arm,
                "ratios": {
                    machine: {"ratio": each.value, "low": each.low, "high": each.high, "rounds": each.rounds}
                    for machine, each in line.ratios.items()
                },
                "differs": said(line),
            }
            for line in found.lines
        ],
    }


def _cells(line: Line, machines: Sequence[str]) -> tuple[str, ...]:
    ratios = [numbers.estimate(line.ratios[each]) if each in line.ratios else NOTHING for each in machines]
    return (line.race, line.arm, *ratios, said(line) or NOTHING)


def _summed_up(found: Machines) -> str:
    differing = sum(line.differs is not None for line in found.lines)
    return (
        f"{counted(len(found.lines), 'arm')} on {counted(len(found.machines), 'machine')}; ratios to the reference of their "
        f"race, with 95 % intervals. Those of {differing} differ between machines, for certain."
    )
