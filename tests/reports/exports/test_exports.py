"""What all exports have in common: strict formats whatever a run holds, and the same bytes each time."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from bench.results.record import Plan, Record
from reports.exports import bencher, csv_parquet, github_action_benchmark, pyperf_format, pytest_benchmark
from reports.run.report import report_of
from reports.text import sanitize
from tests.reports.records import ENVIRONMENT, MANUAL, REFERENCE, RIGHT, plan, race, record, rounds
from tests.reports.steps import everything

Export = Callable[[Plan, dict[str, Any], list[Record]], bytes]

JSON: dict[str, Export] = {
    "pytest-benchmark": lambda *run: pytest_benchmark.export(report_of(*run)),
    "pyperf": lambda *run: pyperf_format.export(report_of(*run)),
    "github-action-benchmark": lambda *run: github_action_benchmark.export(report_of(*run)),
    "bencher": lambda *run: bencher.export(report_of(*run)),
}
ALL: dict[str, Export] = JSON | {
    "csv": lambda _plan, _environment, records: csv_parquet.to_csv(records).encode(),
    "parquet": lambda _plan, _environment, records: csv_parquet.to_parquet(records),
}

ODD = [
    "<script>alert(1)</script> `x` [bold]|$y$",
    "=HYPERLINK('x')",
    "\x1b[31mred\x1b[0m\x07\x00",
    "right‮to left",
    'a "quoted",\nand broken\r\nname',
    "é" * 3000,
]
NAN, INFINITY = float("nan"), float("inf")


def odd_run() -> tuple[Plan, dict[str, Any], list[Record]]:
    """Arms with names made to harm, whose losses are not finite; and one that failed for a reason of thousands of letters."""
    arms = [replace(MANUAL, implementation=f"linear/{name}") for name in ODD]
    judgements = [replace(RIGHT, loss=loss, distance=loss) for loss in (NAN, INFINITY, -INFINITY, None, 1e308, 5e-324)]
    records = rounds(REFERENCE, 4e-4)
    for one, judgement in zip(arms, judgements, strict=True):
        records += [replace(each, reason="\x1b[2J<b>") for each in rounds(one, 2e-4, 3, judgement=judgement)]
    failed = record(replace(MANUAL, implementation="linear/c"), 1, None, status="failed", reason="no\x1b[1m " * 1_000)
    environment = ENVIRONMENT | {"system": "\x1b[31mLinux\n", "python": ""}
    return plan(race(*arms, failed.arm, twin=None)), environment, [*records, failed]


@pytest.mark.parametrize("name", JSON)
def test_json_is_strict_whatever_a_run_holds(name: str) -> None:
    """Names made to harm, reasons without end and numbers that are not finite leave strict JSON with an entry an arm."""
    content = ALL[name](*odd_run())
    document = json.loads(content, parse_constant=pytest.fail)
    entries = document.get("benchmarks", document) if isinstance(document, dict) else document
    assert len(entries) == 1 + len(ODD)


@pytest.mark.parametrize("name", JSON)
def test_no_text_steers_a_terminal(name: str) -> None:
    """No string of an export holds what steers a terminal or turns the direction of writing; tooltips have lines."""

    def strings(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for pair in value.items() for each in pair for text in strings(each)]
        if isinstance(value, list):
            return [text for each in value for text in strings(each)]
        return [value] if isinstance(value, str) else []

    found = strings(json.loads(ALL[name](*odd_run())))
    assert [] == [text for text in found if not text.replace("\n", "").isprintable()]


def test_pyperf_loads_the_odd_run() -> None:
    """pyperf itself takes the run of odd names."""
    pyperf = pytest.importorskip("pyperf", reason="pyperf is not installed: pip install -e .[consumers]")
    assert len(pyperf.BenchmarkSuite.loads(ALL["pyperf"](*odd_run()).decode())) == 1 + len(ODD)


def test_csv_is_harmless_whatever_a_run_holds() -> None:
    """A record is a row of as many cells as the head; no cell is a formula or steers a terminal."""
    run = odd_run()
    head, *rows = csv.reader(io.StringIO(ALL["csv"](*run).decode(), newline=""))
    assert {len(row) for row in rows} == {len(head)}
    assert len(rows) == len(run[2])
    cells = [cell for row in rows for cell in row]
    assert [] == [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert [] == [
        cell for cell in cells if not cell.translate(dict.fromkeys(map(ord, sanitize.CELL_LAYOUT))).isprintable()
    ]


def test_parquet_keeps_odd_text_as_it_was() -> None:
    """A binary format needs no taming: pandas reads back every name and reason, letter by letter."""
    run = odd_run()
    table = pd.read_parquet(io.BytesIO(ALL["parquet"](*run)))
    assert set(table["implementation"]) == {each.arm.implementation for each in run[2]}
    assert set(table["reason"]) == {each.reason for each in run[2]}


@pytest.mark.parametrize("name", ALL)
def test_the_same_run_gives_the_same_bytes(name: str) -> None:
    """No export holds the moment it was written, or anything else that is not in the run."""
    assert ALL[name](*odd_run()) == ALL[name](*odd_run())


@pytest.mark.parametrize("name", ALL)
def test_a_run_without_records_can_be_exported(name: str) -> None:
    """A run that was stopped before its first round, and lost its environment, still has its exports."""
    assert ALL[name](plan(race(MANUAL)), {}, [])


def test_a_race_of_a_step_is_exported_with_its_answers() -> None:
    """Ranked recipes by their keys, with bits lost; what was not judged has its time, and is no entry of a ranking."""
    report = everything()
    entries = {each["name"]: each for each in json.loads(github_action_benchmark.export(report))}
    key = "my_step.py whole_graph cpu batch 64 hidden 128"
    assert "bits lost: 0.3" in entries[key]["extra"]
    assert not any(
        "dropout" in name or "compile_step" in name for name in {**entries, **json.loads(bencher.export(report))}
    )
    benchmarks = {each["param"]: each for each in json.loads(pytest_benchmark.export(report))["benchmarks"]}
    assert benchmarks[key]["extra_info"]["answer"] == "same"
    assert benchmarks[key]["extra_info"]["setting"]["parameters"] == {"batch": 64, "hidden": 128}
    suite = json.loads(pyperf_format.export(report))
    assert {"batch", "hidden"} <= suite["benchmarks"][0]["metadata"].keys()
    table = pd.read_csv(io.StringIO(csv_parquet.to_csv(report.records)))
    assert set(table["answer"].dropna()) == {
        "identical",
        "same",
        "closer",
        "coarser",
        "different",
        "undecidable",
        "unjudged",
    }
