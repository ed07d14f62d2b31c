"""The published runs: what the README shows is what today's code makes of their records."""

import re
from pathlib import Path

import pytest

from bench.results.store import Store
from bench.selfbench import gate_calibration, gate_score
from reports import write
from reports.gate.score import figure
from reports.profile.profiled import profiled_of
from reports.run.comparison import compare
from tests.conftest import ROOT
from tests.reports.parsed import Parsed

PUBLISHED = sorted(path.parent for path in (ROOT / "reports" / "published").glob("*/plan.json"))
SCORE = ROOT / "reports" / "published" / "gate-score"
EXAM = ROOT / "reports" / "published" / "gate-exam"


def test_what_the_readme_shows_is_there() -> None:
    """Every picture and page of a published run that the README links to exists, and each run has its page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\((reports/published/[^)]*)\)", readme)
    assert [] == [each for each in linked if not (ROOT / each).is_file()]
    for path in PUBLISHED:
        assert f"{path.relative_to(ROOT)}/index.html" in linked


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_a_published_report_is_what_its_records_say(path: Path, tmp_path: Path) -> None:
    """Drawn again from its records, the tables are the same; `python -m bench report PATH` renews them."""
    store = Store(path)
    records, complaints = store.records()
    assert complaints == []
    comparison = compare(store.plan(), store.environment(), records)
    profiled, _ = profiled_of(store, comparison.races)
    names = write.write(comparison, records, store, Store(tmp_path), (), profiled)
    for name in ("summary.md", "exports/records.csv", "exports/bencher.json"):
        assert (path / name).read_bytes() == (tmp_path / name).read_bytes(), name
    assert [] == [name for name in names if not (path / name).is_file()]
    shown, drawn = (Parsed((each / "index.html").read_bytes()).text for each in (path, tmp_path))
    assert shown == drawn


def test_the_published_score_is_what_its_trials_say() -> None:
    """Every rule is applied again to the raw blocks; the table and the numbers behind the picture are the same."""
    made = figure.files(gate_score.tally(SCORE))
    for name in ("summary.md", "score.csv"):
        assert (SCORE / name).read_bytes() == made[name], name
    assert all((SCORE / name).is_file() for name in made)


@pytest.mark.parametrize(
    ("sitting", "comparisons"),
    [
        ("order-drawn/quiet", 120),
        ("order-drawn/beside-tests", 68),
        ("servers-side-by-side/quiet", 120),
        ("servers-side-by-side/beside-tests", 26),
        ("laps-in-stretches/quiet", 300),
        ("workers-forked/quiet", 192),
        ("layout-held/quiet", 32),
        ("layout-by-chance/quiet", 252),
        ("layout-by-chance/beside-tests", 13),
    ],
)
def test_the_gate_suspected_nothing_in_the_published_exam(sitting: str, comparisons: int) -> None:
    """The rule as it is now, applied to all rounds of unchanged code: what GATE.md says of them."""
    outcomes = [trial.ours for trial in gate_score.trials(EXAM / sitting) if trial.ours and trial.level == 0]
    assert len(outcomes) == comparisons
    assert not any(gate_calibration.flagged(each) for each in outcomes)
    assert {each.decision.word for each in outcomes} <= {"ok", "unresolved"}


@pytest.mark.parametrize(
    ("sitting", "level", "comparisons"),
    [
        ("order-drawn/planted-2-percent", 0.02, 32),
        ("order-drawn/planted-5-percent", 0.05, 32),
        ("servers-side-by-side/planted-2-percent", 0.02, 20),
        ("servers-side-by-side/planted-5-percent", 0.05, 20),
        ("laps-in-stretches/planted-2-percent", 0.02, 20),
        ("laps-in-stretches/planted-5-percent", 0.05, 20),
        ("workers-forked/planted-5-percent", 0.05, 13),
        ("layout-held/planted-2-percent", 0.02, 4),
        ("layout-held/planted-5-percent", 0.05, 6),
        ("layout-by-chance/planted-5-percent", 0.05, 8),
    ],
)
def test_the_gate_called_every_planted_slowdown_of_the_published_exam(
    sitting: str, level: float, comparisons: int
) -> None:
    """Waits of 2 or 5 % of an update."""
    outcomes = [trial.ours for trial in gate_score.trials(EXAM / sitting) if trial.ours and trial.level == level]
    assert ["regressed"] * comparisons == [each.decision.word for each in outcomes]


def test_one_planted_slowdown_of_the_published_exam_stayed_unresolved() -> None:
    """A wait of 2 % in an arm whose rounds deviate by more; none was called ok."""
    outcomes = [trial.ours for trial in gate_score.trials(EXAM / "workers-forked/planted-2-percent") if trial.ours]
    assert sorted(each.decision.word for each in outcomes) == ["regressed"] * 11 + ["unresolved"]


@pytest.mark.parametrize("path", [*PUBLISHED, SCORE, EXAM], ids=lambda path: path.name)
def test_a_published_run_names_no_place_of_the_machine_it_ran_on(path: Path) -> None:
    """No file of it holds the path of somebody's home or of a temporary folder."""
    private = re.compile(rb"/(home|root|tmp|Users)/[A-Za-z0-9._-]+")
    files = [each for each in path.rglob("*") if each.suffix in (".json", ".md", ".html", ".csv", ".folded", ".svg")]
    assert [] == [str(each) for each in files if private.search(each.read_bytes())]
