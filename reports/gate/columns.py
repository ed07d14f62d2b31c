"""The columns of a gate's tables: its arms, their counters, its two sides. Apart so that no report words its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.results.gate import Count, GateVerdict, Side
from bench.results.profile import COUNTERS
from reports.gate import words
from reports.gate.headline import side
from reports.gate.rows import CLOCKED, Row, cut
from reports.run.columns import NOTHING, Column
from reports.text.numbers import plain


@dataclass(frozen=True)
class Counted:
    """One counter of one arm that differs between the sides."""

    arm: str
    name: str
    count: Count


@dataclass(frozen=True)
class Fact:
    """One property of both sides."""

    what: str
    base: str
    head: str


ARMS: tuple[Column[Row], ...] = (
    Column("arm", "the file below impls/, device and mode", lambda row, _: row.name, right=False, wraps=True),
    Column("verdict", "what may be said of it", lambda row, _: row.found.word, right=False),
    Column(
        "change",
        "time of an update on the head over that on the base, minus 1: above 0 is slower",
        lambda row, _: words.change(row.found.clocked),
    ),
    Column(
        "95 % interval",
        "of the change, over rounds of fresh processes",
        lambda row, _: words.interval(row.found.clocked, " %"),
    ),
    Column(
        "rounds",
        "fresh processes of both sides that these come from",
        lambda row, _: str(row.found.clocked.rounds) if row.found.clocked else NOTHING,
        dispensable=2,
    ),
    Column(
        "would catch",
        "the smallest slowdown that rounds like these call a regression in 80 of 100 gates",
        lambda row, _: _could(row),
        dispensable=3,
        occasional=True,
    ),
    Column(
        "counters that changed",
        "quantities without noise that are not the same on both sides",
        lambda row, _: cut(words.listed(words.changed(row.found)), 200),
        right=False,
        dispensable=1,
        occasional=True,
        wraps=True,
    ),
)

COUNTED: tuple[Column[Counted], ...] = (
    Column("arm", "the file below impls/, device and mode", lambda each, _: each.arm, right=False, wraps=True),
    Column("counter", "a quantity without noise", lambda each, _: plain(each.name).replace("_", " "), right=False),
    Column("base", "its number there", lambda each, _: words.counted(each.count)[0]),
    Column("head", "its number there", lambda each, _: words.counted(each.count)[1]),
    Column(
        "what it counts",
        "of one update, where it does not say in all",
        lambda each, _: COUNTERS.get(each.name, NOTHING) + ("; more of it fails by itself" if each.count.bad else ""),
        right=False,
        wraps=True,
    ),
)

FACTS: tuple[Column[Fact], ...] = (
    Column("of each side", "what is known of it", lambda fact, _: fact.what, right=False),
    Column("on the base", "what is compared with", lambda fact, _: fact.base, right=False, wraps=True),
    Column("on the head", "what is in question", lambda fact, _: fact.head, right=False, wraps=True),
)


def arms(found: Sequence[Row]) -> tuple[Column[Row], ...]:
    """The columns that have something to say."""
    return tuple(c for c in ARMS if not c.occasional or any(c.text(row, 1.0) != NOTHING for row in found))


def counters(found: Sequence[Row]) -> list[Counted]:
    """Every counter that differs, arm by arm."""
    return [Counted(row.name, name, count) for row in found for name, count in words.changed(row.found).items()]


def facts(verdict: GateVerdict) -> list[Fact]:
    """What the two sides are."""
    both = (verdict.plan.base, verdict.plan.head)
    told = [_known(each) for each in both]
    names = dict.fromkeys(name for each in told for name in each)
    return [Fact(name, *(each.get(name, NOTHING) for each in told)) for name in names]


def _known(of_it: Side) -> dict[str, str]:
    return {cut(name): cut(value) or NOTHING for name, value in _all(of_it)}


def _all(of_it: Side) -> Iterator[tuple[str, str]]:
    yield "name", side(of_it)
    yield "commit", of_it.commit or ""
    yield "folder", of_it.folder or "its root"
    yield "interpreter", of_it.python
    yield from of_it.versions.items()
    yield "SHA-256 of its files", of_it.digest[:16]


def _could(row: Row) -> str:
    could = row.found.smallest_detectable
    return words.rough(could) if could and row.found.word in CLOCKED else NOTHING
