"""Chapters say the same in a terminal and as Markdown: findings, tables, doubts, and what the columns mean."""

from rich.console import Console

from reports.text.chapters import Chapter, table, to_markdown, to_terminal
from reports.text.columns import Column

COLUMNS: tuple[Column[tuple[str, float]], ...] = (
    Column("what", "what it is", lambda row, _: row[0], right=False),
    Column("time, {unit}", "how long it takes", lambda row, scale: f"{row[1] / scale:g}"),
)
TABLES = (table("All", COLUMNS, [("bread", 2e-3)], 1e-3, "ms"), table("None", COLUMNS, []))
CHAPTER = Chapter("Food", ("There is bread.",), TABLES, ("It may be stale.",))


def shown(*chapters: Chapter) -> str:
    """What the terminal shows, as one line."""
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        for renderable in to_terminal("The title", chapters, 80, "food.md"):
            console.print(renderable)
    return " ".join(capture.get().split())


def test_the_terminal_shows_all_of_a_chapter() -> None:
    """Heading, finding, table, what its columns mean, and the doubt, in this order; an empty table is left out."""
    expected = "Food There is bread. what time, ms bread 2 what what it is time how long it takes ! It may be stale."
    assert shown(CHAPTER) == expected


def test_markdown_holds_the_same() -> None:
    """In the same order, with a unit in the head of the table and none in what it means."""
    lines = [line for line in to_markdown("The title", [CHAPTER]).splitlines() if line]
    assert lines == [
        "# The title",
        "## Food",
        "- There is bread.",
        "| what | time, ms |",
        "|---|---:|",
        "| bread | 2 |",
        "> It may be stale.",
        "What the columns say:",
        "- **what**: what it is",
        "- **time**: how long it takes",
    ]


def test_a_report_of_one_chapter_needs_no_heading() -> None:
    """The terminal shows the title in its place; Markdown has the title alone."""
    assert shown(Chapter("", ("There is bread.",))) == "The title There is bread."
    assert to_markdown("The title", [Chapter("", ("There is bread.",))]) == "# The title\n\n- There is bread.\n"
