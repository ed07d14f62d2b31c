"""Writes every report of a run into a folder. Apart because it alone knows which formats there are."""

from collections.abc import Sequence

from bench.record import Record
from bench.store import Store, pretty
from reports import growth_figure, ladder, markdown, pytest_benchmark, tables
from reports.cast import cast_of
from reports.comparison import Comparison
from reports.document import document
from reports.picture import Picture


def write(comparison: Comparison, records: Sequence[Record], run: Store, out: Store) -> list[str]:
    """summary.md, report.json, records.csv, benchmark.json, and figures/.

    Returns the names, first the one to open.
    """
    files = {
        "summary.md": markdown.render(comparison).encode(),
        "report.json": pretty(document(comparison, str(run.path))),
        "records.csv": tables.to_csv(records).encode(),
        "benchmark.json": pytest_benchmark.export(comparison.plan, comparison.environment, records),
    }
    files |= {
        f"figures/{picture.name}.{kind}": content
        for picture in pictures(comparison)
        for kind, content in picture.files.items()
    }
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def pictures(comparison: Comparison) -> list[Picture]:
    """Every picture that the run can honestly give, those that say most first."""
    cast = cast_of(comparison)
    several = len(comparison.races) > 1
    found = [growth_figure.draw(comparison.growth, cast)] if comparison.growth else []
    return found + [
        ladder.draw(result, cast, f"ladder-{result.race.slug}" if several else "ladder") for result in comparison.races
    ]
