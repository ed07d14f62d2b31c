"""Compares two profiled arms: what one spends more than the other, by part and by operation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bench.results.profile import Pass, Profile
from bench.results.record import Arm
from reports.profile.attribution import Attribution
from reports.profile.text import signed
from reports.text import numbers
from reports.text.columns import Column, cells, heads
from reports.text.markdown import table as markdown_table
from reports.text.sanitize import escape_markdown, plain
from reports.text.terminal import table as terminal_table

MOST = 12  # operations in a table; the document has all
TELLING = 0.05  # share of the difference from which on the sentence names a part


@dataclass(frozen=True)
class TimeDifference:
    """What two arms spend on one part, or on one operation, in seconds an update; 0 where an arm has none of it.

    calls  calls an update in the first arm and in the second; None for a part
    """

    name: str
    first: float
    second: float
    calls: tuple[float, float] | None = None

    @property
    def more(self) -> float:
        """What the second arm spends more than the first; below 0 when it spends less."""
        return self.second - self.first


@dataclass(frozen=True)
class Differential:
    """What the second arm spends more than the first. The parts add up to the difference of what the race measured.

    operations  as PyTorch's profiler saw them at full size, its own cost included; scaled as the parts are
    """

    first: Attribution
    second: Attribution
    parts: tuple[TimeDifference, ...]
    operations: tuple[TimeDifference, ...]

    @property
    def more(self) -> float:
        """Seconds an update that the second arm takes more."""
        return self.second.measured.value - self.first.measured.value


def differential(
    first: Attribution, second: Attribution, profiles: tuple[Profile | None, Profile | None] = (None, None)
) -> Differential:
    """What the second arm spends more than the first, the largest differences first, whatever their sign.

    profiles  of the first arm and of the second, for their operations
    """
    first_parts, second_parts = ({part.name: part.seconds for part in arm.parts} for arm in (first, second))
    parts = [
        TimeDifference(name, first_parts.get(name, 0.0), second_parts.get(name, 0.0))
        for name in {**first_parts, **second_parts}
    ]
    first_operations, second_operations = (
        _operations(profile.full if profile else None, attribution.pace)
        for profile, attribution in zip(profiles, (first, second), strict=True)
    )
    keys = {**first_operations, **second_operations}
    names = [name for name, _ in keys]
    operations = []
    for name, part in keys:
        first_seconds, first_calls = first_operations.get((name, part), (0.0, 0.0))
        second_seconds, second_calls = second_operations.get((name, part), (0.0, 0.0))
        unique = f"{name} ({part})" if names.count(name) > 1 else name
        operations.append(TimeDifference(unique, first_seconds, second_seconds, (first_calls, second_calls)))
    return Differential(first, second, _largest(parts), _largest(operations))


def differential_of_two(attributions: Sequence[Attribution], profiles: Mapping[Arm, Profile]) -> Differential | None:
    """The differential of the only two arms, or of the only two besides the reference; None for other numbers of arms."""
    others = [attribution for attribution in attributions if attribution.arm.role == "arm"]
    two = others if len(others) == 2 else list(attributions)
    if len(two) != 2:
        return None
    first, second = sorted(two, key=lambda one: (one.arm.role != "reference", one.measured.value))
    return differential(first, second, (profiles.get(first.arm), profiles.get(second.arm)))


def _operations(full: Pass | None, pace: float) -> dict[tuple[str, str], tuple[float, float]]:
    """Seconds and calls an update, by name and part of the operation."""
    operations = full.operations if full else ()
    return {(one.name, one.part): (one.seconds * pace, one.calls) for one in operations}


def _largest(differences: Sequence[TimeDifference]) -> tuple[TimeDifference, ...]:
    return tuple(sorted((one for one in differences if one.first or one.second), key=lambda one: -abs(one.more)))


def sentence(pair: Differential) -> str:
    """ "linear/manual takes 120 µs more than linear/in_place: 80 µs more on the backward pass, ..."."""
    first, second = pair.first.arm.name, pair.second.arm.name
    if not pair.parts or not pair.more:
        return f"{second} and {first} spend the same."
    word, opposite = ("more", "less") if pair.more > 0 else ("less", "more")
    telling = [part for part in pair.parts if abs(part.more) > TELLING * abs(pair.more)]
    alike = [part for part in telling if part.more * pair.more > 0][:3]
    contrary = [part for part in telling if part.more * pair.more < 0][:2]
    parts = ", ".join(f"{numbers.seconds(abs(part.more))} {word} on {part.name}" for part in alike)
    but = ", ".join(f"{numbers.seconds(abs(part.more))} {opposite} on {part.name}" for part in contrary)
    difference = f"{second} takes {numbers.seconds(abs(pair.more))} {word} than {first}"
    return f"{difference}: {parts}{f'; but {but}' if but else ''}."


def document(pair: Differential) -> dict[str, Any]:
    """The JSON document: seconds an update; `more` is the second arm's time less the first's."""
    return {
        "first": pair.first.arm.name,
        "second": pair.second.arm.name,
        "more": pair.more,
        "parts": [{"name": part.name, "first": part.first, "second": part.second} for part in pair.parts],
        "operations": [
            {"name": one.name, "first": one.first, "second": one.second, "calls": list(one.calls or ())}
            for one in pair.operations
        ],
        "sentence": sentence(pair),
    }


def terminal(pair: Differential, width: int) -> Iterator[RenderableType]:
    """The sentence, the parts, and the operations that differ most, for a terminal."""
    yield Text()
    yield Text(plain(sentence(pair)), style="bold")
    for columns, differences in _tables(pair):
        yield Text()
        body = [cells(columns, difference) for difference in differences]
        yield from terminal_table(columns, heads(columns), body, width)


def markdown(pair: Differential) -> list[str]:
    """The same as lines of Markdown."""
    lines = [escape_markdown(sentence(pair)), ""]
    for columns, differences in _tables(pair):
        body = [cells(columns, difference) for difference in differences]
        lines += [*markdown_table(columns, [escape_markdown(head) for head in heads(columns)], body), ""]
    return lines


def _tables(pair: Differential) -> Iterator[tuple[tuple[Column[TimeDifference], ...], tuple[TimeDifference, ...]]]:
    times: tuple[Column[TimeDifference], ...] = (
        Column(_head(pair.first), "seconds an update", lambda difference, _: signed(difference.first)),
        Column(_head(pair.second), "seconds an update", lambda difference, _: signed(difference.second)),
        Column("more", "the second less the first", lambda difference, _: _more(difference)),
    )
    named: Column[TimeDifference] = Column("part", "", lambda difference, _: difference.name, right=False, wraps=True)
    called: Column[TimeDifference] = Column(
        "calls", "an update", lambda difference, _: _calls(difference), dispensable=1
    )
    if pair.parts:
        yield (named, *times), pair.parts
    if pair.operations:
        operation = replace(named, head="operation, as the profiler saw it")
        yield (operation, *times, called), pair.operations[:MOST]


def _head(attribution: Attribution) -> str:
    return plain(attribution.arm.name).replace("{", "{{").replace("}", "}}")  # heads are formats


def _more(difference: TimeDifference) -> str:
    return ("+" if difference.more > 0 else "") + (signed(difference.more) or "0")


def _calls(difference: TimeDifference) -> str:
    return " → ".join(numbers.count(calls) for calls in difference.calls or ())
