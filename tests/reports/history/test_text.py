"""The report of a history, in a terminal, as Markdown, CSV, JSON and figure, whatever the runs hold."""

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from bench.results.record import Arm
from bench.results.store import Store
from reports.history import figure, tables
from reports.history.text import findings, sentence, steps
from reports.history.trends import Histories, History, PastRun, histories
from reports.text.chapters import to_markdown
from tests.reports.history.test_trends import C, only, past
from tests.reports.records import ENVIRONMENT, MANUAL, arm

HOSTILE = arm("linear/<b>\u202e[red]|`_$x$\x1b[31m" + "long" * 60)
JAX = arm("linear/jax")


def slower(at: int = 6, count: int = 12) -> list[PastRun]:
    """Runs in which one arm becomes slower at the given run, with another PyTorch and commit."""

    def environment(number: int) -> dict[str, object]:
        torch = "2.13.0" if number >= at else "2.12.0"
        return ENVIRONMENT | {"packages": {"torch": torch}, "revision": {"commit": f"{number:07d}", "changed": False}}

    speeds = {MANUAL: 2e-4, C: 1e-5, JAX: 1e-4}
    return [
        past(
            n,
            {one: s * (1.1 if one == MANUAL and n >= at else 1) for one, s in speeds.items()},
            environment=environment(n),
        )
        for n in range(count)
    ]


def screen(found: Histories, width: int = 150) -> str:
    """What the terminal shows."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        for renderable in tables.render(found, width):
            console.print(renderable)
    return capture.get()


def test_a_change_has_a_sentence_with_what_else_was_different() -> None:
    """The sentence names arm, size, run, commits and the package that changed."""
    history = only(slower())
    (step,) = steps(history)
    said = sentence(history, step)
    assert said.endswith(
        "longer against the reference than before, since run run-006 (commit 0000005 → 0000006; torch 2.12.0 → 2.13.0)"
    )
    assert f"linear/manual cpu eager {said}." in list(findings(history))
    assert next(findings(history)) == "Over 12 runs, 1 of 4 arms changed for good."


def test_code_that_changed_is_told() -> None:
    """The sentence says that the code of the arm, or of the reference, has changed."""
    runs = [past(n, {C: 1e-5 * (1.2 if n >= 5 else 1)}, fingerprint="new" if n >= 5 else "old") for n in range(10)]
    history = only(runs)
    assert "its code has changed; the code of the reference has changed" in sentence(history, steps(history)[0])


def test_arms_that_change_together_point_at_the_reference() -> None:
    """When the reference becomes slower, one sentence suspects it, and its own sentence goes by the clock."""
    speeds: dict[Arm, float | None] = {MANUAL: 2e-4, C: 1e-5, JAX: 1e-4}
    runs = [past(n, speeds, reference=4e-4 * (2 if n >= 8 else 1)) for n in range(16)]
    said = list(findings(only(runs)))
    (blame,) = [
        each for each in said if "it may be the reference that did: linear/line linear/nn_sgd cpu eager" in each
    ]
    assert blame.startswith(
        "3 arms take 0.499 to 0.501 times as long against the reference as before, since run run-008"
    )
    assert any("linear/nn_sgd cpu eager takes" in each and "by the clock" in each for each in said)


def test_few_runs_say_what_they_want() -> None:
    """The findings of one run say how many more runs are needed."""
    said = list(findings(only(slower(count=1))))
    assert said == ["4 arms need 4 more runs of two or more rounds before a change can be found: that takes 5 runs."]


def test_an_arm_that_fails_at_last_is_told() -> None:
    """An arm that was right before and fails in the latest run has a sentence with the reason."""
    history = only([past(n, {C: None if n == 5 else 1e-5}) for n in range(6)])
    assert "linear/c cpu eager was ok before, and its status in the latest run is failed: out of luck." in list(
        findings(history)
    )


def test_all_reports_tell_the_same() -> None:
    """Change and run stand in terminal, Markdown, JSON and CSV."""
    found = histories(slower())
    document = tables.document(found)
    json.dumps(document, allow_nan=False)
    (change,) = document["histories"][0]["changes"]
    assert (change["run"], change["label"]) == ("run-006", MANUAL.label)
    for text in (screen(found), to_markdown(tables.TITLE, tables.report(found))):
        assert "since run run-006" in " ".join(text.split())
    verdicts = [each["verdict"] for each in document["histories"][0]["arms"]]
    assert verdicts == ["slower", "steady", "steady", "steady"]


def test_the_csv_has_a_line_for_each_arm_of_each_run(tmp_path: Path) -> None:
    """The CSV has the level of each run; a run without a value has none."""
    runs = [past(n, {C: None if n == 3 else 1e-5 * (1 + (n >= 6))}) for n in range(12)]
    path = tmp_path / "history.csv"
    path.write_text(tables.to_csv(histories(runs)), encoding="utf-8")
    table = pd.read_csv(path)
    mine = table[table["implementation"] == "linear/c"]
    assert len(table) == 24
    assert list(mine["status"]) == ["ok"] * 3 + ["failed"] + ["ok"] * 8
    assert mine["ratio_level"].nunique() == 2
    assert mine["ratio_level"].isna().sum() == 1


@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal."""
    assert max(map(len, screen(histories(slower()), width).splitlines())) <= width


def test_no_history_at_all_is_said() -> None:
    """Where no run names its machine, the report says that no run can be shown."""
    found = histories([past(0, {C: 1e-5}, environment={})])
    assert "No run can be shown." in screen(found)
    assert "run-000 does not say on what machine it ran" in to_markdown(tables.TITLE, tables.report(found))


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Names of any characters and any length stay text in terminal, Markdown and figure."""
    found = histories([past(n, {HOSTILE: 1e-5, C: None}) for n in range(3)])
    names = tables.write(found, Store(tmp_path))
    texts = [screen(found)] + [(tmp_path / name).read_text("utf-8") for name in names if name.endswith((".md", ".svg"))]
    assert len(texts) == 3
    for text in texts:
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert all("<b>" not in text for text in texts[1:])


def test_it_leaves_its_files_twice_the_same(tmp_path: Path) -> None:
    """Page, Markdown, CSV, JSON and a figure for each machine are written, twice the same bytes."""
    elsewhere = ENVIRONMENT | {"machine": ENVIRONMENT["machine"] | {"processor": "Another 1"}}
    found = histories([*slower(), past(20, {C: 1e-5}, environment=elsewhere)])
    contents = []
    for name in ("one", "two"):
        names = tables.write(found, Store(tmp_path / name))
        contents.append([(tmp_path / name / each).read_bytes() for each in names])
    assert names[:4] == ["history.html", "history.md", "history.json", "history.csv"]
    assert {"figures/history.svg", "figures/history-1.csv"} <= set(names)
    assert contents[0] == contents[1]


def drawn(history: History) -> str:
    """The figure as SVG."""
    return figure.draw(history, "twelve runs").files["svg"].decode()


def test_the_figure_shows_what_changed_first() -> None:
    """Of 30 arms the one that changed has the first plot, with size and day; arms without a plot are counted."""
    many: dict[Arm, float | None] = {arm(f"linear/way_{n:02d}"): 1e-5 * 1.1**n for n in range(30)}
    last = arm("linear/way_29")
    runs = [past(n, many | {last: 2e-4 * (1.2 if n >= 6 else 1)}) for n in range(12)]
    history = only(runs)
    assert figure.chosen(history)[0].key == last.label
    svg = drawn(history)
    assert "19 other arms: no change was found in any of them" in svg
    assert "05-01" in svg
    assert svg.index("linear/way_29") < svg.index("linear/way_00")


def test_the_figure_of_failures_says_so() -> None:
    """The figure of a history without a time names the arms."""
    history = only([past(n, {C: None, MANUAL: None}, reference=0.0) for n in range(3)])
    svg = drawn(history)
    assert "Nothing was measured" in svg
    assert "Never measured: " in svg
