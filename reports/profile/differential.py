"""Two arms side by side: what one spends that the other does not, by part and by operation. Apart: it needs two profiles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bench.results.profile import Pass, Profile
from bench.results.record import Arm
from reports.profile.attribution import Attribution
from reports.profile.text import signed
from reports.run.columns import Column, cells, heads
from reports.run.markdown import escape
from reports.run.markdown import table as markdown_table
from reports.run.terminal import table as terminal_table
from reports.text import numbers
from reports.text.numbers import plain

MOST = 12  # operations in a table; the document has all
TELLING = 0.05  # of the difference, from which on a part is told in the sentence


@dataclass(frozen=True)
class Change:
    """One thing that both arms may spend time on; seconds an update, 0 where an arm does not.

    calls  an update, of the first arm and of the second; None for a part, which has none
    """

    name: str
    first: float
    second: float
    calls: tuple[float, float] | None = None

    @property
    def more(self) -> float:
        """What the second arm spends that the first does not; below 0 when it spends less."""
        return self.second - self.first


@dataclass(frozen=True)
class Differential:
    """What the second arm spends that the first does not. The parts add up to the difference of what the race measured.

    operations  as PyTorch's profiler saw them at full size, its own cost within; scaled as the parts are
    """

    first: Attribution
    second: Attribution
    parts: tuple[Change, ...]
    operations: tuple[Change, ...]

    @property
    def more(self) -> float:
        """Seconds an update that the second arm takes more."""
        return self.second.measured.value - self.first.measured.value


def differential(
    first: Attribution, second: Attribution, profiles: tuple[Profile | None, Profile | None] = (None, None)
) -> Differential:
    """The largest changes first, whatever their sign.

    profiles  of the first arm and of the second, for their operations
    """
    before, after = ({part.name: part.seconds for part in each.parts} for each in (first, second))
    parts = [Change(name, before.get(name, 0.0), after.get(name, 0.0)) for name in {**before, **after}]
    seen = [
        _operations(profile.full if profile else None, attribution.pace)
        for profile, attribution in zip(profiles, (first, second), strict=True)
    ]
    keys = {**seen[0], **seen[1]}
    names = [name for name, _ in keys]
    nothing = (0.0, 0.0)
    operations = [
        Change(
            name=f"{name} ({part})" if names.count(name) > 1 else name,
            first=mine[0],
            second=its[0],
            calls=(mine[1], its[1]),
        )
        for name, part in keys
        for mine, its in [[each.get((name, part), nothing) for each in seen]]
    ]
    return Differential(first, second, _largest(parts), _largest(operations))


def pair(attributions: Sequence[Attribution], profiles: Mapping[Arm, Profile]) -> Differential | None:
    """Of two arms, or of the reference and the only other one; None for more and for fewer."""
    rivals = [each for each in attributions if each.arm.role == "arm"]
    found = rivals if len(rivals) == 2 else list(attributions)
    if len(found) != 2:
        return None
    first, second = sorted(found, key=lambda each: (each.arm.role != "reference", each.measured.value))
    return differential(first, second, (profiles.get(first.arm), profiles.get(second.arm)))


def _operations(one: Pass | None, pace: float) -> dict[tuple[str, str], tuple[float, float]]:
    """Seconds and calls by name and part."""
    operations = one.operations if one else ()
    return {(each.name, each.part): (each.seconds * pace, each.calls) for each in operations}


def _largest(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(sorted((each for each in changes if each.first or each.second), key=lambda each: -abs(each.more)))


def sentence(found: Differential) -> str:
    """ "linear/manual takes 120 µs more than linear/in_place: 80 µs of it in the backward pass, ..."."""
    first, second = found.first.arm.name, found.second.arm.name
    if not found.parts or not found.more:
        return f"{second} and {first} spend the same."
    word = "more" if found.more > 0 else "less"
    telling = [each for each in found.parts if abs(each.more) > TELLING * abs(found.more)]
    with_it = [each for each in telling if each.more * found.more > 0][:3]
    against = [each for each in telling if each.more * found.more < 0][:2]
    said = ", ".join(f"{numbers.seconds(abs(each.more))} {word} on {each.name}" for each in with_it)
    other = "less" if found.more > 0 else "more"
    but = ", ".join(f"{numbers.seconds(abs(each.more))} {other} on {each.name}" for each in against)
    whole = f"{second} takes {numbers.seconds(abs(found.more))} {word} than {first}"
    return f"{whole}: {said}{f'; but {but}' if but else ''}."


def document(found: Differential) -> dict[str, Any]:
    """The differential as JSON holds it; seconds an update, `more` is the second arm's less the first's."""
    return {
        "first": found.first.arm.name,
        "second": found.second.arm.name,
        "more": found.more,
        "parts": [{"name": each.name, "first": each.first, "second": each.second} for each in found.parts],
        "operations": [
            {"name": each.name, "first": each.first, "second": each.second, "calls": list(each.calls or ())}
            for each in found.operations
        ],
        "sentence": sentence(found),
    }


def terminal(found: Differential, width: int) -> Iterator[RenderableType]:
    """The sentence, the parts, and the operations that differ most."""
    yield Text()
    yield Text(plain(sentence(found)), style="bold")
    for columns, changes in _tables(found):
        yield Text()
        body = [cells(columns, change) for change in changes]
        yield from terminal_table(columns, heads(columns), body, width)


def markdown(found: Differential) -> list[str]:
    """The same as lines of Markdown."""
    lines = [escape(sentence(found)), ""]
    for columns, changes in _tables(found):
        body = [cells(columns, change) for change in changes]
        lines += [*markdown_table(columns, [escape(head) for head in heads(columns)], body), ""]
    return lines


def _tables(found: Differential) -> Iterator[tuple[tuple[Column[Change], ...], tuple[Change, ...]]]:
    times: tuple[Column[Change], ...] = (
        Column(_head(found.first), "seconds an update", lambda change, _: signed(change.first)),
        Column(_head(found.second), "seconds an update", lambda change, _: signed(change.second)),
        Column("more", "the second less the first", lambda change, _: _more(change)),
    )
    named: Column[Change] = Column("part", "", lambda change, _: change.name, right=False, wraps=True)
    called: Column[Change] = Column("calls", "an update", lambda change, _: _calls(change), dispensable=1)
    if found.parts:
        yield (named, *times), found.parts
    if found.operations:
        operation = replace(named, head="operation, as the profiler saw it")
        yield (operation, *times, called), found.operations[:MOST]


def _head(attribution: Attribution) -> str:
    return plain(attribution.arm.name).replace("{", "{{").replace("}", "}}")  # heads are formats


def _more(change: Change) -> str:
    return ("+" if change.more > 0 else "") + (signed(change.more) or "0")


def _calls(change: Change) -> str:
    return " → ".join(numbers.count(calls) for calls in change.calls or ())
