"""A run on a terminal: what does not fit is named, nothing steers the terminal, and no number is cut."""

import io
import re

import pytest
from msgspec.structs import replace
from rich.console import Console

from bench.cli.console import show
from bench.results.record import Caveat
from reports.run import terminal
from reports.run.columns import columns_of
from reports.run.report import RunReport, report_of
from reports.text.columns import heads
from reports.text.numbers import THIN
from reports.text.terminal import progress_line
from tests.reports.hostile import hostile_step
from tests.reports.records import (
    ANALYTIC,
    MANUAL,
    MOMENTS,
    REFERENCE,
    TWIN,
    WRONG,
    arm,
    compared,
    floored,
    grown,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import LONG, answered, everything, reported

DRAWN = arm("linear/nn_sgd", watch="draw")


def printed(comparison: RunReport, width: int, *, colour: bool = False) -> str:
    """What a terminal of this width shows."""
    sink = io.StringIO()
    console = Console(
        width=width, file=sink, highlight=False, force_terminal=colour, color_system="256" if colour else None
    )
    show(terminal.render(comparison, width), console)
    return sink.getvalue()


def titles_of(comparison: RunReport) -> list[str]:
    """The heads of the columns that a run has, with microseconds."""
    return heads(columns_of(row for result in comparison.races for row in result.rows), "µs")


def head_of(text: str) -> str:
    """The line of the table's heads."""
    return next(line for line in text.splitlines() if "implementation" in line and "setting" in line)


def test_a_wide_terminal_shows_every_column() -> None:
    """Where there is room no column is missing, and none is said to be."""
    comparison = floored({MANUAL: 5e-4})
    text = printed(comparison, 250)
    assert [] == [head for head in titles_of(comparison) if head not in head_of(text)]
    assert "no room here" not in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_columns_without_room_are_named(width: int) -> None:
    """Every column is either in the table or named as left out, the most dispensable first."""
    comparison = floored({MANUAL: 5e-4})
    text = printed(comparison, width)
    head = head_of(text)
    left_out = [title for title in titles_of(comparison) if title not in head]
    assert f"(no room here for {', '.join(left_out)}: see summary.md)" in " ".join(text.split())
    columns = columns_of(comparison.races[0].rows)
    dispensable = [c.dispensable for c, title in zip(columns, titles_of(comparison), strict=True) if title in left_out]
    kept = [c.dispensable for c, title in zip(columns, titles_of(comparison), strict=True) if title not in left_out]
    assert min(dispensable) > max(kept)


@pytest.mark.parametrize("width", [60, 80, 100, 150])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """No line runs over the edge."""
    text = printed(compared({MANUAL: 5e-4, DRAWN: 8e-3}), width)
    assert [] == [line for line in text.splitlines() if len(line) > width]


def test_no_number_is_cut_at_80_columns() -> None:
    """The rows of a standard run, of which one is drawn, are whole on 80 columns: no rank vanishes, no number is cut."""
    text = printed(compared({MANUAL: 5e-4, ANALYTIC: 2e-4, DRAWN: 8e-3}), 80)
    assert "#" in head_of(text)
    assert "…" not in text


def test_failures_give_their_reasons_below_the_table() -> None:
    """An arm without a time has a line with its status and its reason."""
    failed = record(ANALYTIC, 1, None, status="out_of_memory", reason="12 GiB are too much")
    assert "  linear/analytic cpu eager: out of memory: 12 GiB are too much" in printed(compared({}, failed), 150)


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
    text = printed(report_of(plan(race(named, MANUAL)), {}, records), 150)
    assert [] == [line for line in text.splitlines() if not line.isprintable()]
    assert "reason" in text
    assert "\r" not in text


def test_nothing_an_arm_says_is_taken_for_markup() -> None:
    """Square brackets, which rich takes for markup in strings, are shown as they are."""
    failed = record(MANUAL, 1, None, status="failed", reason="[bold]list[0][/bold] [link=http://x]")
    assert "failed: [bold]list[0][/bold] [link=http://x]" in printed(compared({}, failed), 150)


def test_classes_are_headed_when_there_are_several() -> None:
    """Faithful and algorithmic arms stand under a head each; a single class needs none."""
    quick = rounds(ANALYTIC, 1e-6, work="algorithmic")
    text = printed(report_of(plan(race(ANALYTIC)), {}, [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *quick]), 150)
    assert text.index("faithful:") < text.index("linear/nn_sgd  ") < text.index("algorithmic:")
    assert "faithful:" not in printed(compared({MANUAL: 5e-4}), 150)


def test_every_column_is_explained() -> None:
    """Below the tables every column's meaning is given, whether there was room for it or not."""
    comparison = floored({MANUAL: 5e-4})
    text = " ".join(printed(comparison, 80).split())
    assert [] == [c.head for c in columns_of(comparison.races[0].rows) if c.meaning not in text]


def test_warnings_stand_last_with_their_advice() -> None:
    """A warning is printed after the tables, with what to do about it."""
    text = printed(report_of(plan(race(MANUAL)), {}, rounds(MANUAL, 4e-4)), 150)
    assert "! the reference linear/nn_sgd cpu eager could not be measured, so there are no ratios." in text
    assert text.rstrip().endswith("choose another with --reference.")


def test_a_run_without_records_can_be_printed() -> None:
    """A run that was stopped at once shows its arms as interrupted, and the reason that they share once."""
    text = printed(report_of(plan(race(MANUAL)), {}, []), 120)
    shared = (
        "linear/nn_sgd cpu eager, linear/manual cpu eager: interrupted: the run ended before its first round was over"
    )
    assert text.count(shared) == 1


def test_colour_does_not_change_the_words() -> None:
    """On a terminal with colours the same characters are shown as on one without."""
    comparison = compared({MANUAL: 5e-4})
    sink = Console(width=150, file=io.StringIO(), record=True, force_terminal=True, highlight=False)
    for renderable in terminal.render(comparison, 150):
        sink.print(renderable)
    assert "\x1b[" in printed(comparison, 150, colour=True)
    assert sink.export_text() == printed(comparison, 150)


@pytest.mark.parametrize(("elapsed", "share"), [(0.0, 0), (59.5, 12), (119.0, 24), (500.0, 24)])
def test_progress_is_a_bar_on_a_terminal(elapsed: float, share: int) -> None:
    """The bar fills with the time that has gone, never beyond its end, and says what is left, on one line of the terminal."""
    line = progress_line(elapsed, 119.0, "round 1", width=80)
    assert (line.count("━"), line.count("╌")) == (share, 24 - share)
    assert line.endswith(f" about {max(0.0, 119 - elapsed):.0f} s left · round 1")
    short = progress_line(elapsed, 119.0, "round 1 " * 20, width=60)
    assert len(short) < 60
    assert short.endswith("…")


def test_progress_is_a_plain_line_in_a_log() -> None:
    """Without a terminal progress is a line of text, with the seconds so far."""
    assert progress_line(61.04, 120, "round 1", width=0) == "[  61.0 s, about 59 s left] round 1"
    assert progress_line(61.04, 361, "round 1", width=0) == "[  61.0 s, about 5 min left] round 1"


def test_a_long_race_fits_80_columns() -> None:
    """Algorithmic arms, floors and long names leave rank, time and verdict whole on 80 columns; a setting may wrap."""
    long = arm("linear/compiled_optimizer", watch="draw")
    text = printed(floored({MANUAL: 5e-4, long: 8e-3}, *rounds(MOMENTS, 6e-9, work="algorithmic")), 80)
    assert "#" in head_of(text)
    assert "…" not in text
    assert [line for line in text.splitlines() if len(line) > 80] == []


SPEEDS = {"linear/nn_sgd": lambda rows: 1e-4 + 1e-9 * rows, "linear/c": lambda rows: 1e-6 + 1e-8 * rows}


def test_a_sweep_is_one_table() -> None:
    """A sweep shows how each arm grows, where they cross, a line a race, and none of the races' own tables."""
    text = printed(grown(SPEEDS), 150)
    assert text.strip().startswith(
        "linear/line, 1 feature, float32, full batch, 1 thread, 4 sizes from 100 to 100 000 rows"
    )
    assert "linear/c cpu eager becomes slower than linear/nn_sgd cpu eager at " in text
    assert "All 8 answers agree" in text
    assert "each row" in text
    assert "off the oracle" not in text
    assert re.findall(r"^ *([\d ]+)  linear/(c|nn_sgd) cpu eager  ", text, re.MULTILINE) == [
        *(("100", "c"), ("1 000", "c"), ("10 000", "c"), ("100 000", "nn_sgd")),
    ]


def test_a_sweep_of_one_size_is_a_race() -> None:
    """Where there is a single size nothing grows, and its race is shown as any other."""
    assert "x reference" in head_of(printed(grown(SPEEDS, (100,)), 150))


def test_reasons_of_a_sweep_are_given_once() -> None:
    """A reason that holds at every size has one line, one that holds at some names them; wrong answers are named."""
    sizes = (100, 1_000)
    told = [record(arm(device="cuda", rows=n), 1, None, status="unsupported", reason="no CUDA") for n in sizes]
    wrong = rounds(arm("linear/numpy", rows=1_000), 1e-5, status="wrong", reason="off", judgement=WRONG)
    text = printed(grown(SPEEDS, sizes, "rows", *told, *wrong), 150)
    assert text.count("linear/manual cuda eager: unsupported: no CUDA") == 1
    assert "no CUDA (at" not in text
    assert "linear/numpy cpu eager: wrong: off (at 1 000)" in text
    assert "WRONG ANSWERS: linear/numpy cpu eager; they are not ranked." in text


def test_a_sweep_warns_once_of_each_kind() -> None:
    """Warnings of one kind, one a race, are one with their number."""
    sizes = (100, 1_000, 10_000)
    caveats = [Caveat(code="stolen", text=f"a {n} % loss", advice="wait") for n in sizes]
    told = [record(arm(rows=n), 1, 1e-4, caveats=[each]) for n, each in zip(sizes, caveats, strict=True)]
    text = " ".join(printed(grown(SPEEDS, sizes, "rows", *told), 150).split())
    assert "! a 100 % loss (and 2 more like it: see summary.md). wait." in text
    assert "a 1000 % loss" not in text


@pytest.mark.parametrize("width", [60, 80, 150])
def test_a_sweep_fits_the_page(width: int) -> None:
    """No line of a sweep runs over the edge, and a column without room is named."""
    text = printed(grown(SPEEDS), width)
    assert [] == [line for line in text.splitlines() if len(line) > width]
    assert ("no room here for" in text) == (width < 150)


def test_a_sweep_in_which_all_failed_says_so() -> None:
    """A sweep without a single time is printed, with its reasons."""
    broken = [arm("linear/nn_sgd", "reference", rows=n) for n in (10, 100)]
    records = [record(one, 1, None, status="failed", reason="broken") for one in broken]
    this = plan(*(race(reference=one, twin=None) for one in broken), swept="rows")
    text = printed(report_of(this, {}, records), 120)
    assert "Nothing was measured." in text
    assert "linear/nn_sgd cpu eager: failed: broken" in text


EXACT = ("oracle", "whole job", "final loss", "the file below impls", "reads the data", "x floor")


@pytest.mark.parametrize("width", [60, 80, 150])
def test_a_race_of_a_step_fits_the_page(width: int) -> None:
    """No line but those of the patch runs over the edge, no number is cut, and nothing is said of exact workloads."""
    text = printed(everything(), width)
    assert {line for line in text.splitlines() if len(line) > width} <= set(LONG.splitlines())
    assert "…" not in text
    assert [] == [words for words in EXACT if words in text]


def test_the_patch_can_be_copied_from_the_terminal() -> None:
    """Its lines stand together as they are, neither indented nor wrapped, whatever the width."""
    assert f"\n\n{LONG}" in printed(everything(), 60)


def test_a_race_of_a_step_says_its_answer_first_and_last() -> None:
    """Sentence, patch, table, what does not apply and remarks, in this order; the sentence again at the end."""
    text = " ".join(printed(everything(), 150).split())
    places = [
        text.index(words)
        for words in (
            "my_step.py, batch 64, hidden 128",
            "A two-layer classifier on handwritten digits.",
            "whole_graph and whole_graph+channels_last run this step 4.9 times",
            "WRONG ANSWER of compile_step: change of 0.weight is off by 21.4 bits",
            "put these lines at the end of my_step.py:",
            "# recipe update, µs bits lost",
            "not judged: this step draws random numbers",
            "Does not apply here cuda_graph, tf32, capturable: needs a GPU",
            "What this step is like 2 parameters are one tensor:",
            "compile_forward: 3 graphs, 2 reasons to break",
        )
    ]
    assert places == sorted(places)
    assert text.endswith(
        "starts 11.5 s later and has caught up after 14 000 updates.".replace("14 000", "14" + THIN + "000")
    )
    assert text.count("run this step 4.9 times") == 2


@pytest.mark.parametrize("hostile", ["\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\rover", "\x9b31m", "\u202eturned"])
def test_nothing_in_a_step_steers_the_terminal(hostile: str) -> None:
    """Patch, tensors, reasons and the docstring of a step come from a user's file: they are text."""
    text = printed(hostile_step(hostile), 150)
    assert [] == [line for line in text.splitlines() if not line.isprintable()]
    assert "WRONG ANSWER" in text
    assert "\r" not in text


def test_several_steps_are_told_apart_at_the_end() -> None:
    """Where a run has several races, the sentence at its end says of which each is."""
    one, two = everything(), reported(answered("fused", 4e-4), parameters=(("batch", 8),))
    records = [*one.records, *two.records]
    text = printed(report_of(replace(one.plan, races=(*one.plan.races, *two.plan.races)), {}, records), 150)
    assert text.splitlines()[-1].startswith("my_step.py, batch 8, float32, 1 thread: fused runs this step 2.5 times")
