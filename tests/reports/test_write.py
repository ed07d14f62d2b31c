"""The folder of a report: which files a run leaves."""

from pathlib import Path

import pandas as pd
import pytest

from bench.cli import report
from bench.results.store import Store
from reports import formats, write
from reports.formats import FIGURES, Formats
from reports.run.report import read, report_of
from tests.reports.figure_contents import loss_curve
from tests.reports.parsed import Parsed
from tests.reports.records import ENVIRONMENT, MANUAL, arm, compared, grown, rounds
from tests.reports.steps import LONG, answered, everything, reported, swept_step

EXPORTS = {"exports/pytest-benchmark.json", "exports/records.csv"}


def test_a_race_leaves_its_reports(tmp_path: Path) -> None:
    """A single race has a summary, a document, its exports and its figures; nothing of a sweep."""
    comparison = compared({MANUAL: 2e-4})
    names = write.write(comparison, Store(tmp_path), Store(tmp_path))
    assert names[:3] == ["index.html", "summary.md", "report.json"]
    assert EXPORTS == {name for name in names if name.startswith("exports/")}
    assert [] == [name for name in names if "growth" in name]
    assert [] == [name for name in names if not (tmp_path / name).stat().st_size]


def test_more_formats_are_written_on_request(tmp_path: Path) -> None:
    """Figures as PNG and PDF, and every other export; the page links to what is there."""
    report = compared({MANUAL: 2e-4})
    names = write.write(report, Store(tmp_path), Store(tmp_path), Formats(FIGURES, formats.EXPORTS))
    assert {name for name in names if name.startswith("exports/")} == EXPORTS | {
        "exports/pyperf.json",
        "exports/github-action-benchmark.json",
        "exports/bencher.json",
        "exports/records.parquet",
    }
    page = Parsed((tmp_path / "index.html").read_bytes())
    links = {attributes["href"] for attributes, _ in page.all("a") if attributes["href"].startswith("figures/")}
    assert links == {name for name in names if name.startswith("figures/")}
    assert {"figures/ladder.svg", "figures/ladder.csv", "figures/ladder.png", "figures/ladder.pdf"} <= links


def test_every_export_on_request_is_known() -> None:
    """The names that the command line offers are those that can be written."""
    assert set(write.EXPORTS) == set(formats.EXPORTS)


def test_what_cannot_be_read_is_named_on_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record that was cut short is left out, and the page says which it was, and what to do."""
    run = Store(tmp_path)
    comparison = compared({MANUAL: 2e-4})
    run.write_plan(comparison.plan, ENVIRONMENT)
    run.write_round(comparison.plan.races[0], 1, [each for each in comparison.records if each.round == 1])
    cut = next((tmp_path / "records").rglob("linear-manual*.json"))
    cut.write_bytes(cut.read_bytes()[:100])
    report.show(run, run, json_=True)
    page = Parsed((tmp_path / "index.html").read_bytes())
    assert f"{cut} is cut short or is not JSON" in page.text
    assert "is cut short" in capsys.readouterr().err


def test_a_sweep_leaves_its_growth_too(tmp_path: Path) -> None:
    """A sweep has its growth as table and picture, and a ladder a race."""
    speeds = {"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda rows: 1e-6 * rows}
    comparison = grown(speeds, (100, 1_000))
    names = write.write(comparison, Store(tmp_path), Store(tmp_path))
    figures = {name.removeprefix("figures/") for name in names}
    assert {"growth.csv", "growth.svg", "ladder-linear-line-1000x1-full-float32-t1.svg"} <= figures
    table = pd.read_csv(tmp_path / "figures" / "growth.csv")
    assert {"implementation", "device", "mode", "size", "seconds", "low", "high"} <= set(table.columns)
    assert len(table) == 4
    row = table[(table["implementation"] == "linear/c") & (table["size"] == 1_000)].iloc[0]
    assert row["low"] < 1e-3 < row["high"]


def test_a_run_has_every_picture_that_its_records_allow() -> None:
    """Break-even and blocks from any run; a descent allows three more; a watched arm one; each is named once."""
    bare = compared({MANUAL: 2e-4})
    assert [figure.name for figure in write.figures(bare)] == ["ladder", "payoff", "blocks"]
    watched = compared({MANUAL: 2e-4}, *rounds(arm("linear/nn_sgd", watch="draw"), 3e-3))
    curves = {watched.plan.races[0]: loss_curve()}
    names = [figure.name for figure in write.figures(report_of(watched.plan, ENVIRONMENT, watched.records, curves))]
    assert names == ["ladder", "descent", "payoff", "watching", "line", "path", "blocks"]


def test_a_broken_descent_costs_its_pictures_only(tmp_path: Path) -> None:
    """A file that was cut short leaves the others, and page and summary name it."""
    comparison = compared({MANUAL: 2e-4})
    run = Store(tmp_path)
    run.write_plan(comparison.plan, ENVIRONMENT)
    for number in range(1, 6):
        run.write_round(comparison.plan.races[0], number, [each for each in comparison.records if each.round == number])
    run.write_loss_curve(comparison.plan.races[0], loss_curve())
    (file,) = (tmp_path / "descents").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    names = write.write(read(run), run, run)
    drawn = [name.removesuffix(".svg") for name in names if name.endswith(".svg")]
    assert drawn == ["figures/ladder", "figures/payoff", "figures/blocks"]
    assert f"{file} is cut short" in Parsed((tmp_path / "index.html").read_bytes()).text
    assert "is cut short" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_step_leaves_its_patch(tmp_path: Path) -> None:
    """The lines of the fastest recipe are a file; of several races each has its own; where nothing is faster there is none."""
    write.write(everything(), Store(tmp_path), Store(tmp_path))
    assert (tmp_path / "patch.py").read_text() == LONG
    speeds = {"plain": lambda _: 1e-3, "fused": lambda _: 5e-4}
    assert set(write.patches(swept_step(speeds, "hidden", (64, 256)))) == {
        f"patch-my_step.py-batch64-hidden{hidden}-float32-t1.py" for hidden in (64, 256)
    }
    assert write.patches(reported(answered("fused", 2e-3))) == {}
    assert write.patches(compared({MANUAL: 2e-4})) == {}
