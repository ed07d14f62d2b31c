"""The report of a comparison, in a terminal, as Markdown, JSON and files, whatever the runs hold."""

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from bench.results.statistics import Estimate
from bench.results.store import Store
from reports.compare import figure, tables
from reports.compare.changes import Changes, compare_runs
from reports.compare.text import doubts, findings, in_digits, in_words
from reports.figures.kit.colours import Palette
from reports.text.chapters import to_markdown
from tests.reports.compare.test_changes import JAX, C, side
from tests.reports.records import ENVIRONMENT, MANUAL, arm, rounds

HOSTILE = arm("linear/<b>\u202e[red]|`_$x$\x1b[31m")


def changed() -> Changes:
    """One arm slower by its own code, one the same, one failed, one that is new."""
    failed = rounds(JAX, None, 1, status="failed", reason="RuntimeError: [bold]no[/bold] \x1b[31m | memory")
    now = side(
        {MANUAL: 2.16e-4, C: 1e-5, arm("linear/new"): 1e-4}, "now", *failed, salt=2, fingerprint={"linear/manual": "b"}
    )
    return compare_runs(now, side({MANUAL: 2e-4, C: 1e-5, JAX: 1e-4}, fingerprint={}))


def screen(found: Changes, width: int = 150) -> str:
    """What the terminal shows."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        for renderable in tables.render(found, width):
            console.print(renderable)
    return capture.get()


def test_the_first_sentences_say_what_changed() -> None:
    """Findings: counts, the slower arm with interval and changed code, identical code, what failed."""
    said = list(findings(changed()))
    assert said[0] == "Against the reference, of 2 arms in both runs: 1 slower, 1 the same."
    assert said[1].startswith("linear/manual cpu eager is slower: against the reference it takes ")
    assert said[1].endswith("; its code has changed.")
    assert said[2].startswith("Identical code, the reference's twin, takes ")
    assert said[3].startswith("linear/jax cpu eager was ok, now failed: RuntimeError")


def test_arms_that_change_together_point_at_the_reference() -> None:
    """When only the reference became slower, all others seem faster, and a sentence says so."""
    speeds = {MANUAL: 2e-4, C: 1e-5, JAX: 1e-4}
    found = compare_runs(side(speeds, "now", salt=2, reference=5e-4), side(speeds))
    (blame,) = [said for said in findings(found) if "together" in said]
    assert blame.startswith("3 of 3 arms are faster together, so it may be linear/nn_sgd that changed")


def test_what_cannot_be_compared_is_a_doubt() -> None:
    """Other machines, other packages, different times, other data: each has a sentence, and only then."""
    speeds = {MANUAL: 2e-4}
    elsewhere = ENVIRONMENT | {"machine": ENVIRONMENT["machine"] | {"processor": "Another 1"}}
    older = ENVIRONMENT | {"packages": {"torch": "2.12.0", "numpy": "2.4.6"}}
    moments = list(doubts(compare_runs(side(speeds, "now", salt=2), side(speeds))))
    assert ["The runs were made at different times" in said for said in moments] == [True]
    (machines,) = doubts(compare_runs(side(speeds, "now"), side(speeds, environment=elsewhere)))
    assert "processor: Another 1 then, Made-up 9000 now" in machines
    (packages,) = doubts(compare_runs(side(speeds, "now"), side(speeds, environment=older)))
    assert packages.startswith("Seconds are not compared")
    data = compare_runs(side(speeds, "now", digest={"linear/manual": "b"}), side(speeds, digest={}))
    assert "Not compared (other data): linear/manual cpu eager." in list(doubts(data))


@pytest.mark.parametrize(
    ("estimate", "long", "short"),
    [
        (Estimate(1.081, 1.062, 1.101, 5), "8.1 % longer (95 %: 6.2 to 10.1 %)", "+8.1 ± 1.9 %"),
        (Estimate(0.9, 0.89, 0.91, 5), "10.0 % less (95 %: 9.0 to 11.0 %)", "-10.0 ± 1.0 %"),
        (Estimate(3.2, 3.15, 3.25, 5), "3.20 times as long (95 %: 3.15 to 3.25 times)", "x 3.200 ± 0.050"),
        (Estimate(1.02, None, None, 1), "2.0 % longer", "+2.0 %"),
        (Estimate(1.0, 1.0, 1.0, 5), "0.0 % longer (95 %: 0.0 to 0.0 %)", "+0.0 ± 0.0 %"),
    ],
)
def test_a_change_is_told_in_the_digits_it_has(estimate: Estimate, long: str, short: str) -> None:
    """Per cent up to twice or half, times beyond; the interval where there is one."""
    assert (in_words(estimate), in_digits(estimate)) == (long, short)


def test_all_reports_tell_the_same() -> None:
    """Each finding, each arm and each doubt stands in Markdown, and in the JSON document."""
    found = changed()
    text, document = (
        to_markdown(found.title, [tables.chapter(found)]),
        json.dumps(tables.document(found), allow_nan=False),
    )
    for said in ("linear/manual cpu eager", "was ok, now failed", "is slower", "linear/line linear/new cpu eager"):
        assert said in text
        assert said in document
    assert "Only in now: linear/line linear/new cpu eager" in screen(found)


@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal; what was left out is named."""
    lines = screen(changed(), width).splitlines()
    assert max(map(len, lines)) <= width
    assert ("no room here for" in " ".join(lines)) == (width < 200)


def test_hostile_names_stay_text() -> None:
    """Markup, pipes, escapes and marks of direction stay text."""
    found = compare_runs(side({HOSTILE: 1e-4}, "now\x1b[31m\u202e", salt=2), side({HOSTILE: 1e-4}, "then"))
    for text in (screen(found), to_markdown(found.title, [tables.chapter(found)])):
        assert "\x1b" not in text
        assert "\u202e" not in text
    (row,) = [
        line
        for line in to_markdown(found.title, [tables.chapter(found)]).splitlines()
        if line.startswith("| linear/&lt;b")
    ]
    assert row.replace("\\|", "").count("|") == 9


def test_it_leaves_its_files(tmp_path: Path) -> None:
    """Page, Markdown, JSON and figure are written, twice the same bytes; the CSV holds every arm."""
    found = changed()
    contents = []
    for name in ("one", "two"):
        names = tables.write(found, Palette({}), Store(tmp_path / name))
        contents.append([(tmp_path / name / each).read_bytes() for each in names])
    assert names == [
        "against.html",
        "against.md",
        "against.json",
        *(f"figures/against.{kind}" for kind in ("svg", "csv")),
    ]
    assert contents[0] == contents[1]
    table = pd.read_csv(tmp_path / "one" / "figures" / "against.csv").set_index("arm")
    assert table.loc[MANUAL.label, "change"] == pytest.approx(1.08, abs=0.02)
    assert table["change"].isna().sum() == 2  # what failed, and the reference itself


def test_the_figure_holds_every_arm_that_has_a_change() -> None:
    """Names and changes stand in the SVG as text, however hostile; arms without a change are in the notes."""
    now = side({MANUAL: 2.16e-4, HOSTILE: 1e-2}, "now", *rounds(JAX, None, 1, status="failed"), salt=2)
    found = compare_runs(now, side({MANUAL: 2e-4, HOSTILE: 1e-5, JAX: 1e-4}))
    svg = figure.draw(found, now.palette).files["svg"].decode()
    for said in ("linear/manual cpu eager", "&lt;b&gt;", "$x$", "slower", "linear/jax cpu eager was ok, now failed"):
        assert said in svg
    assert "\u202e" not in svg


def test_the_figure_of_nothing_says_so() -> None:
    """The figure of two machines' runs says that there is no change to draw."""
    found = compare_runs(side({MANUAL: 2e-4}, "now", environment={}), side({MANUAL: 2e-4}))
    assert "No change can be given" in figure.draw(found, Palette({})).files["svg"].decode()
