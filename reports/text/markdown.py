"""Lays out tables as Markdown, for `summary.md` and the summary page of a CI job."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from reports.text.columns import Column, headings
from reports.text.sanitize import escape_markdown

T = TypeVar("T")

LIMIT = 900_000  # bytes of a report; GitHub drops the summary of a job that has more than 1 024 KiB in all


def table(
    columns: Sequence[Column[T]], titles: Sequence[str], body: Sequence[Sequence[str]], groups: Sequence[str] = ()
) -> Iterator[str]:
    """The lines of a table.

    titles  the printed heads
    body    the cells of each row
    groups  the group of each row; each group has a heading
    """
    first_left = next((place for place, column in enumerate(columns) if not column.right), 0)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "|".join("---:" if column.right else "---" for column in columns) + "|"
    for line, heading in zip(body, headings(groups) or [""] * len(body), strict=True):
        if heading:
            yield "| " * first_left + f"| *{heading}* " + "| " * (len(columns) - first_left - 1) + "|"
        yield "| " + " | ".join(map(escape_markdown, line)) + " |"
