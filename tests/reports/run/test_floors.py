"""How near an arm comes to the floor, and when a slow start has paid for itself: what rows say beyond their ranks."""

from typing import Any

import pytest
from msgspec.structs import replace

from bench.results.record import Arm, Record, Status
from reports.run.findings import findings
from reports.run.race_records import RaceRecords
from reports.run.rows import BreakEven, read_floors
from reports.text.sanitize import plain
from tests.reports.records import FLOOR, MANUAL, MOMENTS, REFERENCE, WRONG, arm, placed, record, rounds, row

NUMPY = arm("linear/numpy")


def floor(one: Arm = FLOOR, seconds: float = 1e-5, **chosen: Any) -> list[Record]:
    """The records of an arm that only reads the data."""
    return rounds(one, seconds, work="floor", judgement=None, **chosen)


def test_floors_come_after_the_ranked_and_have_no_rank() -> None:
    """Floors follow the algorithmic arms, the fastest first, and stand before the arms that are wrong or failed."""
    launch = arm("linear/floor_launch")
    found = placed(
        {
            REFERENCE: rounds(REFERENCE, 4e-4),
            FLOOR: floor(),
            launch: floor(launch, 1e-6),
            NUMPY: rounds(NUMPY, 1e-4, status="wrong", reason="off", judgement=WRONG),
            MOMENTS: rounds(MOMENTS, 1e-8, work="algorithmic"),
        }
    )
    assert [row.arm for row in found] == [REFERENCE, MOMENTS, launch, FLOOR, NUMPY]
    assert [row.rank for row in found] == [1, 1, None, None, None]
    assert [row.verdict for row in found] == ["reference", "faster", "floor", "floor", "wrong"]
    assert [row.group for row in found] == ["faithful", "algorithmic", "floor", "floor", "unranked"]


@pytest.mark.parametrize("status", ["unsupported", "failed", "timeout"])
def test_a_floor_that_was_not_measured_keeps_its_status(status: Status) -> None:
    """A floor without a time stands with the unmeasured, with its status, and bounds nothing."""
    found = placed(
        {REFERENCE: rounds(REFERENCE, 4e-4), FLOOR: [record(FLOOR, 1, None, status=status, reason="no", work="floor")]}
    )
    assert (found[-1].verdict, found[-1].group, found[0].floor) == (status, "unranked", None)


def test_a_faithful_arm_is_paired_with_the_read_floor() -> None:
    """The ratio to the read floor is taken lap by lap, so that it is far narrower than either of the two times."""
    found = placed({REFERENCE: rounds(REFERENCE, 4e-4), NUMPY: rounds(NUMPY, 3e-5), FLOOR: floor()})
    numpy = found[0].floor
    assert numpy is not None
    assert numpy.low is not None
    assert numpy.high is not None
    assert numpy.low < 3 < numpy.high
    assert numpy.half_width < 0.02
    assert found[0].seconds is not None
    assert found[0].seconds.half_width > 2 * numpy.half_width


def test_only_faithful_arms_are_set_against_the_floor() -> None:
    """Faithful arms have a ratio to the floor, wrong ones too; algorithmic arms, floors and failed arms have none."""
    crashed = arm("linear/crashed")
    found = placed(
        {
            REFERENCE: rounds(REFERENCE, 4e-4),
            MOMENTS: rounds(MOMENTS, 1e-8, work="algorithmic"),
            FLOOR: floor(),
            NUMPY: rounds(NUMPY, 1e-4, status="wrong", reason="off", judgement=WRONG),
            crashed: [*rounds(crashed, 1e-4), record(crashed, 6, None, status="crashed", reason="fell")],
        }
    )
    assert {row.arm for row in found if row.floor} == {REFERENCE, NUMPY}


def test_a_floor_counts_on_its_own_device() -> None:
    """Each device has its own read floor, the fastest of several; other floors and floors that failed are none."""
    slow, cuda = arm("linear/floor_read_plain"), arm("linear/floor_read_triton", device="cuda")
    launch, failed = arm("linear/floor_launch", device="cuda"), arm("linear/floor_read", device="cuda")
    records = RaceRecords(
        {
            slow: floor(slow, 5e-5),
            FLOOR: floor(),
            cuda: floor(cuda, 2e-6),
            launch: floor(launch, 1e-7),
            failed: floor(failed, 1e-8, status="failed", reason="broke"),
        }
    )
    assert read_floors(records) == {"cpu": FLOOR, "cuda": cuda}
    reference = rounds(REFERENCE, 4e-4)
    far = row(arm(device="cuda"), rounds(arm(device="cuda"), 4e-6), reference, records[cuda])
    assert far.floor is not None
    assert far.floor.value == pytest.approx(2, rel=0.02)


def test_an_arm_that_is_called_a_floor_but_is_none_bounds_nothing() -> None:
    """A faithful arm whose name begins like a floor's is no floor."""
    assert read_floors(RaceRecords({FLOOR: rounds(FLOOR, 1e-6)})) == {}


@pytest.mark.parametrize(
    ("speed", "cold", "updates"),
    [(2e-4, 2.5, 10_000), (2e-4, 0.5, 0), (2e-4, 0.1, 0), (3e-4, 0.6, 1_000), (8e-4, 2.5, None), (8e-4, 0.1, None)],
)
def test_a_slow_start_pays_off_after_so_many_updates(speed: float, cold: float, updates: int | None) -> None:
    """Seconds that the start costs more over seconds that an update costs less; 0 when it does not start later."""
    reference = [replace(each, blocks=tuple(40 * 4e-4 for _ in each.laps)) for each in rounds(REFERENCE, 4e-4)]
    mine = [replace(each, blocks=tuple(40 * speed for _ in each.laps)) for each in rounds(MANUAL, speed, cold=cold)]
    found = row(MANUAL, mine, reference).break_even
    assert found is not None
    assert found.alone
    assert found.updates == (updates if updates is None else pytest.approx(updates, abs=1))


def test_what_pays_off_is_not_known_without_cold_times() -> None:
    """Without one of the two cold starts, or where neither is known to be faster, nothing is said."""
    reference = rounds(REFERENCE, 4e-4)
    without = [replace(each, import_seconds=None) for each in reference]
    assert row(MANUAL, rounds(MANUAL, 2e-4), without).break_even is None
    assert (
        row(MANUAL, [replace(each, first_seconds=None) for each in rounds(MANUAL, 2e-4)], reference).break_even is None
    )
    assert row(MANUAL, rounds(MANUAL, 2e-4, 1), rounds(REFERENCE, 4e-4, 1)).break_even is None
    assert row(MANUAL, [], reference).break_even is None


def test_company_at_either_start_is_remembered() -> None:
    """A break-even is only its own where both arms started alone."""
    alone, crowded = rounds(REFERENCE, 4e-4), rounds(REFERENCE, 4e-4, alone=False)
    found = [
        row(MANUAL, rounds(MANUAL, 8e-4, alone=quiet), reference).break_even
        for quiet, reference in ((True, alone), (True, crowded), (False, alone))
    ]
    assert found == [BreakEven(None, alone=True), BreakEven(None, alone=False), BreakEven(None, alone=False)]


def test_only_right_arms_that_train_pay_off() -> None:
    """The reference, floors and wrong arms have no break-even; algorithmic arms have."""
    found = placed(
        {
            REFERENCE: rounds(REFERENCE, 4e-4),
            MOMENTS: rounds(MOMENTS, 1e-8, work="algorithmic"),
            FLOOR: floor(),
            NUMPY: rounds(NUMPY, 1e-4, status="wrong", reason="off", judgement=WRONG),
        }
    )
    assert [row.arm for row in found if row.break_even] == [MOMENTS]


def test_late_starts_are_summed_up_in_a_sentence() -> None:
    """Where faster arms start later, a sentence says after how many updates that has paid off, and how long the job is."""
    slow = {MANUAL: rounds(MANUAL, 2e-4, noise=0, cold=2.5), NUMPY: rounds(NUMPY, 2e-4, noise=0, cold=6.5)}
    found = placed({REFERENCE: rounds(REFERENCE, 4e-4, noise=0), **slow})
    (said,) = [each.text for each in findings(found, None) if each.kind == "late start"]
    assert plain(said).replace("\u2009", " ") == (
        "2 faster arms start later than the reference and catch up after 10 000 to 30 000 updates "
        "(linear/manual cpu eager first); the job has 10 000."
    )


def test_late_starts_in_company_are_not_summed_up() -> None:
    """Cold times that were taken beside others' starts make no sentence, nor does an arm that starts no later."""
    crowded = rounds(MANUAL, 2e-4, cold=2.5, alone=False)
    found = placed({REFERENCE: rounds(REFERENCE, 4e-4), MANUAL: crowded, NUMPY: rounds(NUMPY, 1e-4, cold=0.1)})
    assert [] == [each.text for each in findings(found, None) if each.kind == "late start"]


def test_a_floor_says_itself_whether_it_reads_the_data() -> None:
    """What the record says counts, whatever the name; only where an old record says nothing does the name."""
    launch = arm("linear/floor_launch")
    says_no = [replace(each, reads_data=False) for each in floor()]
    says_yes = [replace(each, reads_data=True) for each in floor(launch)]
    assert read_floors(RaceRecords({FLOOR: says_no, launch: says_yes})) == {"cpu": launch}
    assert read_floors(RaceRecords({FLOOR: floor(), launch: floor(launch)})) == {"cpu": FLOOR}
