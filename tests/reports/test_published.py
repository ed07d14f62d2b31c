"""The published runs and trials of gates: their archives can be read and reported, and say what the documents say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.results import archive
from bench.results.scores.faults import Faults
from bench.results.scores.ranks import Series, steadiness
from bench.results.store import read
from bench.selfbench import gate_calibration, gate_score, referee_score
from bench.selfbench.gate_score import Outcome
from reports.gate.score import table
from reports.referee import table as referee_table
from reports.run import markdown
from reports.run.report import report_of
from reports.scores import faults as faults_table
from reports.scores import ranks as ranks_table
from tests.conftest import ROOT

PUBLISHED = ROOT / "reports" / "published"
RUNS = sorted(PUBLISHED.glob("*/run.tar.gz"))
TRIALS = sorted(PUBLISHED.glob("*/trials.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trials of the published score and exam, each in its folder."""
    folder = tmp_path_factory.mktemp("published")
    for path in TRIALS:
        archive.unpack(path, folder)
    return folder


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.parent.name)
def test_a_published_run_can_be_reported(path: Path, tmp_path: Path) -> None:
    """Every record of its archive is read, and its summary names every arm that a report of today names."""
    with archive.opened(str(path), tmp_path) as store:
        records, complaints = store.records()
        comparison = report_of(store.plan(), store.environment(), records)
    assert complaints == []
    assert len(records) > 30
    arms = re.compile(r"linear/\w[\w\\]*")
    summary = path.with_name("summary.md").read_text("utf-8")
    assert set(arms.findall(markdown.render(comparison))) <= set(arms.findall(summary))


def test_published_results_stay_few_and_small() -> None:
    """Archives, summaries and the pictures that documents show: at most 31 files and 3 MB."""
    files = [path for path in PUBLISHED.rglob("*") if path.is_file()]
    assert len(files) <= 31
    assert sum(path.stat().st_size for path in files) <= 3_000_000


def test_every_published_picture_is_shown() -> None:
    """A picture that no document shows is not kept: `report` draws it from the archive."""
    documents = "".join(
        (ROOT / name).read_text("utf-8") for name in ("README.md", "GATE.md", "STEPS.md", "DECISIONS.md")
    )
    assert [] == [str(path) for path in PUBLISHED.rglob("*.svg") if path.relative_to(ROOT).as_posix() not in documents]


def test_the_published_score_can_be_told_from_its_trials(unpacked: Path) -> None:
    """Every rule, applied again to the raw blocks, gives the counts of the published table."""
    score = gate_score.score(unpacked / "gate-score")
    summary = (PUBLISHED / "gate-score" / "summary.md").read_text("utf-8")
    counted = re.compile(r"\d+ of \d+ \([^)]*\)")
    assert counted.findall(summary) == counted.findall(table.render(score))


def test_the_published_exam_of_the_referee_can_be_told_from_its_papers(unpacked: Path) -> None:
    """The judgements of every step come to the published table, letter by letter."""
    score = referee_score.score(referee_score.papers(unpacked / "referee-exam"))
    assert referee_table.render(score) == (PUBLISHED / "referee-exam" / "summary.md").read_text("utf-8")
    assert score.methods[0].missed == 0


def test_the_published_ranks_can_be_told_from_their_sittings() -> None:
    """The table is that of the sittings beside it, and no pair of arms was called different both ways."""
    series = read(PUBLISHED / "ranks" / "series.json", Series)
    assert ranks_table.render(series) == (PUBLISHED / "ranks" / "summary.md").read_text("utf-8")
    assert steadiness(series)[0].told == 0


def test_the_published_exam_of_faults_can_be_told_from_its_kills() -> None:
    """The table is that of the kills beside it; looprace survived each of at least 450, and read or refused every damage."""
    faults = read(PUBLISHED / "faults" / "faults.json", Faults)
    assert faults_table.render(faults) == (PUBLISHED / "faults" / "summary.md").read_text("utf-8")
    own = [kill for kill in faults.kills if kill.tool == "looprace"]
    assert len(own) >= 450
    assert all(kill.survived for kill in own)
    assert {"read", "refused"} == {damage.ended for damage in faults.damages}


def outcomes(folder: Path) -> Iterator[Outcome]:
    """What our gate said in each trial of a folder."""
    return (trial.ours for trial in gate_score.trials(folder) if trial.ours)


@pytest.mark.parametrize(("part", "comparisons"), [("no-change", 120), ("beside-tests", 68)])
def test_the_gate_suspected_nothing_in_the_published_exam(part: str, comparisons: int, unpacked: Path) -> None:
    """The rule as it is now, applied to all rounds of unchanged code: no arm was suspected, every one was ok."""
    found = list(outcomes(unpacked / "gate-exam" / part))
    assert ["ok"] * comparisons == [outcome.decision.word for outcome in found]
    assert not any(gate_calibration.flagged(outcome) for outcome in found)


@pytest.mark.parametrize("part", ["two-percent", "five-percent"])
def test_the_gate_called_every_planted_slowdown_of_the_published_exam(part: str, unpacked: Path) -> None:
    """Waits of 2 or 5 % of an update were called regressions, all 32 of each."""
    found = list(outcomes(unpacked / "gate-exam" / part))
    assert ["regressed"] * 32 == [outcome.decision.word for outcome in found]


def test_nothing_published_names_a_place_of_the_machine_it_ran_on(unpacked: Path, tmp_path: Path) -> None:
    """No published file, and none inside the archives, holds the path of a home or of a temporary folder."""
    private = re.compile(rb"/(home|root|tmp|Users)/[A-Za-z0-9._-]+")
    for path in RUNS:
        archive.unpack(path, tmp_path)
    folders = (tmp_path, unpacked, PUBLISHED)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".gz"]
    assert [] == [str(path) for path in files if private.search(path.read_bytes())]
