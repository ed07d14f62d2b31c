"""A run on a terminal: what does not fit is named, nothing steers the terminal, and no number is cut."""

import io

import pytest
from rich.console import Console

from bench.record import Caveat
from reports import terminal
from reports.columns import COLUMNS, heads
from reports.comparison import Comparison, compare
from tests.reports.records import (
    ANALYTIC,
    MANUAL,
    REFERENCE,
    TWIN,
    arm,
    compared,
    plan,
    race,
    record,
    rounds,
)

DRAWN = arm("linear/nn_sgd", watch="draw")


def printed(comparison: Comparison, width: int, *, colour: bool = False) -> str:
    """What a terminal of this width shows."""
    sink = io.StringIO()
    console = Console(
        width=width, file=sink, highlight=False, force_terminal=colour, color_system="256" if colour else None
    )
    for renderable in terminal.render(comparison, width):
        console.print(renderable)
    return sink.getvalue()


def head_of(text: str) -> str:
    """The line of the table's heads."""
    return next(line for line in text.splitlines() if "implementation" in line and "setting" in line)


def test_a_wide_terminal_shows_every_column() -> None:
    """Where there is room no column is missing, and none is said to be."""
    text = printed(compared({MANUAL: 5e-4})[0], 200)
    assert [] == [head for head in heads("µs") if head not in head_of(text)]
    assert "no room here" not in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_columns_without_room_are_named(width: int) -> None:
    """Every column is either in the table or named as left out, the most dispensable first."""
    text = printed(compared({MANUAL: 5e-4})[0], width)
    head = head_of(text)
    left_out = [title for title in heads("µs") if title not in head]
    assert f"(no room here for {', '.join(left_out)}: see summary.md)" in " ".join(text.split())
    dispensable = [column.dispensable for column, title in zip(COLUMNS, heads("µs"), strict=True) if title in left_out]
    kept = [column.dispensable for column, title in zip(COLUMNS, heads("µs"), strict=True) if title not in left_out]
    assert min(dispensable) > max(kept)


@pytest.mark.parametrize("width", [60, 80, 100, 150])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """No line runs over the edge."""
    text = printed(compared({MANUAL: 5e-4, DRAWN: 8e-3})[0], width)
    assert [] == [line for line in text.splitlines() if len(line) > width]


def test_no_number_is_cut_at_80_columns() -> None:
    """The rows of a standard run, of which one is drawn, are whole on 80 columns: no rank vanishes, no number is cut."""
    text = printed(compared({MANUAL: 5e-4, ANALYTIC: 2e-4, DRAWN: 8e-3})[0], 80)
    assert "#" in head_of(text)
    assert "…" not in text


def test_failures_give_their_reasons_below_the_table() -> None:
    """An arm without a time has a line with its status and its reason."""
    failed = record(ANALYTIC, 1, None, status="out_of_memory", reason="12 GiB are too much")
    assert "  linear/analytic cpu eager: out of memory: 12 GiB are too much" in printed(compared({}, failed)[0], 150)


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\rover", "\x9b31m", "\u202eturned", "a\nb"]
)
def test_nothing_an_arm_says_steers_the_terminal(hostile: str) -> None:
    """Escapes in a name, a reason or a warning are stripped: what is printed has no control characters but line ends."""
    caveat = Caveat(code="busy", text=f"text {hostile}", advice=f"advice {hostile}")
    named = arm(f"linear/{hostile}")
    records = [
        *rounds(REFERENCE, 4e-4, caveats=[caveat]),
        *rounds(TWIN, 4e-4),
        *rounds(named, 2e-4),
        record(MANUAL, 1, None, status="failed", reason=f"reason {hostile}"),
    ]
    text = printed(compare(plan(race(named, MANUAL)), {}, records), 150)
    assert [] == [line for line in text.splitlines() if not line.isprintable()]
    assert "reason" in text
    assert "\r" not in text


def test_nothing_an_arm_says_is_taken_for_markup() -> None:
    """Square brackets, which rich takes for markup in strings, are shown as they are."""
    failed = record(MANUAL, 1, None, status="failed", reason="[bold]list[0][/bold] [link=http://x]")
    assert "failed: [bold]list[0][/bold] [link=http://x]" in printed(compared({}, failed)[0], 150)


def test_classes_are_headed_when_there_are_several() -> None:
    """Faithful and algorithmic arms stand under a head each; a single class needs none."""
    quick = rounds(ANALYTIC, 1e-6, work="algorithmic")
    text = printed(compare(plan(race(ANALYTIC)), {}, [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *quick]), 150)
    assert text.index("faithful:") < text.index("linear/nn_sgd  ") < text.index("algorithmic:")
    assert "faithful:" not in printed(compared({MANUAL: 5e-4})[0], 150)


def test_every_column_is_explained() -> None:
    """Below the tables every column's meaning is given, whether there was room for it or not."""
    text = " ".join(printed(compared({MANUAL: 5e-4})[0], 80).split())
    assert [] == [column.head for column in COLUMNS if column.meaning not in text]


def test_warnings_stand_last_with_their_advice() -> None:
    """A warning is printed after the tables, with what to do about it."""
    text = printed(compare(plan(race(MANUAL)), {}, rounds(MANUAL, 4e-4)), 150)
    assert "! the reference linear/nn_sgd cpu eager could not be measured, so there are no ratios." in text
    assert text.rstrip().endswith("choose another with --reference.")


def test_a_run_without_records_can_be_printed() -> None:
    """A run that was stopped at once shows its arms as interrupted."""
    text = printed(compare(plan(race(MANUAL)), {}, []), 120)
    assert text.count("interrupted: the run ended before its first round was over") == 2


def test_colour_does_not_change_the_words() -> None:
    """On a terminal with colours the same characters are shown as on one without."""
    comparison, _ = compared({MANUAL: 5e-4})
    sink = Console(width=150, file=io.StringIO(), record=True, force_terminal=True, highlight=False)
    for renderable in terminal.render(comparison, 150):
        sink.print(renderable)
    assert "\x1b[" in printed(comparison, 150, colour=True)
    assert sink.export_text() == printed(comparison, 150)


@pytest.mark.parametrize(("elapsed", "share"), [(0.0, 0), (60.0, 12), (120.0, 24), (500.0, 24)])
def test_progress_is_a_bar_on_a_terminal(elapsed: float, share: int) -> None:
    """The bar fills with the time that has gone, never beyond its end, and says what is left."""
    line = terminal.progress_line(elapsed, 120.0, "round 1", bar=True)
    assert (line.count("━"), line.count("╌")) == (share, 24 - share)
    assert line.endswith(f" about {max(0.0, 120 - elapsed):.0f} s left · round 1")


def test_progress_is_a_plain_line_in_a_log() -> None:
    """Without a terminal progress is a line of text, with the seconds so far."""
    assert terminal.progress_line(61.04, 120, "round 1", bar=False) == "[  61.0 s, about 59 s left] round 1"
