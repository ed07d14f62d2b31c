"""Writes every report of a run into a folder. Apart because it alone knows which formats there are."""

from collections.abc import Sequence

from bench.record import Record
from bench.store import Store, pretty
from reports import growth_figure, ladder, markdown, pytest_benchmark, tables
from reports.comparison import Comparison
from reports.document import document


def write(comparison: Comparison, records: Sequence[Record], run: Store, out: Store) -> list[str]:
    """summary.md, report.json, records.csv, benchmark.json, a ladder a race; of a sweep growth.csv and its picture.

    Returns the names, first the one to open.
    """
    files = {
        "summary.md": markdown.render(comparison).encode(),
        "report.json": pretty(document(comparison, str(run.path))),
        "records.csv": tables.to_csv(records).encode(),
        "benchmark.json": pytest_benchmark.export(comparison.plan, comparison.environment, records),
    }
    if comparison.growth:
        files["growth.csv"] = tables.growth_csv(comparison.growth).encode()
        files |= {f"growth.{kind}": content for kind, content in growth_figure.draw(comparison.growth).items()}
    several = len(comparison.races) > 1
    for result in comparison.races:
        name = f"ladder-{result.race.slug}" if several else "ladder"
        files |= {f"{name}.{kind}": content for kind, content in ladder.draw(result).items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)
