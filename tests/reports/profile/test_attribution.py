"""Attribution: on profiles whose true costs are known, the parts are those costs and add up to what was measured."""

from dataclasses import replace

import msgspec
import pytest
from msgspec.structs import replace as replaced

from bench.results.profile import Pass, Profile
from impls.contract.setting import Setting
from reports.profile import text
from reports.profile.attribution import ORDER, Attribution, attribute, cost_of_an_event, without_profiler
from reports.profile.parts import PartName
from tests.reports.profiles import INTERPRETER as INTERPRETED
from tests.reports.profiles import (
    MACHINE,
    NN,
    US,
    Truth,
    clocked,
    exactly,
    one_pass,
    profile,
    result_of,
    row_of,
)
from tests.reports.records import MANUAL, REFERENCE

ROW = row_of(result_of({MANUAL: 200 * US}), MANUAL)
TOLERANCE = 0.15


def found(
    measured: float = 200 * US,
    truth: tuple[Truth, ...] = NN,
    interpreter: float = INTERPRETED,
    floor: float | None = None,
    slower: float = 1.0,
) -> Attribution:
    """The attribution of an arm with these true costs, measured to take so long."""
    row = replace(ROW, seconds=exactly(measured))
    attribution = attribute(row, profile(truth=truth, interpreter=interpreter, slower=slower), floor, MACHINE)
    assert attribution
    return attribution


def seconds(attribution: Attribution, name: str) -> float:
    """The time of one part, in µs."""
    return sum(part.seconds for part in attribution.parts if part.name == name) / US


@pytest.mark.parametrize("measured", [150, 200, 300])
@pytest.mark.parametrize("floor", [None, 4 * US, 1000 * US])
def test_the_parts_add_up_to_what_the_race_measured(measured: float, floor: float | None) -> None:
    """The parts, of which "unexplained" is always the last, add up however far the clocks are apart."""
    attribution = found(measured * US, floor=floor)
    assert sum(part.seconds for part in attribution.parts) == pytest.approx(measured * US)
    assert attribution.parts[-1].name == PartName.UNEXPLAINED
    assert all(part.seconds > 0 for part in attribution.parts[:-1])
    names = [part.name for part in attribution.parts]
    assert names == sorted(names, key=ORDER.index)


def test_the_parts_are_the_truth() -> None:
    """The parts are the true costs, though the profiler adds 5.6 µs to 200, most of it to the backward pass."""
    attribution = found()
    truth = {
        PartName.INTERPRETER: 40,
        PartName.DISPATCH: 20,
        PartName.AUTOGRAD: 30,
        PartName.OPTIMIZER: 10,
        PartName.FORWARD_KERNELS: 25,
        PartName.BACKWARD_KERNELS: 70,
        PartName.COPIES: 5,
    }
    for name, true in truth.items():
        assert seconds(attribution, name) == pytest.approx(true, abs=2.0), name
    assert attribution.unexplained == 0


def test_the_profiler_costs_what_it_adds_at_tiny_size() -> None:
    """The cost of an event is what the profiler added over the number of events; never below 0."""
    tiny = one_pass(2, NN, INTERPRETED, event=0.7 * US)
    assert cost_of_an_event(tiny) == pytest.approx(0.7 * US)
    assert cost_of_an_event(msgspec.structs.replace(tiny, profiled=tiny.seconds / 2)) == 0
    assert cost_of_an_event(msgspec.structs.replace(tiny, profiled=None)) == 0
    assert cost_of_an_event(msgspec.structs.replace(tiny, events=0)) == 0


def test_a_dear_profiler_gives_the_same_parts() -> None:
    """Events that cost ten times as much move no part by more than 3 % of the update."""
    row = replace(ROW, seconds=exactly(200 * US))
    cheap, dear = (attribute(row, profile(event=event * US), None) for event in (0.2, 2.0))
    assert cheap
    assert dear
    for name in ORDER:
        assert abs(cheap.share(name) - dear.share(name)) < 0.03, name


def test_an_events_cost_is_taken_from_what_contains_it() -> None:
    """At 10 µs an event, each part is freed of the cost of the events that it contains."""
    truth = [each for each in NN if each.part != "copy"]
    passed = without_profiler(one_pass(2, truth, INTERPRETED, event=10 * US), 10 * US)
    for part, true in {"outside": 40, "forward": 20, "backward": 30}.items():
        assert passed[part] / US == pytest.approx(true, abs=3.1), part


PLANTED = {
    "an interpreter that is kept busy": (PartName.INTERPRETER, 100.0, NN, INTERPRETED + 100 * US),
    "an operation more": (
        PartName.FORWARD_KERNELS,
        30.0,
        (*NN, Truth("aten::neg", "forward", 0.0, 30 * US, top=True)),
        INTERPRETED,
    ),
    "an operation more that no data touches": (
        PartName.DISPATCH,
        5.0,
        (*NN, Truth("aten::neg", "forward", 5 * US, top=True)),
        INTERPRETED,
    ),
    "a copy more": (PartName.COPIES, 40.0, (*NN, Truth("aten::clone", "copy", 1 * US, 39 * US, top=True)), INTERPRETED),
    "rows fetched": (
        PartName.DATA_PATH,
        60.0,
        (*NN, Truth("aten::index", "data", 10 * US, 50 * US, top=True)),
        INTERPRETED,
    ),
}


@pytest.mark.parametrize("case", PLANTED)
@pytest.mark.parametrize("slower", [0.8, 1.0, 1.3])
def test_what_is_planted_is_found_in_its_part(case: str, slower: float) -> None:
    """A planted cost is found within 15 %, though the machine was faster or slower within the race's interval."""
    name, cost, truth, interpreter = PLANTED[case]
    before = found()
    row = replace(ROW, seconds=exactly((200 + cost) * US, half=0.4))
    after = attribute(row, profile(truth=truth, interpreter=interpreter, slower=slower), None)
    assert after
    assert seconds(after, name) - seconds(before, name) == pytest.approx(cost, rel=TOLERANCE)
    others = sum(abs(seconds(after, each) - seconds(before, each)) for each in ORDER if each != name)
    assert others < TOLERANCE * cost


def test_clocks_that_agree_as_far_as_the_race_can_tell_leave_nothing_unexplained() -> None:
    """A pass within the race's interval is scaled to what the race measured, and `pace` says by how much."""
    attribution = found(slower=1.04)
    assert attribution.unexplained == 0
    assert attribution.pace == pytest.approx(1 / 1.04)
    assert seconds(attribution, PartName.INTERPRETER) == pytest.approx(40, abs=2.0)


@pytest.mark.parametrize(("slower", "unexplained"), [(1.5, 1 - 1.5 / 1.05), (0.5, 1 - 0.5 / 0.95)])
def test_clocks_that_do_not_agree_leave_what_is_between_them(slower: float, unexplained: float) -> None:
    """Beyond the race's interval of 5 % the rest is unexplained, below 0 where the parts are too much."""
    attribution = found(slower=slower)
    assert attribution.unexplained == pytest.approx(unexplained)
    assert "the race measured 200 µs, the pass" in attribution.parts[-1].how


def test_a_race_of_one_round_scales_nothing() -> None:
    """Without an interval of the race the parts are not scaled."""
    row = replace(ROW, seconds=replace(exactly(200 * US), low=None, high=None))
    attribution = attribute(row, profile(slower=1.1), None)
    assert attribution
    assert attribution.pace == 1
    assert attribution.unexplained == pytest.approx(-0.1)


def test_the_floor_is_taken_from_what_reads_the_data_first() -> None:
    """A floor of 4 µs is taken from the forward pass of 25; of a floor of 40, the backward pass gives the rest."""
    few, many = found(floor=4 * US), found(floor=40 * US)
    assert seconds(few, PartName.READING_ONCE) == pytest.approx(4)
    assert seconds(few, PartName.FORWARD_KERNELS) == pytest.approx(21, abs=1)
    assert seconds(few, PartName.BACKWARD_KERNELS) == pytest.approx(70, abs=1)
    assert seconds(many, PartName.READING_ONCE) == pytest.approx(40)
    assert seconds(many, PartName.FORWARD_KERNELS) == 0
    assert seconds(many, PartName.BACKWARD_KERNELS) == pytest.approx(55, abs=1)


def test_an_arm_that_keeps_its_data_near_has_less_than_the_floor() -> None:
    """Then all that the data cost counts as the floor, with a remark on why that is less."""
    row = replace(ROW, seconds=exactly(3 * US))
    attribution = attribute(row, clocked(REFERENCE, 3 * US, 1 * US), 4 * US)
    assert attribution
    assert {part.name: round(part.seconds / US, 6) for part in attribution.parts} == {
        PartName.CALL: 1,
        PartName.READING_ONCE: 2,
        PartName.UNEXPLAINED: 0,
    }
    assert "stay in a cache" in attribution.parts[1].how


def test_an_arm_without_operations_is_a_call_and_kernels() -> None:
    """C, NumPy, Numba and JAX have what two clocks say, and how often the data could have been read."""
    row = replace(ROW, seconds=exactly(50 * US))
    attribution = attribute(row, clocked(REFERENCE, 50 * US, 2 * US), 8 * US, MACHINE)
    assert attribution
    assert [part.name for part in attribution.parts] == [
        PartName.CALL,
        PartName.READING_ONCE,
        PartName.KERNELS,
        PartName.UNEXPLAINED,
    ]
    assert seconds(attribution, PartName.KERNELS) == pytest.approx(40)
    assert attribution.readings == pytest.approx(48 / 8)  # 800 kB at 100 GB/s


def test_readings_are_counted_in_floors_without_a_roofline() -> None:
    """Without a roofline, readings are counted by the floor arm; without both there is no number."""
    row, measured = replace(ROW, seconds=exactly(50 * US)), clocked(REFERENCE, 50 * US, 2 * US)
    by_floor, by_nothing = (attribute(row, measured, floor) for floor in (4 * US, None))
    assert by_floor
    assert by_nothing
    assert by_floor.readings == pytest.approx(12)
    assert by_nothing.readings is None


def test_work_that_needs_no_data_costs_the_same_without() -> None:
    """An algorithmic arm that was faster in the full pass than in the tiny one has no part below 0."""
    row = replace(ROW, seconds=exactly(1.0e-9))
    attribution = attribute(row, clocked(REFERENCE, 1.0e-9, 1.1e-9), 4 * US)
    assert attribution
    assert [part.name for part in attribution.parts] == [PartName.CALL, PartName.UNEXPLAINED]
    assert attribution.without_data == pytest.approx(1.1)


def test_operations_that_were_faster_with_data_have_no_part_below_nothing() -> None:
    """An operation that noise made faster with data has no part; the others share what the clocks say."""
    noisy = (*NN, Truth("aten::neg", "data", 9 * US, -3 * US))
    attribution = found(measured=206 * US, truth=noisy)
    assert all(part.seconds >= 0 for part in attribution.parts)
    assert attribution.unexplained == pytest.approx(0, abs=1e-9)


def test_a_slow_pass_without_data_leaves_no_time_for_the_data() -> None:
    """A tiny pass that took longer than the full pass makes all of the update overhead."""
    passes = profile()
    slow = one_pass(2, NN, INTERPRETED, slower=3)
    attribution = attribute(ROW, msgspec.structs.replace(passes, tiny=slow), None)
    assert attribution
    assert attribution.unexplained == 0
    assert attribution.share(PartName.FORWARD_KERNELS, PartName.BACKWARD_KERNELS) == 0
    assert attribution.without_data == pytest.approx(300 / 200)


def test_nobody_waits_for_a_cpu() -> None:
    """On a CPU, reading a number off a tensor counts as dispatch and not as waiting."""
    truth = (*NN, Truth("aten::item", "sync", 20 * US))
    assert seconds(found(220 * US, truth=truth), PartName.WAITING) == 0
    assert seconds(found(220 * US, truth=truth), PartName.DISPATCH) == pytest.approx(40, abs=2)


def test_a_part_that_this_version_does_not_know_is_the_forward_pass() -> None:
    """Operations of an unknown kind count as the forward pass: a profile may be newer than the report."""
    assert seconds(found(220 * US, truth=(*NN, Truth("x", "novelty", 20 * US))), PartName.DISPATCH) == pytest.approx(
        40, abs=2
    )


@pytest.mark.parametrize("lacks", ["full", "tiny"])
def test_without_both_passes_nothing_is_said(lacks: str) -> None:
    """There is no attribution without both passes, without a time, and for a floor."""
    nothing = {lacks: None}
    assert attribute(ROW, msgspec.structs.replace(profile(), **nothing), None) is None
    assert attribute(replace(ROW, seconds=None), profile(), None) is None
    assert attribute(replace(ROW, work="floor"), profile(), None) is None


def test_a_pass_of_operations_without_a_profile_goes_by_the_clock() -> None:
    """Where the profiler saw nothing, the parts are those of the two clocks."""
    passes = profile()
    assert passes.full
    blind = msgspec.structs.replace(passes.full, profiled=None, outside=None, operations=(), events=0)
    attribution = attribute(ROW, msgspec.structs.replace(passes, full=blind), None)
    assert attribution
    assert [part.name for part in attribution.parts] == [PartName.CALL, PartName.KERNELS, PartName.UNEXPLAINED]


def test_a_slowdown_beyond_its_events_is_told() -> None:
    """A slowdown of a quarter that its events do not explain is a disturbance of 0.25."""
    passes = profile()
    assert passes.full
    assert passes.full.profiled
    assert found().disturbance == pytest.approx(0, abs=1e-9)
    full = msgspec.structs.replace(passes.full, profiled=passes.full.profiled + 50 * US)
    attribution = attribute(ROW, msgspec.structs.replace(passes, full=full), None)
    assert attribution
    assert attribution.disturbance == pytest.approx(0.25)


def test_everything_else_keeps_its_part() -> None:
    """Operations summed up as "everything else" count like those with a name."""
    passes = profile()
    assert passes.full
    assert passes.tiny

    def summed(one: Pass) -> Pass:
        operations = [
            msgspec.structs.replace(each, name="everything else") if each.part == "copy" else each
            for each in one.operations
        ]
        return msgspec.structs.replace(one, operations=tuple(operations))

    both = msgspec.structs.replace(passes, full=summed(passes.full), tiny=summed(passes.tiny))
    named, unnamed = (attribute(ROW, each, None) for each in (passes, both))
    assert named
    assert unnamed
    assert [(part.name, part.seconds) for part in unnamed.parts] == [(part.name, part.seconds) for part in named.parts]


def test_the_parts_of_a_step_are_what_its_operations_cost() -> None:
    """Without a pass with next to no data each part is told by its own name, and the parts add up to what was measured."""
    setting = Setting(updates=1, parameters=(("hidden", 64),))
    of_step = replaced(MANUAL, workload="my_step.py", implementation="plain", setting=setting)
    full = one_pass(100_000, NN, INTERPRETED)
    row = replace(ROW, arm=of_step, seconds=exactly(200 * US))
    profiled = Profile(run="made-up", arm=of_step, status="ok", full=full)
    attribution = attribute(row, profiled, floor=None)
    assert attribution is not None
    assert sum(part.seconds for part in attribution.parts) == pytest.approx(200 * US)
    truth = {
        PartName.INTERPRETER: INTERPRETED / US,
        PartName.FORWARD: 45,
        PartName.BACKWARD: 100,
        PartName.OPTIMIZER_STEP: 10,
        PartName.COPIES: 5,
    }
    assert {name: seconds(attribution, name) for name in truth} == pytest.approx(truth, rel=TOLERANCE)
    assert text.sentence(attribution).startswith("50 % of an update is the backward pass: ")
    assert attribute(ROW, replaced(profiled, arm=MANUAL), floor=None) is None


@pytest.mark.parametrize("rows", [1_000, 50_000])
def test_what_the_rows_of_a_step_cost_is_taken_to_grow_with_them(rows: int) -> None:
    """However many rows the smaller pass has, the same part of an update has nothing to do with them."""
    of_step = replaced(MANUAL, implementation="plain", setting=Setting(updates=1, parameters=(("batch", 100_000),)))
    full, fewer = (replaced(one_pass(number, NN, INTERPRETED), batch=number) for number in (100_000, rows))
    row = replace(ROW, arm=of_step, seconds=exactly(full.seconds))
    attribution = attribute(row, Profile(run="made-up", arm=of_step, status="ok", full=full, tiny=fewer), floor=None)
    assert attribution is not None
    none = one_pass(0, NN, INTERPRETED).seconds / US
    names = (PartName.FORWARD_KERNELS, PartName.BACKWARD_KERNELS, PartName.OPTIMIZER_KERNELS)
    kernels = sum(seconds(attribution, name) for name in names)
    assert full.seconds / US - kernels == pytest.approx(none, rel=TOLERANCE)
