"""What reports show of a run or a gate, in memory and without pictures: for those who look at what damaged files do."""

from pathlib import Path

from bench.gate.rule.verdict import verdict
from bench.results.gate_store import GateStore
from bench.results.store import Store, pretty
from reports.exports import csv_parquet, pytest_benchmark
from reports.gate import json_document as of_gate
from reports.gate import markdown as gate_markdown
from reports.gate import summary
from reports.html import run_page
from reports.json_document import document
from reports.run import markdown
from reports.run.report import read


def run_shown(folder: Path) -> str:
    """The summary of a run, once its document, its page and its exports could be made, too."""
    store = Store(folder)
    report = read(store)
    pretty(document(report, ""))
    run_page.render(report, [], store)
    csv_parquet.to_csv(report.records)
    csv_parquet.to_parquet(report.records)
    pytest_benchmark.export(report)
    return markdown.render(report)


def gate_shown(folder: Path) -> str:
    """The same of a gate."""
    store = GateStore(Store(folder))
    plan = store.plan()
    rounds = {cell.slug: store.rounds(cell) for cell in plan.cells}
    counts = {cell.slug: each for cell in plan.cells if (each := store.counts(cell)) is not None}
    report = summary.report_of(verdict(plan, rounds, counts, most=plan.most, seconds=0.0))
    pretty(of_gate.document(report))
    return gate_markdown.render(report)


SHOWS = {"format": run_shown, "gate": gate_shown}  # by the beginning of a folder's name
