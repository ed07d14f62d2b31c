"""Records as data frames and CSV: complete, readable by pandas, and harmless in a spreadsheet."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from bench.results.record import Record
from impls.contract.setting import Setting
from reports.exports import csv_parquet
from reports.text import sanitize
from tests.reports.records import ANALYTIC, BLOCK, LAPS, MANUAL, WRONG, arm, record, rounds

REASONS = [
    '=HYPERLINK("http://x")',
    "+1",
    "-1+2",
    "@SUM(A1)",
    "\tx",
    "plain",
    'a "quoted", reason\nof two lines',
    "wait\r\nready",
    "",
]


def read(records: list[Record]) -> pd.DataFrame:
    """The CSV of records as pandas reads it, with nothing taken for missing but empty cells."""
    return pd.read_csv(io.StringIO(csv_parquet.to_csv(records), newline=""), keep_default_na=False, na_values=[""])


def cell(table: pd.DataFrame, row: int, column: str) -> Any:
    """One cell."""
    return table[column].iloc[row]


def test_every_record_is_a_row() -> None:
    """The frame has one row an arm and round, in the records' order, with a column for every coordinate."""
    records = [*rounds(MANUAL, 4e-4, 3), record(ANALYTIC, 1, None, status="failed", reason="broke")]
    table = csv_parquet.frame(records)
    assert list(table["implementation"]) == ["linear/manual"] * 3 + ["linear/analytic"]
    assert list(table["round"]) == [1, 2, 3, 1]
    assert set(Setting.__dataclass_fields__) <= set(table.columns)


def test_a_row_holds_the_median_of_its_blocks() -> None:
    """Seconds an update are the median over the round's laps, of blocks divided by their updates."""
    records = rounds(MANUAL, 4e-4, 2)
    table = csv_parquet.frame(records)
    expected = [float(np.median(each.blocks)) / BLOCK for each in records]
    np.testing.assert_allclose(table["seconds_per_update"], expected, rtol=1e-12)
    assert list(table["blocks"]) == [LAPS, LAPS]


def test_an_arm_without_blocks_has_empty_cells() -> None:
    """What was not measured is empty, and status and reason are there."""
    table = read([record(MANUAL, 1, None, status="timeout", reason="took too long")])
    assert (cell(table, 0, "status"), cell(table, 0, "reason")) == ("timeout", "took too long")
    assert table.loc[0, ["seconds_per_update", "job_seconds", "loss", "first_seconds"]].isna().all()


def test_the_last_judgement_is_in_the_table() -> None:
    """Loss, distance and tolerance are those of the round's last judgement; what is not finite is empty."""
    right = record(MANUAL, 1, 4e-4)
    judgements = (*right.judgements, replace(WRONG, when="blocks", loss=None))
    table = read([replace(right, judgements=judgements)])
    assert (cell(table, 0, "distance"), cell(table, 0, "tolerance")) == (0.3, 1e-4)
    assert np.isnan(cell(table, 0, "loss"))


@pytest.mark.parametrize("reason", REASONS)
def test_no_cell_begins_as_a_formula(reason: str) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe instead; every other one is as it was."""
    text = csv_parquet.to_csv([record(MANUAL, 1, None, status="failed", reason=reason)])
    table = pd.read_csv(io.StringIO(text, newline=""), keep_default_na=False, dtype=str)
    harmless = "'" + reason if reason.startswith(sanitize.FORMULA) else reason
    assert harmless == cell(table, 0, "reason")
    assert not [text for text in table.iloc[0] if text.startswith(sanitize.FORMULA)]


@pytest.mark.parametrize("reason", ["\rx", "wait\r=1+1"])
def test_a_carriage_return_does_not_end_a_row(reason: str) -> None:
    """A reason with a carriage return stays in its cell, so that what follows cannot begin a row as a formula."""
    table = read([record(MANUAL, 1, None, status="failed", reason=reason), record(ANALYTIC, 1, 4e-4)])
    assert list(table["implementation"]) == ["linear/manual", "linear/analytic"]


def test_no_name_begins_as_a_formula() -> None:
    """Names are tamed like reasons, for a results folder may come from anybody."""
    table = read([record(arm("=cmd|' /C calc'!A0"), 1, 4e-4)])
    assert cell(table, 0, "implementation") == "'=cmd|' /C calc'!A0"


def test_numbers_survive_the_way_through_csv() -> None:
    """pandas reads back every number that the frame holds, to the last digit, and every word."""
    records = [*rounds(MANUAL, 4e-4, 3), *rounds(arm(batch=7, dtype="float64"), 1e-7, 2)]
    before, after = csv_parquet.frame(records), read(records)
    assert list(before.columns) == list(after.columns)
    for column in ("seconds_per_update", "loss", "distance", "lr", "rows", "blocks", "first_seconds"):
        np.testing.assert_array_equal(before[column], after[column])
    for column in ("run", "workload", "implementation", "device", "dtype", "status", "class", "started"):
        assert list(before[column]) == list(after[column])
    assert list(after["batch"].astype(str)) == ["full"] * 3 + ["7"] * 2


def test_the_csv_is_the_same_each_time() -> None:
    """The same records give the same text."""
    assert csv_parquet.to_csv(rounds(MANUAL, 4e-4)) == csv_parquet.to_csv(rounds(MANUAL, 4e-4))


def test_a_run_without_records_has_a_head() -> None:
    """A run that was stopped before its first round leaves a CSV with its columns and no rows, which pandas can read."""
    assert len(pd.read_csv(io.StringIO(csv_parquet.to_csv([])))) == 0
