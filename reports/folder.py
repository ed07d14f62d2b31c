"""Writes every report of a run into a folder. Apart because it alone knows which formats there are."""

from collections.abc import Sequence

from bench.record import Record
from bench.store import Store, pretty
from reports import (
    bencher,
    github_action_benchmark,
    growth_figure,
    ladder,
    markdown,
    pyperf_format,
    pytest_benchmark,
    tables,
)
from reports.cast import cast_of
from reports.comparison import Comparison
from reports.document import document
from reports.picture import Picture


def write(comparison: Comparison, records: Sequence[Record], run: Store, out: Store) -> list[str]:
    """summary.md, report.json, exports/ and figures/.

    Returns the names, first the one to open.
    """
    files = {
        "summary.md": markdown.render(comparison).encode(),
        "report.json": pretty(document(comparison, str(run.path))),
        "exports/pytest-benchmark.json": pytest_benchmark.export(comparison.plan, comparison.environment, records),
        "exports/github-action-benchmark.json": github_action_benchmark.export(comparison),
        "exports/bencher.json": bencher.export(comparison),
        "exports/pyperf.json": pyperf_format.export(comparison.plan, comparison.environment, records),
        "exports/records.csv": tables.to_csv(records).encode(),
        "exports/records.parquet": tables.to_parquet(records),
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
