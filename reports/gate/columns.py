"""The columns of a gate's tables: its arms, the counters that changed, its two sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.gate import Count, GateVerdict, Phase, Side
from bench.results.profile import COUNTERS
from reports.gate import besides, changes, text
from reports.gate.summary import CLOCKED, Row, side
from reports.text.columns import NOTHING, Column, filled
from reports.text.sanitize import one_line, plain


@dataclass(frozen=True)
class Counted:
    """One counter of one arm that differs between the sides."""

    arm: str
    name: str
    count: Count


@dataclass(frozen=True)
class Part:
    """One phase of the updates of one arm."""

    arm: str
    name: str
    phase: Phase


@dataclass(frozen=True)
class Fact:
    """One property of both sides."""

    what: str
    base: str
    head: str


ARMS: tuple[Column[Row], ...] = (
    Column("arm", "the implementation or recipe, device and mode", lambda row, _: row.name, right=False, wraps=True),
    Column("verdict", "the verdict on the arm", lambda row, _: row.word, right=False),
    Column(
        "change",
        "time of an update on the head over that on the base, minus 1: above 0 is slower",
        lambda row, _: changes.change(row.verdict.clocked),
    ),
    Column(
        "95 % interval",
        "of the change, over rounds of fresh processes",
        lambda row, _: changes.interval(row.verdict.clocked, " %"),
    ),
    Column(
        "rounds",
        "how many rounds these come from, each with fresh processes of both sides",
        lambda row, _: str(row.verdict.clocked.rounds) if row.verdict.clocked else NOTHING,
        dispensable=2,
    ),
    Column(
        "would catch",
        "the smallest slowdown that 80 of 100 gates with rounds like these call a regression",
        lambda row, _: _could(row),
        dispensable=3,
        occasional=True,
    ),
    Column(
        "slowest phase",
        "the phase of an update that became slower by most, of those large enough to be judged",
        lambda row, _: besides.slowest_phase(row.verdict),
        right=False,
        dispensable=1,
        occasional=True,
    ),
    Column(
        "memory",
        "the most that tensors had in an update of a step, base and head; of an exact workload, its process",
        lambda row, _: besides.of_memory(row.verdict.memory),
        dispensable=2,
        occasional=True,
    ),
    Column(
        "answer",
        "what the update of a step computes on the head, judged by the base's truth",
        lambda row, _: besides.column_of_bits(row.verdict.counts),
        right=False,
        dispensable=1,
        occasional=True,
    ),
    Column(
        "counters that changed",
        "counters, which have no noise, that differ between the sides",
        lambda row, _: one_line(text.listed(text.changed(row.verdict)), 200),
        right=False,
        dispensable=4,
        occasional=True,
        wraps=True,
    ),
)

PHASES: tuple[Column[Part], ...] = (
    Column("arm", "the implementation or recipe, device and mode", lambda part, _: part.arm, right=False, wraps=True),
    Column(
        "phase",
        "a part of an update; data is making a batch, which is beside it: updates are raced on batches drawn before",
        lambda part, _: part.name,
        right=False,
    ),
    Column(
        "verdict",
        "by its own margins; small: too small a part to be judged",
        lambda part, _: part.phase.word,
        right=False,
    ),
    Column("share", "its time over that of an update, on the base", lambda part, _: f"{100 * part.phase.share:.2g} %"),
    Column(
        "change",
        "its time on the head over that on the base, minus 1",
        lambda part, _: changes.change(part.phase.clocked),
    ),
    Column("95 % interval", "of the change, over rounds", lambda part, _: changes.interval(part.phase.clocked, " %")),
)

COUNTED: tuple[Column[Counted], ...] = (
    Column(
        "arm", "the implementation or recipe, device and mode", lambda counted, _: counted.arm, right=False, wraps=True
    ),
    Column(
        "counter", "a quantity without noise", lambda counted, _: plain(counted.name).replace("_", " "), right=False
    ),
    Column("base", "its value on the base", lambda counted, _: text.sides(counted.count)[0]),
    Column("head", "its value on the head", lambda counted, _: text.sides(counted.count)[1]),
    Column(
        "what it counts",
        "for one update, unless it says in all",
        lambda counted, _: COUNTERS.get(counted.name, NOTHING) + "; more of it fails by itself" * counted.count.bad,
        right=False,
        wraps=True,
    ),
)

FACTS: tuple[Column[Fact], ...] = (
    Column("of each side", "a property of both sides", lambda fact, _: fact.what, right=False),
    Column("on the base", "its value on the base", lambda fact, _: fact.base, right=False, wraps=True),
    Column("on the head", "its value on the head", lambda fact, _: fact.head, right=False, wraps=True),
)


def arms(rows: Sequence[Row]) -> tuple[Column[Row], ...]:
    """The columns that have a value for any of these rows."""
    return filled(ARMS, rows)


def phases(rows: Sequence[Row]) -> list[Part]:
    """Every phase, arm by arm."""
    return [Part(row.name, name, phase) for row in rows for name, phase in row.verdict.phases.items()]


def counters(rows: Sequence[Row]) -> list[Counted]:
    """Every counter that differs, arm by arm."""
    return [Counted(row.name, name, count) for row in rows for name, count in text.changed(row.verdict).items()]


def facts(verdict: GateVerdict) -> list[Fact]:
    """What is known of the two sides."""
    base, head = _known(verdict.plan.base), _known(verdict.plan.head)
    return [Fact(name, base.get(name, NOTHING), head.get(name, NOTHING)) for name in dict.fromkeys([*base, *head])]


def _known(of_it: Side) -> dict[str, str]:
    known = {"name": side(of_it), "commit": of_it.commit or "", "folder": of_it.folder or "its root"}
    known |= {"interpreter": of_it.python, **of_it.versions, "SHA-256 of its files": of_it.digest[:16]}
    return {one_line(name): one_line(value) or NOTHING for name, value in known.items()}


def _could(row: Row) -> str:
    could = row.verdict.smallest_detectable
    return changes.rough(could) if could and row.word in CLOCKED else NOTHING
