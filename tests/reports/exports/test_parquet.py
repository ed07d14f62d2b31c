"""Raw blocks as Parquet, read back by pandas and by Arrow: complete, typed, and failures in their place."""

import io

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from pyarrow import parquet

from bench.results.record import Record
from impls.contract.setting import Setting
from reports.exports import csv_parquet
from tests.reports.records import BLOCK, LAPS, MANUAL, REFERENCE, arm, record, rounds


def read(records: list[Record]) -> pd.DataFrame:
    """The Parquet file of records as pandas reads it."""
    return pd.read_parquet(io.BytesIO(csv_parquet.to_parquet(records)))


def test_every_block_is_a_row() -> None:
    """Each block has its round, lap and seconds to the last digit, in the records' order, and the arm's coordinates."""
    records = [*rounds(REFERENCE, 4e-4, 2), *rounds(MANUAL, 2e-4, 3)]
    table = read(records)
    assert len(table) == 5 * LAPS
    assert list(table["seconds"]) == [block for each in records for block in each.blocks]
    assert list(table["lap"]) == [lap for each in records for lap in each.laps]
    assert list(table["round"]) == [each.round for each in records for _ in each.blocks]
    assert list(table["implementation"].unique()) == ["linear/nn_sgd", "linear/manual"]
    assert set(Setting.__dataclass_fields__) <= set(table.columns)
    np.testing.assert_allclose(table["seconds_per_update"], table["seconds"] / BLOCK, rtol=1e-15)


def test_a_failure_keeps_its_row() -> None:
    """A record without blocks is one row with its status and reason, and nulls where nothing was timed."""
    table = read([*rounds(MANUAL, 2e-4, 1), record(REFERENCE, 1, None, status="timeout", reason="took too long")])
    assert len(table) == LAPS + 1
    last = table.iloc[-1]
    assert (last["status"], last["reason"], last["role"]) == ("timeout", "took too long", "reference")
    assert last[["lap", "seconds", "device_seconds", "updates_per_block", "seconds_per_update"]].isna().all()


@pytest.mark.parametrize("records", [[], [record(MANUAL, 1, None, status="failed")], rounds(MANUAL, 2e-4, 1)])
def test_the_columns_have_the_same_types_in_every_run(records: list[Record]) -> None:
    """An empty run, one of failures and one of times have equal schemas, so that files of many runs can be read as one."""
    usual = read([*rounds(MANUAL, 2e-4, 1), record(MANUAL, 2, None, status="failed")])
    table = read(records)
    assert [(name, kind.name) for name, kind in table.dtypes.items()] == [
        (name, kind.name) for name, kind in usual.dtypes.items()
    ]
    assert {"Int64", "Float64", "UInt64", "string"} == {kind.name for kind in table.dtypes}
    stored = parquet.read_schema(io.BytesIO(csv_parquet.to_parquet(records)))
    assert stored.equals(parquet.read_schema(io.BytesIO(csv_parquet.to_parquet(rounds(MANUAL, 2e-4)))))


def test_the_times_of_a_device_stand_beside_the_clocks() -> None:
    """Where a device has a clock of its own, its seconds are beside those of the block; elsewhere they are null."""
    timed = rounds(MANUAL, 2e-4, 1)[0]
    table = read([replace(timed, device_blocks=tuple(block / 2 for block in timed.blocks)), timed])
    np.testing.assert_array_equal(table["device_seconds"][:LAPS], table["seconds"][:LAPS] / 2)
    assert table["device_seconds"][LAPS:].isna().all()


def test_batches_are_text_and_seeds_of_any_size() -> None:
    """A batch is "full" or its number as text, so that the column has one type; the largest seed fits."""
    table = read([*rounds(MANUAL, 2e-4, 1), *rounds(arm(batch=7, seed=2**64 - 1), 2e-4, 1)])
    assert set(table["batch"]) == {"full", "7"}
    assert set(table["seed"]) == {0, 2**64 - 1}


def test_laps_pair_the_arms_of_a_race() -> None:
    """Joined by round and lap, two arms give the ratios that the report is made of."""
    table = read([*rounds(REFERENCE, 4e-4), *rounds(MANUAL, 2e-4)])
    wide = table.pivot(index=["round", "lap"], columns="implementation", values="seconds_per_update")
    assert len(wide) == 5 * LAPS
    assert (wide["linear/manual"] / wide["linear/nn_sgd"]).median() == pytest.approx(0.5, rel=0.02)
