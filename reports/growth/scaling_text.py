"""What several processes cost each other, as sentences and tables; and what more of them would, on paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from impls.contract.words import grouped
from reports.growth.scaling import LINKS, AtSize, Link, Scaling
from reports.text.columns import Column, cells
from reports.text.numbers import count, seconds

T = TypeVar("T")

ON_PAPER = (
    "On paper, not measured: an update on one GPU has to take at least so long, all of it work that can be divided, "
    "before so many GPUs are faster, or half as many times as fast as there are. From the number of the gradient's numbers "
    "and published figures of NCCL"
)


@dataclass(frozen=True)
class Told:
    """A table with the sentence before it, and the cells of its lines."""

    sentence: str
    columns: tuple[Column[Any], ...]
    lines: tuple[list[str], ...]


def told(swept: str, scalings: Sequence[Scaling]) -> Iterator[Told]:
    """All that is said of the arms of several processes in a sweep: what was measured, then what would be, on paper."""
    for scaling in scalings:
        yield _told(f"{sentence(scaling)}.", point_columns(swept, scaling), scaling.points)
    for numbers, links in sizes_on_paper(scalings):
        yield _told(f"{ON_PAPER}, for {grouped(numbers)} numbers:", link_columns(numbers), links)


def _told(text: str, columns: tuple[Column[T], ...], rows: Sequence[T]) -> Told:
    return Told(text, columns, tuple(cells(columns, row) for row in rows))


def sentence(scaling: Scaling) -> str:
    """What the model says of an arm, and how far it can be trusted, without a full stop."""
    wait = seconds(scaling.wait)
    each = f" and {seconds(scaling.each)} for each number of the gradient" if scaling.each else ""
    return (
        f"{scaling.name}: besides their own rows, {scaling.processes} processes cost each other {wait} an update{each}; "
        f"that tells each time that it was not fitted to within {count(100 * scaling.off)} %"
    )


def point_columns(swept: str, scaling: Scaling) -> tuple[Column[AtSize], ...]:
    """One line for each size of a sweep: measured, of that the slowest process's own, the rest, and the model."""
    return (
        Column(swept, "the size of the sweep", lambda point, _: grouped(point.size)),
        Column("update", "its measured time", lambda point, _: seconds(point.seconds)),
        Column(
            "own rows", "what the slowest process needs for its rows, by itself", lambda point, _: seconds(point.share)
        ),
        Column("the rest", "what the processes cost each other", lambda point, _: seconds(point.talk)),
        Column(
            "by the model", "own rows, and what the model says of the rest", lambda p, _: seconds(scaling.predicted(p))
        ),
    )


def link_columns(numbers: int) -> tuple[Column[Link], ...]:
    """One line for each way to join GPUs, for a gradient of so many numbers."""
    return (
        Column("GPUs", "how many", lambda link, _: str(link.gpus)),
        Column("joined by", "their links", lambda link, _: link.name, right=False),
        Column("all-reduce", "seconds for the gradient", lambda link, _: seconds(link.all_reduce(numbers))),
        Column("faster from", "seconds on one GPU", lambda link, _: seconds(link.pays_from(numbers))),
        Column("half from", "seconds on one GPU", lambda link, _: seconds(link.half_from(numbers))),
        Column("figures from", "where they were published", lambda link, _: link.source, right=False),
    )


def sizes_on_paper(scalings: Sequence[Scaling]) -> Iterator[tuple[int, tuple[Link, ...]]]:
    """The numbers of the smallest and the largest gradient of a sweep, each with the links."""
    numbers = sorted({point.numbers for scaling in scalings for point in scaling.points if point.numbers})
    for one in dict.fromkeys([*numbers[:1], *numbers[-1:]]):
        yield one, LINKS
