"""A run as Markdown: nothing that an arm, a machine or a person says can break its tables or smuggle in HTML."""

import dataclasses
import re

import pytest

from bench.results.record import Caveat
from reports.run import markdown
from reports.run.columns import columns_of
from reports.run.report import RunReport, report_of
from reports.run.sweep_columns import sweep_columns
from reports.text.sanitize import escape_markdown
from tests.reports.hostile import hostile_step
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    FLOOR,
    MANUAL,
    MOMENTS,
    REFERENCE,
    TWIN,
    arm,
    compared,
    floored,
    grown,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import LONG, everything

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


def bars(comparison: RunReport) -> int:
    """The bars of a whole row of a race's table."""
    return len(columns_of(row for result in comparison.races for row in result.rows)) + 1


def test_the_table_has_a_row_for_every_arm() -> None:
    """Head, rule and one row an arm, the failed ones too; the twin has none."""
    failed = record(ANALYTIC, 1, None, status="failed", reason="broke")
    comparison = compared({MANUAL: 5e-4}, failed)
    text = markdown.render(comparison)
    assert len(rows_of(text)) == 2 + 3
    assert [bars(comparison)] * 5 == [len(BAR.findall(row)) for row in rows_of(text)]


def test_every_failure_gives_its_reason() -> None:
    """An arm without a time is listed below the table with status and reason, a right one is not."""
    failed = record(ANALYTIC, 1, None, status="out_of_memory", reason="12 GiB are too much")
    text = markdown.render(compared({MANUAL: 5e-4}, failed))
    assert "- `linear/analytic cpu eager`: out of memory: 12 GiB are too much" in text
    assert "- `linear/manual cpu eager`" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_breaks_the_table(hostile: str) -> None:
    """Whatever an implementation is called, each row has as many bars as the head."""
    comparison = compared({arm(f"linear/{hostile}"): 5e-4, MANUAL: 6e-4})
    text = markdown.render(comparison)
    assert [bars(comparison)] * 5 == [len(BAR.findall(row)) for row in rows_of(text)]
    assert "<script" not in text
    assert "\x1b" not in text


def test_a_backslash_before_a_bar_does_not_break_the_table() -> None:
    """A name that ends a word with a backslash does not free the bar behind it."""
    comparison = compared({arm("linear/a\\|b"): 5e-4})
    text = markdown.render(comparison)
    assert [bars(comparison)] * 4 == [len(BAR.findall(row)) for row in rows_of(text)]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_run_smuggles_in_html_or_a_line_by_its_name(hostile: str) -> None:
    """The name of a stranger's run is text in the title, in one line."""
    comparison = compared({MANUAL: 5e-4})
    text = markdown.render(dataclasses.replace(comparison, plan=comparison.plan.named(hostile)))
    assert text.splitlines()[:2] == [f"# looprace: {escape_markdown(hostile)}", ""]
    assert "<script" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_reason_smuggles_in_html_or_a_row(hostile: str) -> None:
    """Whatever reason an arm gives, it stays on its line, without tags, and adds no row."""
    text = markdown.render(compared({}, record(MANUAL, 1, None, status="failed", reason=hostile)))
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
    text = markdown.render(report_of(plan(race()), ENVIRONMENT | {"machine": machine}, records))
    assert len(rows_of(text)) == 2 + 1
    assert "<script" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("place", ["Repeat it", "- ``"])
def test_a_backtick_does_not_end_a_quotation(place: str) -> None:
    """A command or a name with backticks in it stays inside its quotation, and so do the tags between them."""
    hostile = "`<script>x</script>`"
    failed = record(arm(f"linear/{hostile}"), 1, None, status="failed", reason="broke")
    text = markdown.render(compared({}, failed, command=f"python -m bench run --results '{hostile}'"))
    line = next(line for line in text.splitlines() if line.startswith(place))
    assert "<script" not in re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)


def test_the_head_names_machine_and_software() -> None:
    """Run, processor, cores, GPU, torch and Python stand above the first table, the command below the last."""
    text = markdown.render(compared({MANUAL: 5e-4}, command="python -m bench run --effort quick"))
    assert text.startswith("# looprace: 2026-11-23T10-00-00-abcd\n")
    assert "Made-up 9000, 2 cores, no GPU; torch 2.13.0+cpu, Python 3.11.7" in text
    assert "Repeat it with `python -m bench run --effort quick`." in text


def test_an_unknown_machine_is_left_out() -> None:
    """Where the environment was lost there is no line about it, and all else is there."""
    text = markdown.render(compared({MANUAL: 5e-4}, environment={}))
    assert "None" not in text
    assert len(rows_of(text)) == 2 + 2


def test_findings_warnings_and_meanings_are_all_there() -> None:
    """Every finding, every warning with its advice, and the meaning of every column are in the text."""
    floor = rounds(FLOOR, 1e-5, work="floor", judgement=None)
    comparison = report_of(plan(race(MANUAL, FLOOR)), ENVIRONMENT, [*rounds(MANUAL, 4e-4), *floor])
    text = markdown.render(comparison).replace("\\_", "_")
    for said in (
        *(each.text for each in comparison.races[0].findings),
        *(f"{each.text}.** {each.advice}." for each in comparison.warnings),
    ):
        assert said in text
    assert comparison.warnings
    columns = columns_of(comparison.races[0].rows)
    assert "x floor" in {column.head for column in columns}
    assert [] == [column.head for column in columns if f": {column.meaning}\n" not in text]


def test_classes_are_headed_when_there_are_several() -> None:
    """Faithful arms, algorithmic arms and floors have a row each that names them, with as many bars as any other."""
    comparison = floored({MANUAL: 5e-4}, *rounds(MOMENTS, 1e-8, work="algorithmic"))
    rows = rows_of(markdown.render(comparison))
    assert [row for row in rows if "*" in row] == [row for row in rows if row.split("|")[2].strip().startswith("*")]
    assert [row.split("|")[2].strip() for row in rows if "*" in row] == ["*faithful:*", "*algorithmic:*", "*floors:*"]
    assert {bars(comparison)} == {len(BAR.findall(row)) for row in rows}
    assert "*faithful:*" not in markdown.render(compared({MANUAL: 5e-4}))


def test_a_sweep_has_its_table_and_those_of_its_races() -> None:
    """A sweep's own table and crossings stand first, then the whole table of each race."""
    speeds = {"linear/nn_sgd": lambda rows: 1e-4 + 1e-9 * rows, "linear/c": lambda rows: 1e-6 + 1e-8 * rows}
    comparison = grown(speeds, (100, 1_000, 100_000))
    assert comparison.sweep is not None
    text = markdown.render(comparison)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads[0] == "## linear/line, 1 feature, float32, full batch, 1 thread, 3 sizes from 100 to 100 000 rows"
    assert len(heads) == 4
    assert "- linear/c cpu eager becomes slower than linear/nn\\_sgd cpu eager at " in text
    assert [] == [c.head for c in sweep_columns(comparison.sweep) if f"- **{c.head}**: {c.meaning}\n" not in text]
    assert len(rows_of(text)) == 2 + 2 + 3 * (2 + 2)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_breaks_the_table_of_a_sweep(hostile: str) -> None:
    """Whatever an implementation is called, each row of a sweep's table has as many bars as its head."""
    speeds = {"linear/nn_sgd": lambda _: 4e-4, f"linear/{hostile}": lambda _: 1e-4}
    text = markdown.render(grown(speeds, (100, 1_000)))
    table = rows_of(text.partition("\n## ")[2].partition("\n## ")[0])
    assert len({len(BAR.findall(row)) for row in table}) == 1
    assert "<script" not in text


def test_a_summary_fits_the_page_of_a_job() -> None:
    """However many races a run has, the text stays below 1 024 KiB, and says how many races it left out."""
    names = [f"linear/way_{number:03d}" for number in range(100)]
    races = [race(*(arm(name, rows=rows) for name in names), twin=None) for rows in range(1, 101)]
    comparison = report_of(plan(*races), ENVIRONMENT, [])
    text = markdown.render(comparison)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(text.encode()) < 1024 * 1024
    assert 0 < len(heads) < 100
    assert f"**{100 - len(heads)} more races have no room here" in text
    assert text.rstrip().endswith("`python -m bench run`.")


def test_a_step_has_its_patch_in_a_block() -> None:
    """The lines stand as they are between fences; below the table is what does not apply, and what the step is like."""
    text = markdown.render(everything())
    assert f"For whole\\_graph, put these lines at the end of my\\_step.py:\n\n```python\n{LONG}```\n" in text
    assert "A two-layer classifier on handwritten digits." in text
    assert "- WRONG ANSWER of compile\\_step: change of 0.weight is off by 21.4 bits (50.1 in float64)" in text
    assert "Does not apply here:\n\n- cuda\\_graph, tf32, capturable: needs a GPU, and there is none.\n" in text
    assert re.search(r"\| 1 \| whole\\_graph \| 2\d\d ± 1\d \| 0\.3 \|", text)
    assert [] == [words for words in ("oracle", "whole job", "final loss", "impls/") if words in text]


@pytest.mark.parametrize("hostile", [*HOSTILE, "```\n<script>\n````"])
def test_nothing_in_a_step_smuggles_in_html(hostile: str) -> None:
    """Outside of the block nothing is a tag or a row, and nothing in the patch ends the block."""
    text = markdown.render(hostile_step(hostile))
    ((fence, block),) = re.findall(r"^(`{3,})python\n(.*?)\n\1$", text, re.MULTILINE | re.DOTALL)
    assert fence not in block
    outside = re.sub(r"(`+) .*? \1", "", text.replace(block, ""))  # code in a line is text, too
    assert "<script" not in outside
    assert "<b>" not in outside
    assert "\x1b" not in text
    assert len({len(BAR.findall(row)) for row in rows_of(outside)}) == 1
