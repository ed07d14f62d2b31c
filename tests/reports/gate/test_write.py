"""The files that a gate leaves."""

import json
from pathlib import Path

import pytest

from bench.results.store import Store
from reports.gate import write
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import KINDS, report
from tests.reports.parsed import Parsed, picture

FILES = ["index.html", "summary.md", "report.json", *(f"figures/gate.{kind}" for kind in ("svg", "csv"))]


def test_it_leaves_its_files(tmp_path: Path) -> None:
    """The page first; twice the same bytes; the plan that is there already stays as it was."""
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gate.json").write_text("the plan")
        assert write.write(report(), Store(tmp_path / name)) == FILES
        contents.append([(tmp_path / name / each).read_bytes() for each in FILES])
        assert (tmp_path / name / "gate.json").read_text() == "the plan"
    assert contents[0] == contents[1]
    assert json.loads(contents[0][2])["verdict"] == "regressed"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_was_found(kind: str) -> None:
    """Its heading is the headline; every arm that was raced stands in its table."""
    made = report(kind)
    page = Parsed(write.page(made, picture("gate")))
    assert page.one("h1") == made.headline
    cells = {text for _, text in page.all("td")}
    for row in made.rows:
        assert (row.name in cells) == (row.word != "identical")


def test_the_page_has_counters_sides_and_commands() -> None:
    """What stands behind a fold in the summary stands here in tables."""
    text = Parsed(write.page(report(), picture("gate"))).one("body")
    for said in ("operations", "412", "436", "2.13.0", "--implementation linear/manual", f"--resume {verdicts.RUN}"):
        assert said in text


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    """Hostile text makes no element and no attribute, and the page has no control characters."""
    tame, hostile = (verdicts.hostile(each) for each in ("tame", text))
    plain, found = (Parsed(write.page(each, picture("gate"))) for each in (tame, hostile))
    assert {tag for tag, _ in found.elements} == {tag for tag, _ in plain.elements}
    assert [set(attributes) for tag, attributes in found.elements if tag != "img"] == [
        set(attributes) for tag, attributes in plain.elements if tag != "img"
    ]
    assert found.strays == plain.strays
    assert found.one("body").replace("\n", "").isprintable()
