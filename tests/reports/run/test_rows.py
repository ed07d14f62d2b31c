"""The rows of a race: estimates from the records of an arm, and ranks."""

import pytest
from msgspec.structs import replace

from bench.results.record import Status
from bench.results.statistics import ratio
from reports.run.rows import Row
from tests.reports.records import (
    ANALYTIC,
    MANUAL,
    REFERENCE,
    RIGHT,
    TWIN,
    WRONG,
    arm,
    placed,
    record,
    rounds,
    row,
)

NUMPY = arm("linear/numpy")


def ranks(rows: list[Row]) -> dict[str, int | None]:
    """The rank of each implementation, in the order of the rows."""
    return {row.arm.implementation: row.rank for row in rows}


def test_the_fastest_comes_first() -> None:
    """Arms that differ clearly are ranked by seconds an update, one rank each."""
    found = placed({REFERENCE: rounds(REFERENCE, 4e-4), MANUAL: rounds(MANUAL, 8e-4), NUMPY: rounds(NUMPY, 1e-4)})
    assert list(ranks(found).items()) == [("linear/numpy", 1), ("linear/nn_sgd", 2), ("linear/manual", 3)]


def test_arms_that_cannot_be_told_apart_share_a_rank() -> None:
    """Arms whose paired interval holds 1 share a rank, and the next arm's rank counts all of them."""
    records = {one: rounds(one, 4e-4) for one in (REFERENCE, MANUAL)}
    records[NUMPY] = rounds(NUMPY, 8e-4)
    paired = ratio(records[MANUAL], records[REFERENCE])
    assert paired is not None
    assert paired.low is not None
    assert paired.high is not None
    assert paired.low < 1 < paired.high
    found = placed(records)
    assert sorted(rank or 0 for rank in ranks(found).values()) == [1, 1, 3]
    assert found[-1].arm == NUMPY


def test_a_narrow_pair_is_told_apart_under_wide_drift() -> None:
    """Three per cent are told apart by pairing inside laps, though each arm's own interval is far wider than that."""
    found = placed({REFERENCE: rounds(REFERENCE, 4e-4), MANUAL: rounds(MANUAL, 4.16e-4)})
    assert [1, 2] == [row.rank for row in found]
    own = found[0].seconds
    assert own is not None
    assert own.half_width > 0.04


def test_one_round_tells_nothing_apart() -> None:
    """A single round gives no interval, so all its arms share the first rank; they are still in order of speed."""
    records = {REFERENCE: rounds(REFERENCE, 4e-4, 1), MANUAL: rounds(MANUAL, 9e-4, 1)}
    assert list(ranks(placed(records)).items()) == [("linear/nn_sgd", 1), ("linear/manual", 1)]


def test_classes_are_ranked_apart() -> None:
    """Algorithmic arms come after the faithful ones, however fast, with ranks of their own."""
    records = {
        REFERENCE: rounds(REFERENCE, 4e-4),
        ANALYTIC: rounds(ANALYTIC, 1e-6, work="algorithmic"),
        NUMPY: rounds(NUMPY, 2e-6, work="algorithmic"),
    }
    found = placed(records)
    assert list(ranks(found).items()) == [("linear/nn_sgd", 1), ("linear/analytic", 1), ("linear/numpy", 2)]
    assert [row.work for row in found] == ["faithful", "algorithmic", "algorithmic"]


def test_a_wrong_arm_keeps_its_time_and_gets_no_rank() -> None:
    """A wrong arm is never ranked, however fast; its time, ratio and distance stay in its row."""
    wrong = rounds(NUMPY, 1e-5, status="wrong", reason="off", judgement=WRONG)
    row = placed({REFERENCE: rounds(REFERENCE, 4e-4), NUMPY: wrong})[-1]
    assert (row.arm, row.rank, row.status, row.verdict) == (NUMPY, None, "wrong", "wrong")
    assert row.seconds is not None
    assert row.ratio is not None
    assert row.judgement == WRONG


def test_the_unmeasured_come_last_by_gravity() -> None:
    """Arms without a rank follow in a fixed order, from wrong to crashed."""
    statuses: list[Status] = ["crashed", "timeout", "out_of_memory", "failed", "unavailable", "unsupported", "wrong"]
    records = {REFERENCE: rounds(REFERENCE, 4e-4)}
    for status in statuses:
        one = arm(f"linear/{status}")
        records[one] = [record(one, 1, 4e-4 if status == "wrong" else None, status=status, reason="because")]
    found = placed(records)
    assert [row.status for row in found] == ["ok", *reversed(statuses)]
    assert [row.rank for row in found] == [1] + [None] * len(statuses)


@pytest.mark.parametrize("status", ["wrong", "failed", "crashed", "timeout", "out_of_memory"])
@pytest.mark.parametrize("number", [1, 3, 5])
def test_the_worst_that_any_round_saw_counts(status: Status, number: int) -> None:
    """One bad round among good ones gives the row its status and its reason."""
    records = rounds(MANUAL, 4e-4)
    records[number - 1] = replace(records[number - 1], status=status, reason="because")
    found = row(MANUAL, records, rounds(REFERENCE, 4e-4))
    assert (found.status, found.reason, found.verdict) == (status, "because", status)


def test_an_arm_without_records_was_interrupted() -> None:
    """An arm of which no round was finished keeps its row, with a reason, and nothing in it."""
    found = row(MANUAL, [], rounds(REFERENCE, 4e-4))
    assert (found.status, found.rounds, found.rank) == ("interrupted", 0, None)
    assert found.reason == "the run ended before its first round was over"
    assert {found.seconds, found.ratio, found.job_seconds, found.cold_seconds, found.judgement} == {None}


def test_a_row_carries_what_the_first_round_saw() -> None:
    """Job, weights and cold start are those of the round that measured them; rounds are those with blocks."""
    found = row(MANUAL, [*rounds(MANUAL, 4e-4, 3), record(MANUAL, 4, None)], rounds(REFERENCE, 4e-4))
    assert (found.rounds, found.job_seconds, found.cold_seconds, found.first_seconds) == (3, 12.5, 1.75, 0.5)
    assert found.weights == {"weight": [0.9995], "bias": 0.5632}
    assert (found.cold_alone, found.judgement) == (True, RIGHT)


def test_a_cold_start_in_company_says_so() -> None:
    """A cold start that was measured while others were starting is marked."""
    assert not row(MANUAL, rounds(MANUAL, 4e-4, alone=False), []).cold_alone


def test_a_cold_start_with_a_part_missing_is_unknown() -> None:
    """Without its import time a cold start is not a sum of the rest."""
    records = [replace(each, import_seconds=None) for each in rounds(MANUAL, 4e-4)]
    assert row(MANUAL, records, []).cold_seconds is None


def test_the_first_fault_is_the_telling_judgement() -> None:
    """Of many judgements the row shows the first fault; without one that of the job; else the last."""
    probe, blocks = replace(RIGHT, when="probe"), replace(RIGHT, when="blocks", updates=77)
    right = replace(record(MANUAL, 1, 4e-4), judgements=(probe, RIGHT, blocks))
    without_job = replace(right, judgements=(probe, blocks))
    faulty = replace(right, judgements=(RIGHT, replace(WRONG, when="blocks")))
    found = [row(MANUAL, [one], []).judgement for one in (right, without_job, faulty)]
    assert found == [RIGHT, blocks, replace(WRONG, when="blocks")]


@pytest.mark.parametrize(("speed", "verdict"), [(2e-4, "faster"), (8e-4, "slower"), (4.0e-4, "same")])
def test_a_row_is_compared_with_the_reference(speed: float, verdict: str) -> None:
    """A right arm's verdict is that of its paired ratio to the reference."""
    found = row(MANUAL, rounds(MANUAL, speed), rounds(REFERENCE, 4e-4))
    assert verdict == found.verdict
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(speed / 4e-4, rel=0.02)


def test_the_reference_is_not_compared_with_itself() -> None:
    """The reference's verdict is that it is the reference; its twin has a ratio near 1."""
    reference = rounds(REFERENCE, 4e-4)
    assert row(REFERENCE, reference, reference).verdict == "reference"
    twin = row(TWIN, rounds(TWIN, 4e-4), reference).ratio
    assert twin is not None
    assert twin.value == pytest.approx(1, abs=0.02)


def test_without_a_common_round_there_is_no_ratio() -> None:
    """An arm that met the reference in no round has a time, but no ratio."""
    found = row(MANUAL, [record(MANUAL, 7, 4e-4)], rounds(REFERENCE, 4e-4))
    assert found.seconds is not None
    assert (found.ratio, found.verdict) == (None, "unresolved")
