"""The rows of a race: estimates from the records of an arm, and ranks."""

import pytest
from msgspec.structs import replace

from bench.results.record import Answer, Status
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
from tests.reports.steps import (
    CLOSER,
    COARSER,
    DIFFERENT,
    IDENTICAL,
    SAME,
    UNDECIDABLE,
    UNJUDGED,
    answered,
    of_recipe,
    reported,
)

NUMPY = arm("linear/numpy")


def ranks(rows: list[Row]) -> dict[str, int | None]:
    """The rank of each implementation, in the order of the rows."""
    return {row.arm.implementation: row.rank for row in rows}


def with_a_pause(blocks: tuple[float, ...]) -> tuple[float, ...]:
    """The blocks, of which the longest takes a hundred times as long: their median stays."""
    return tuple(100 * block if block == max(blocks) else block for block in blocks)


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


@pytest.mark.parametrize(
    ("answer", "group", "verdict"),
    [
        (IDENTICAL, "faithful", "faster"),
        (SAME, "faithful", "faster"),
        (CLOSER, "faithful", "faster"),
        (COARSER, "coarser", "faster"),
        (UNDECIDABLE, "unranked", "undecidable"),
        (UNJUDGED, "unranked", "unjudged"),
        (None, "unranked", "unjudged"),
        (DIFFERENT, "unranked", "wrong"),
    ],
    ids=["identical", "same", "closer", "coarser", "undecidable", "unjudged", "no answer", "different"],
)
def test_an_answer_decides_the_class(answer: Answer | None, group: str, verdict: str) -> None:
    """Only what was judged is ranked, coarser answers apart; the others keep their time and say the referee's word."""
    found = of_recipe(reported(answered("fused", 5e-4, answer)), "fused")
    assert (found.group, found.verdict) == (group, verdict)
    assert (found.rank is None) == (group == "unranked")
    assert found.seconds is not None
    assert (found.break_even is None) == (group == "unranked")


def test_the_step_itself_is_ranked_whatever_its_answer() -> None:
    """What the others are compared with needs no judgement of its own."""
    assert of_recipe(reported(answered("fused", 5e-4, UNJUDGED), plain=UNJUDGED), "plain").rank == 1


def test_the_gravest_answer_of_all_rounds_counts() -> None:
    """One round that was coarser makes the arm coarser; of equal words the one that lost most bits is kept."""
    records = answered("fused", 5e-4, CLOSER)
    records[1] = replace(records[1], answer=COARSER)
    assert of_recipe(reported(records), "fused").answer == COARSER
    records[1] = replace(records[1], answer=replace(CLOSER, bits_lost=-0.1))
    assert of_recipe(reported(records), "fused").answer == records[1].answer


def test_the_bits_lost_are_those_of_numbers_or_of_a_factor() -> None:
    """A factor that is lost in the noise of single numbers shows in the scale, so the larger of the two counts."""
    found = of_recipe(reported(answered("fused", 5e-4, replace(SAME, bits_lost=0.3, scale_bits=1.4))), "fused")
    assert found.bits_lost == 1.4


def test_rare_pauses_make_the_mean_stand_out() -> None:
    """One block in twelve that takes a hundred times as long moves the mean out of the median's interval."""
    steady = rounds(MANUAL, 4e-4)
    paused = [replace(each, blocks=with_a_pause(each.blocks)) for each in steady]
    found = [row(MANUAL, records, []) for records in (steady, paused)]
    assert [each.mean_stands_out for each in found] == [False, True]
    assert found[1].mean_seconds
    assert found[1].mean_seconds > 5 * 4e-4
    assert found[1].seconds == found[0].seconds


def test_memory_is_that_of_the_device_where_it_is_known() -> None:
    """A row has the most that any round held, and what that is more than the reference's."""
    reference = [replace(each, peak_device_bytes=2**20) for each in rounds(REFERENCE, 4e-4)]
    records = [replace(each, peak_device_bytes=2**20 * each.round) for each in rounds(MANUAL, 4e-4)]
    found = row(MANUAL, records, reference)
    assert (found.peak_bytes, found.more_bytes) == (5 * 2**20, 4 * 2**20)
    assert (row(MANUAL, rounds(MANUAL, 4e-4), []).peak_bytes, row(REFERENCE, reference, reference).more_bytes) == (
        300 * 2**20,
        None,
    )


def test_the_rewrites_are_those_of_the_recipe() -> None:
    """Neither the step as it is written nor a way of its author is a rewrite."""
    report = reported(answered("way_flat+fused+channels_last", 5e-4))
    assert of_recipe(report, "way_flat+fused+channels_last").rewrites == ("fused", "channels_last")
    assert of_recipe(report, "plain").rewrites == ()
    assert row(MANUAL, rounds(MANUAL, 4e-4), []).rewrites == ()


def test_an_update_that_grows_with_age_has_a_slope() -> None:
    """Blocks of 40 updates of which each takes one per cent longer: an update grows by 1/4000 of its first time a time."""
    steady = rounds(MANUAL, 1e-3, noise=1e-4)
    aging = [
        replace(each, blocks=tuple(40e-3 * (1 + 0.01 * number) for number in range(len(each.blocks))))
        for each in steady
    ]
    aging[0] = replace(aging[0], blocks=tuple(1.001 * block for block in aging[0].blocks))
    assert row(MANUAL, aging, []).slope == pytest.approx(1e-3 / 4000, rel=0.1)
    assert row(MANUAL, rounds(MANUAL, 1e-3, 1), []).slope is None
