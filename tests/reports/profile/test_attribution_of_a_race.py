"""Attributions of a race: which profile belongs to which arm, devices, watching, and the order."""

from dataclasses import replace

import msgspec
import pytest

from reports.profile.attribution import Attribution, attribute, attributions
from reports.profile.parts import PartName
from tests.reports.profiles import MACHINE, US, clocked, exactly, profile, result_of, row_of
from tests.reports.records import ANALYTIC, MANUAL, REFERENCE, TWIN, arm, compared, record, rounds
from tests.reports.records import FLOOR as READ

ROW = row_of(result_of({MANUAL: 200 * US}), MANUAL)


def seconds(attribution: Attribution, name: str) -> float:
    """The time of one part, in µs."""
    return sum(part.seconds for part in attribution.parts if part.name == name) / US


def test_on_a_device_its_busy_time_stands_apart_from_the_gaps() -> None:
    """A device busy 60 µs of 200, 10 of them without data, has 50 µs of kernels and 140 of gaps."""
    passes = profile()
    assert passes.full
    assert passes.tiny
    full = msgspec.structs.replace(passes.full, device=60 * US)
    tiny = msgspec.structs.replace(passes.tiny, device=10 * US)
    row = replace(ROW, seconds=exactly(200 * US))
    attribution = attribute(row, msgspec.structs.replace(passes, full=full, tiny=tiny), 20 * US)
    assert attribution
    assert {part.name: round(part.seconds / US, 3) for part in attribution.parts} == {
        PartName.DEVICE_WITHOUT_DATA: 10,
        PartName.LAUNCH_GAPS: 140,
        PartName.READING_ONCE: 20,
        PartName.DEVICE_KERNELS: 30,
        PartName.UNEXPLAINED: 0,
    }


def test_a_race_is_attributed_in_the_order_of_its_ladder() -> None:
    """Arms without a profile and floors are left out; the race's floor arm gives the floor."""
    result = result_of({MANUAL: 300 * US, ANALYTIC: 100 * US})
    profiles = [profile(MANUAL), clocked(ANALYTIC, 100 * US, 10 * US), profile(REFERENCE), clocked(READ, 4 * US, 0.0)]
    assert [each.arm for each in attributions(result.rows, result.race.reference, profiles)] == [
        ANALYTIC,
        MANUAL,
        REFERENCE,
    ]
    assert [
        round(seconds(each, PartName.READING_ONCE))
        for each in attributions(result.rows, result.race.reference, profiles)
    ] == [4, 4, 4]
    assert [each.arm for each in attributions(result.rows, result.race.reference, profiles[:1])] == [MANUAL]


def test_the_faster_of_two_floors_counts() -> None:
    """Of several floor arms the fastest counts."""
    slower = rounds(arm("linear/floor_read_again"), 9 * US, work="floor", judgement=None)
    faster = rounds(READ, 4 * US, work="floor", judgement=None)
    for floors in ((*slower, *faster), (*faster, *slower)):
        result = compared({MANUAL: 200 * US}, *floors).races[0]
        assert (
            round(
                seconds(attributions(result.rows, result.race.reference, [profile(MANUAL)])[0], PartName.READING_ONCE)
            )
            == 4
        )


def test_a_roofline_speaks_of_the_device_it_was_measured_on() -> None:
    """Readings of an arm count by the floor of its own device."""
    result = result_of({MANUAL: 200 * US})
    at_100_gb = attributions(result.rows, result.race.reference, [profile(MANUAL)], MACHINE)[0].readings
    race = msgspec.structs.replace(
        result.race, arms=(arm("linear/nn_sgd", role="reference", device="cuda"), *result.race.arms[1:])
    )
    in_floors = attributions(result.rows, race.reference, [profile(MANUAL)], MACHINE)[0].readings
    assert at_100_gb == pytest.approx(95 / 8, rel=0.01)  # 25 forward and 70 backward; 800 kB at 100 GB/s
    assert in_floors == pytest.approx(95 / 4, rel=0.01)  # the race's floor


def test_the_profile_of_an_arm_is_known_whatever_its_role() -> None:
    """A profile belongs to its arm whatever role the arm has in the race."""
    (attribution,) = attributions(result_of({}).rows, REFERENCE, [profile(TWIN)])
    assert attribution.arm == REFERENCE


def test_watching_is_what_it_adds_to_the_whole_job() -> None:
    """A watched arm has the parts of the same arm unwatched, and what watching adds to an update."""
    watched = arm(watch="loss", every=10)
    jobs = [
        msgspec.structs.replace(each, job=each.job and msgspec.structs.replace(each.job, seconds=12.5 + 0.5))
        for each in rounds(watched, 250 * US)
    ]
    result = compared({MANUAL: 200 * US}, *jobs).races[0]
    bare, looked_at = attributions(result.rows, result.race.reference, [profile(MANUAL)])
    assert (bare.arm, looked_at.arm) == (MANUAL, watched)
    assert seconds(looked_at, PartName.WATCHING) == pytest.approx(50)
    assert seconds(looked_at, PartName.INTERPRETER) == seconds(bare, PartName.INTERPRETER)
    assert sum(part.seconds for part in looked_at.parts) == pytest.approx(looked_at.measured.value)


def test_watching_without_its_unwatched_arm_is_not_guessed() -> None:
    """A watched arm without an unwatched one has the attribution of its own profile, if it has one."""
    watched = arm(watch="loss")
    result = compared({}, *rounds(watched, 250 * US)).races[0]
    assert [each.arm for each in attributions(result.rows, result.race.reference, [profile(REFERENCE)])] == [REFERENCE]
    assert [each.arm for each in attributions(result.rows, result.race.reference, [profile(watched)])] == [watched]


def test_an_arm_that_failed_is_left_out() -> None:
    """A watched arm without a timed job has no attribution."""
    failed = record(MANUAL, 1, None, status="failed", reason="no luck")
    result = compared({}, failed).races[0]
    assert [
        each.arm for each in attributions(result.rows, result.race.reference, [profile(MANUAL), profile(REFERENCE)])
    ] == [REFERENCE]


def test_a_tiny_pass_that_the_profiler_saw_nothing_of_leaves_the_clocks() -> None:
    """An arm that died in the profiler's session has the parts of the two clocks."""
    passes = profile(MANUAL)
    assert passes.tiny
    blind = msgspec.structs.replace(passes.tiny, operations=(), profiled=None, outside=None, events=0.0)
    row = replace(row_of(result_of({MANUAL: 200 * US}), MANUAL), seconds=exactly(200 * US))
    attribution = attribute(row, msgspec.structs.replace(passes, tiny=blind), None)
    assert attribution
    assert {part.name for part in attribution.parts} == {PartName.CALL, PartName.KERNELS, PartName.UNEXPLAINED}
    assert abs(attribution.unexplained) < 1e-9


def test_another_algorithm_is_known_by_the_clocks_alone() -> None:
    """An algorithmic arm has the parts of the two clocks, whatever operations the profiler saw."""
    row = replace(row_of(result_of({MANUAL: 200 * US}), MANUAL), seconds=exactly(200 * US), work="algorithmic")
    attribution = attribute(row, profile(MANUAL), 4 * US)  # the floor is no part of it
    assert attribution
    assert attribution.algorithmic
    assert {part.name for part in attribution.parts} == {PartName.CALL, PartName.KERNELS, PartName.UNEXPLAINED}
