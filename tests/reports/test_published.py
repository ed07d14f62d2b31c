"""The published runs: what the README shows is what today's code makes of their records."""

from pathlib import Path

import pytest

from bench.store import Store
from reports import markdown, tables
from reports.comparison import compare
from tests.conftest import ROOT

PUBLISHED = sorted(path.parent for path in (ROOT / "reports" / "published").glob("*/plan.json"))


def test_there_is_something_to_see() -> None:
    """At least one run is published, and the README shows its picture."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert any(f"({path.relative_to(ROOT)}/ladder.svg)" in readme for path in PUBLISHED)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_a_published_report_is_what_its_records_say(path: Path) -> None:
    """Drawn again from its records, the summary and the table are the same; `python -m bench report PATH` renews them."""
    store = Store(path)
    records, complaints = store.records()
    assert complaints == []
    comparison = compare(store.plan(), store.environment(), records)
    assert (path / "summary.md").read_text(encoding="utf-8") == markdown.render(comparison)
    assert (path / "exports" / "records.csv").read_text(encoding="utf-8") == tables.to_csv(records)
