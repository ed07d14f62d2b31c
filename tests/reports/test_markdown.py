"""A run as Markdown: nothing that an arm, a machine or a person says can break its tables or smuggle in HTML."""

import re

import pytest

from bench.record import Caveat
from reports import markdown
from reports.columns import COLUMNS
from reports.comparison import compare
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
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

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b||c",
    "`code` and ``more``",
    "line\nbreak\r\nand | pipe",
    "*bold* _under_ &amp; <b>",
    "\x1b[31m| red",
]
BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")  # a pipe that no backslash takes away


def rows_of(text: str) -> list[str]:
    """The lines of the tables."""
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_table_has_a_row_for_every_arm() -> None:
    """Head, rule and one row an arm, the failed ones too; the twin has none."""
    failed = record(ANALYTIC, 1, None, status="failed", reason="broke")
    text = markdown.render(compared({MANUAL: 5e-4}, failed)[0])
    assert len(rows_of(text)) == 2 + 3
    assert [len(COLUMNS) + 1] * 5 == [len(BAR.findall(row)) for row in rows_of(text)]


def test_every_failure_gives_its_reason() -> None:
    """An arm without a time is listed below the table with status and reason, a right one is not."""
    failed = record(ANALYTIC, 1, None, status="out_of_memory", reason="12 GiB are too much")
    text = markdown.render(compared({MANUAL: 5e-4}, failed)[0])
    assert "- `linear/analytic cpu eager`: out of memory: 12 GiB are too much" in text
    assert "- `linear/manual cpu eager`" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_breaks_the_table(hostile: str) -> None:
    """Whatever an implementation is called, each row has as many bars as the head."""
    text = markdown.render(compared({arm(f"linear/{hostile}"): 5e-4, MANUAL: 6e-4})[0])
    assert [len(COLUMNS) + 1] * 5 == [len(BAR.findall(row)) for row in rows_of(text)]
    assert "<script" not in text
    assert "\x1b" not in text


def test_a_backslash_before_a_bar_does_not_break_the_table() -> None:
    """A name that ends a word with a backslash does not free the bar behind it."""
    text = markdown.render(compared({arm("linear/a\\|b"): 5e-4})[0])
    assert [len(COLUMNS) + 1] * 4 == [len(BAR.findall(row)) for row in rows_of(text)]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_reason_smuggles_in_html_or_a_row(hostile: str) -> None:
    """Whatever reason an arm gives, it stays on its line, without tags, and adds no row."""
    text = markdown.render(compared({}, record(MANUAL, 1, None, status="failed", reason=hostile))[0])
    assert len(rows_of(text)) == 2 + 2
    assert "<script" not in text
    assert "<b>" not in text
    assert len([line for line in text.splitlines() if ": failed: " in line]) == 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_machine_and_no_warning_smuggles_in_html(hostile: str) -> None:
    """The processor's name, the GPU's name and the words of a warning are text, and nothing else."""
    caveat = Caveat(code="stolen", text=f"text {hostile}", advice=f"advice {hostile}")
    records = [*rounds(REFERENCE, 4e-4, caveats=[caveat]), *rounds(TWIN, 4e-4)]
    machine = {"processor": hostile, "cores": 2, "gpus": [{"name": hostile}]}
    text = markdown.render(compare(plan(race()), ENVIRONMENT | {"machine": machine}, records))
    assert len(rows_of(text)) == 2 + 1
    assert "<script" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("place", ["Repeat it", "- ``"])
def test_a_backtick_does_not_end_a_quotation(place: str) -> None:
    """A command or a name with backticks in it stays inside its quotation, and so do the tags between them."""
    hostile = "`<script>x</script>`"
    failed = record(arm(f"linear/{hostile}"), 1, None, status="failed", reason="broke")
    text = markdown.render(compared({}, failed, command=f"python -m bench run --results '{hostile}'")[0])
    line = next(line for line in text.splitlines() if line.startswith(place))
    assert "<script" not in re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)


def test_the_head_names_machine_and_software() -> None:
    """Run, processor, cores, GPU, torch and Python stand above the first table, the command below the last."""
    text = markdown.render(compared({MANUAL: 5e-4}, command="python -m bench run --effort quick")[0])
    assert text.startswith("# looprace: 2026-11-23T10-00-00-abcd\n")
    assert "Made-up 9000, 2 cores, no GPU; torch 2.13.0+cpu, Python 3.11.7" in text
    assert "Repeat it with `python -m bench run --effort quick`." in text


def test_an_unknown_machine_is_left_out() -> None:
    """Where the environment was lost there is no line about it, and all else is there."""
    text = markdown.render(compared({MANUAL: 5e-4}, environment={})[0])
    assert "None" not in text
    assert len(rows_of(text)) == 2 + 2


def test_findings_warnings_and_meanings_are_all_there() -> None:
    """Every finding, every warning with its advice, and the meaning of every column are in the text."""
    comparison = compare(plan(race(MANUAL)), ENVIRONMENT, rounds(MANUAL, 4e-4))
    text = markdown.render(comparison).replace("\\_", "_")
    for said in (*comparison.races[0].findings, *(f"{each.text}.** {each.advice}." for each in comparison.warnings)):
        assert said in text
    assert comparison.warnings
    assert [] == [column for column in COLUMNS if f": {column.meaning}\n" not in text]
