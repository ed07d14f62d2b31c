"""A gate as the summary of a CI job."""

import re

import pytest

from reports.gate import markdown
from reports.gate.summary import report_of
from reports.text.sanitize import escape_markdown
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import KINDS, clocked, counts, found, of, report

OURS = re.compile(r"</?(details|summary)>")


@pytest.mark.parametrize("kind", KINDS)
def test_the_headline_is_first(kind: str) -> None:
    """Who opens the job reads the outcome in the first line."""
    first = markdown.render(report(kind)).splitlines()[0]
    assert first.startswith("## ")
    assert first.endswith(escape_markdown(report(kind).headline))


def test_everything_is_there() -> None:
    """Table, regressions, each arm's sentence, counters, sides and commands."""
    text = markdown.render(report())
    for said in (
        "| linear/manual cpu eager | regressed | +7.3 % | +5.0 to +9.6 % | 12 | - | - |",
        "| linear/no\\_grad cpu eager | operations | 412 | 436 |",
        "| breaks of a graph, in all; more of it fails by itself |",
        "- linear/nn\\_sgd cpu eager: +0.4 % (-0.9 to +1.7): a slowdown of 3 % or more is excluded.",
        "| torch | 2.13.0 | 2.13.0 |",
        "    python -m bench gate --base 0123456789ab --workload linear/line --implementation linear/manual",
        f"    python -m bench gate --resume {verdicts.RUN}",
        "The controls, identical on both sides, differ by +0.10 %",
    ):
        assert said in text
    assert text.count("<details>") == text.count("</details>") == 4


def test_there_is_no_fold_around_nothing() -> None:
    """A gate with nothing to race has no empty table, and no empty fold."""
    text = markdown.render(report("nothing to race"))
    assert "Arm by arm" not in text
    assert "Counters" not in text
    assert "| arm |" not in text


def test_it_stays_below_the_limit_of_a_summary() -> None:
    """Four thousand arms with long reasons take less than 1 MiB; the summary says how many were left out."""
    long = (verdicts.ended("head", "crashed", "\\" * 900),)
    more = counts(operations=(1, 2), allocations=(3, 4))
    many = [found("failed", f"linear/a{n}", clocked(0.1), reasons=long, counts=more) for n in range(4_000)]
    text = markdown.render(report_of(of("failed", *many)))
    assert len(text.encode()) < 2**20
    assert text.count("more have no room here: report.json holds them all") == 3


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """There is no element but our own folds, no extra cell, and no control character."""
    said = markdown.render(verdicts.hostile(text))
    assert all(line.isprintable() for line in said.splitlines())
    prose = [line for line in said.splitlines() if not line.startswith("    ")]
    assert "<" not in OURS.sub("", "\n".join(prose))
    rows = [line for line in prose if line.startswith("|")]
    cells = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in rows}
    assert cells == {7, 6, 4}  # arms, counters, sides
    assert not any(line.startswith("#") for line in prose[1:])
