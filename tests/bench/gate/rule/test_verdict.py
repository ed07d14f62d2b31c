"""The verdict of the gate on made-up rounds whose true change is known."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from bench.gate.rule.verdict import logarithm, standing, verdict
from bench.results.gate import Cell, Count, Counts, GateVerdict, Kind, PairedRound
from bench.results.record import Status
from reports.exit_status import Exit, status_of_gate
from reports.gate.summary import report_of
from tests.bench.gate.samples import Machine, cell, controls, gate, plan, raced, record, swapped

NAMES = ("linear/nn_sgd", "linear/manual", "linear/analytic", "linear/views")


def words(found: GateVerdict) -> list[str]:
    """The word of each cell."""
    return [each.word for each in found.cells]


def judged(of: Cell, rounds: Sequence[PairedRound], counts: Counts | None = None) -> GateVerdict:
    """The verdict of a gate of one cell, with controls that show no change."""
    beside = dict(controls(Machine(7)))
    by_slug = {each.slug: done for each, done in beside.items()} | {of.slug: list(rounds)}
    return verdict(plan(of, *beside), by_slug, {of.slug: counts} if counts else {})


def test_the_same_code_on_both_sides_passes() -> None:
    """Without a change every cell is ok, which excludes a slowdown of the gate, and the exit status is 0."""
    found = gate(dict.fromkeys(NAMES, 0.0))
    assert words(found) == ["ok"] * 4
    assert (found.word, status_of_gate(found), found.complete) == ("ok", Exit.DONE, True)
    assert all(each.clocked is not None and (each.clocked.high or 1) < 0.03 for each in found.cells)


def test_ten_percent_slower_fails() -> None:
    """A cell that is 10 % slower is regressed by screening and confirmation, the others are not, and the status is 1."""
    found = gate({**dict.fromkeys(NAMES, 0.0), "linear/manual": 0.10})
    assert words(found) == ["ok", "regressed", "ok", "ok"]
    slower = found.cells[1]
    assert slower.stops
    assert slower.clocked is not None
    assert slower.screened is not None
    assert slower.clocked.change == pytest.approx(0.10, abs=0.02)
    assert (found.word, status_of_gate(found)) == ("regressed", Exit.REGRESSION)


def test_swapped_sides_say_faster() -> None:
    """The rounds of a slowdown with their sides exchanged are an improvement, which is no reason to stop."""
    of = cell()
    found = judged(of, swapped(raced(Machine(3), of, 0.10)))
    assert words(found) == ["improved"]
    assert found.cells[0].clocked is not None
    assert found.cells[0].clocked.change == pytest.approx(1 / 1.10 - 1, abs=0.02)
    assert status_of_gate(found) == Exit.DONE


def test_one_spike_is_no_regression() -> None:
    """One round in which the head took 50 % longer makes no regression."""
    of, machine = cell(), Machine(4)
    rounds = [machine.round(of, "screen", number, 0.5 if number == 3 else 0.0) for number in range(1, 21)]
    assert words(judged(of, rounds))[0] in ("ok", "unresolved")


def test_every_cell_8_percent_slower_is_all_regressed() -> None:
    """A change that all cells share is not blamed on the machine: only the controls show what the machine did."""
    found = gate(dict.fromkeys(NAMES, 0.08))
    assert words(found) == ["regressed"] * 4


@pytest.mark.parametrize(("kind", "named"), [("missing", False), ("missing", True), ("new", True)])
def test_an_arm_that_one_side_lacks_cannot_be_measured(kind: Kind, named: bool) -> None:
    """An arm that the head lacks, or that was named and the base lacks, ends with 5 even beside one that is ok."""
    right, gone, beside = cell(), cell("linear/manual", kind), dict(controls(Machine(7)))
    rounds = {each.slug: done for each, done in beside.items()} | {right.slug: raced(Machine(5), right, 0.0)}
    found = verdict(plan(right, gone, *beside, named=named), rounds, {})
    assert words(found) == ["ok", kind]
    assert (found.word, status_of_gate(found)) == ("unmeasured", Exit.UNMEASURED)


def test_a_new_arm_that_nobody_named_is_told_and_passes() -> None:
    """Adding an implementation must not fail a pull request; it has nothing to be compared with."""
    right, added, beside = cell(), cell("linear/manual", "new"), dict(controls(Machine(7)))
    rounds = {each.slug: done for each, done in beside.items()} | {right.slug: raced(Machine(5), right, 0.0)}
    found = verdict(plan(right, added, *beside), rounds, {})
    assert (words(found), status_of_gate(found)) == (["ok", "new"], Exit.DONE)


def test_nothing_but_new_arms_is_no_pass() -> None:
    """Where no cell has a counterpart nothing was measured."""
    beside = dict(controls(Machine(7)))
    found = verdict(plan(cell(kind="new"), *beside), {each.slug: done for each, done in beside.items()}, {})
    assert status_of_gate(found) == Exit.UNMEASURED


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0, -1.0])
def test_times_that_are_none_cannot_be_measured(bad: float) -> None:
    """With NaN, infinite, zero or negative times the cell is unmeasured and the status is 5."""
    of = cell()
    base, head = (record(of, 1, blocks) for blocks in ([4e-4] * 20, [bad] * 20))
    rounds = [PairedRound(stage="screen", round=number, base=base, head=head) for number in (1, 2)]
    found = judged(of, rounds)
    assert logarithm(rounds[0]) is None
    assert (words(found), status_of_gate(found), found.complete) == (["unmeasured"], Exit.UNMEASURED, True)


@pytest.mark.parametrize("status", ["wrong", "failed", "crashed", "timeout", "out_of_memory"])
def test_what_was_right_and_is_not_any_more_is_a_regression(status: Status) -> None:
    """Right on the base and wrong, failing, hanging or too large on the head stops the merge, with the reason."""
    of, machine = cell(), Machine(6)
    rounds = [machine.round(of, "screen", number, 0.0, head=status) for number in (1, 2)]
    found = judged(of, rounds)
    assert words(found) == ["wrong" if status == "wrong" else "failed"]
    assert found.cells[0].stops
    (ended,) = found.cells[0].reasons
    assert (ended.cause, ended.role, ended.what, ended.detail) == ("ended", "head", status, f"made-up: {status}")
    assert status_of_gate(found) == Exit.REGRESSION


def test_one_failing_round_is_tried_again() -> None:
    """A head that failed once is raced on, and ok when it then runs; twice ends the cell."""
    of, machine = cell(), Machine(6)
    once = [machine.round(of, "screen", 1, 0.0, head="crashed")]
    assert standing(of, once, 20).next == "screen"
    done = list(once)
    while standing(of, done, 20).next:
        done.append(machine.round(of, "screen", 1 + len(done), 0.0))
    assert words(judged(of, done)) == ["ok"]
    assert standing(of, [*once, machine.round(of, "screen", 2, 0.0, head="crashed")], 20).next is None


def test_one_wrong_answer_is_enough() -> None:
    """One wrong answer is enough, because the tolerance covers all that rounding can explain."""
    of, machine = cell(), Machine(6)
    done = [*raced(machine, of, 0.0), machine.round(of, "screen", 30, 0.0, head="wrong")]
    found = judged(of, done)
    assert (words(found), found.cells[0].stops, status_of_gate(found)) == (["wrong"], True, Exit.REGRESSION)


def test_a_worker_that_never_started_was_given_no_other_data() -> None:
    """A base that timed out once has no digest to compare; the other rounds count."""
    of, machine = cell(), Machine(6)
    crashed = machine.round(of, "screen", 30, 0.0, base="timeout")
    crashed = replace(crashed, base=replace(crashed.base, digest=""))
    assert words(judged(of, [*raced(machine, of, 0.0), crashed])) == ["ok"]


@pytest.mark.parametrize(("status", "exits"), [("wrong", Exit.WRONG), ("crashed", Exit.FAILED)])
def test_what_fails_on_both_sides_is_no_regression(status: Status, exits: Exit) -> None:
    """What is wrong or fails on both sides has a status of its own."""
    of, machine = cell(), Machine(6)
    rounds = [machine.round(of, "screen", number, 0.0, base=status, head=status) for number in (1, 2)]
    found = judged(of, rounds)
    assert (found.cells[0].stops, status_of_gate(found)) == (False, exits)


def test_what_the_head_mended_is_improved() -> None:
    """Wrong on the base and right on the head is no reason to stop."""
    of, machine = cell(), Machine(6)
    found = judged(of, [machine.round(of, "screen", number, 0.0, base="wrong") for number in (1, 2)])
    assert (words(found), status_of_gate(found)) == (["improved"], Exit.DONE)
    crashed = [machine.round(of, "screen", number, 0.0, base="crashed") for number in (1, 2)]
    control = cell("linear/nn_sgd", "control")  # of the same arm, which the base cannot run
    found = verdict(plan(of, control), {of.slug: crashed, control.slug: swapped(swapped(crashed))}, {})
    assert (words(found)[:1], status_of_gate(found)) == (["improved"], Exit.DONE)


def test_what_neither_side_can_run_here_is_no_failure() -> None:
    """An arm whose package or device is missing on both sides is unavailable, and the others decide."""
    of, right, machine, beside = cell("linear/jax"), cell(), Machine(6), dict(controls(Machine(7)))
    absent = [machine.round(of, "screen", 1, 0.0, base="unavailable", head="unavailable")]
    by_slug = {each.slug: done for each, done in beside.items()} | {of.slug: absent}
    found = verdict(plan(of, right, *beside), by_slug | {right.slug: raced(machine, right, 0.0)}, {})
    assert (words(found), status_of_gate(found), found.complete) == (["unavailable", "ok"], Exit.DONE, True)


def test_a_change_that_cannot_be_run_here_is_no_pass() -> None:
    """Where the only arm that differs needs a missing device, identical others do not make the gate pass."""
    of, machine, beside = cell("linear/jax"), Machine(6), dict(controls(Machine(7)))
    absent = [machine.round(of, "screen", 1, 0.0, base="unsupported", head="unsupported")]
    by_slug = {each.slug: done for each, done in beside.items()} | {of.slug: absent}
    found = verdict(plan(of, cell(kind="identical"), *beside), by_slug, {})
    assert (words(found), status_of_gate(found)) == (["unavailable", "identical"], Exit.UNMEASURED)
    assert "no arm exists on both sides and can run here: linear/jax" in report_of(found).headline


def test_what_ran_before_is_not_unavailable() -> None:
    """An arm that ran before and ends as unavailable on both sides has failed."""
    of, machine = cell(), Machine(6)
    good = [machine.round(of, "screen", number, 0.1) for number in (1, 2)]
    bad = [machine.round(of, "screen", number, 0.0, base="unavailable", head="unavailable") for number in (3, 4)]
    assert standing(of, [*good, bad[0]], 20).next == "screen"
    found = judged(of, good + bad)
    assert (words(found), status_of_gate(found)) == (["failed"], Exit.FAILED)


def test_a_base_that_another_workload_calls_wrong_was_not_compared() -> None:
    """A base that only the head's changed workload calls wrong is unmeasured, and not mended."""
    of, machine = replace(cell(), differs=("impls/linear/workload.py",)), Machine(6)
    found = judged(of, [machine.round(of, "screen", 1, 0.0, base="wrong")])
    assert (words(found), status_of_gate(found)) == (["unmeasured"], Exit.UNMEASURED)
    assert [reason.cause for reason in found.cells[0].reasons] == ["ended", "workload"]


def test_a_head_that_cannot_be_counted_is_no_pass() -> None:
    """A head that cannot be counted where the base can is unmeasured: its graph breaks are unknown."""
    counts = {"linear/nn_sgd": Counts(reason="the head could not be counted: it died", head_alone=True)}
    found = gate({"linear/nn_sgd": 0.0}, counts=counts)
    assert (words(found), status_of_gate(found)) == (["unmeasured"], Exit.UNMEASURED)
    both = {"linear/nn_sgd": Counts(reason="the base could not be counted: it died")}
    assert words(gate({"linear/nn_sgd": 0.0}, counts=both)) == ["ok"]


def test_what_was_mended_is_not_said_to_be_as_fast() -> None:
    """The headline does not claim to exclude a slowdown of an arm that had no time on the base."""
    mended, right, machine, beside = cell("linear/manual"), cell(), Machine(6), dict(controls(Machine(7)))
    by_slug = {each.slug: done for each, done in beside.items()} | {right.slug: raced(machine, right, 0.0)}
    by_slug[mended.slug] = [machine.round(mended, "screen", 1, 0.0, base="wrong")]
    found = verdict(plan(mended, right, *beside), by_slug, {})
    assert (
        "2 arms raced, a slowdown of 3 % or more is excluded for 1 of them; mended: linear/manual"
        in report_of(found).headline
    )


def test_controls_that_are_off_veto_the_clock() -> None:
    """Where identical code differs by 4 %, no measured time is believed and the status is 5."""
    found = gate({"linear/nn_sgd": 0.10, "linear/manual": 0.0}, off=0.04)
    assert found.controls.vetoes
    assert words(found) == ["unresolved", "unresolved"]
    assert (found.word, status_of_gate(found)) == ("unmeasured", Exit.UNMEASURED)


def test_controls_that_are_on_do_not() -> None:
    """Controls that are off by less than 1 % do not veto."""
    assert not gate({"linear/nn_sgd": 0.0}, off=0.004).controls.vetoes


def test_a_bad_counter_fails_by_itself() -> None:
    """One graph break more is a regression, whatever the measured times and the controls show."""
    counts = {"linear/nn_sgd": Counts(counters={"graph_breaks": Count(base=0, head=1, bad=True)})}
    found = gate({"linear/nn_sgd": 0.0}, counts=counts, off=0.04)
    assert words(found) == ["regressed"]
    assert [(reason.cause, reason.what) for reason in found.cells[0].reasons][:1] == [("counter", "graph_breaks")]
    assert status_of_gate(found) == Exit.REGRESSION


def test_another_structure_must_pass_the_clock() -> None:
    """A changed number of operations is no regression by itself and hides none."""
    counts = {"linear/nn_sgd": Counts(counters={"operations": Count(base=10, head=12)})}
    assert words(gate({"linear/nn_sgd": 0.0}, counts=counts)) == ["ok"]
    assert words(gate({"linear/nn_sgd": 0.10}, counts=counts)) == ["regressed"]


def test_nothing_to_race_is_said_after_the_controls() -> None:
    """Where all code is the same the status is 0 if the controls ran, else 5."""
    beside = dict(controls(Machine(7)))
    found = verdict(plan(cell(kind="identical"), *beside), {each.slug: done for each, done in beside.items()}, {})
    assert (found.word, status_of_gate(found)) == ("nothing to race", Exit.DONE)
    assert verdict(plan(cell(kind="identical"), *beside), {}, {}).word == "unmeasured"


def test_a_noisy_cell_is_unresolved_and_says_what_it_would_take() -> None:
    """An unresolved cell has an estimate of the minutes it needs and the smallest slowdown it would detect."""
    found = gate({"linear/nn_sgd": 0.025, "linear/manual": 0.0}, process=0.05, seed=2)
    noisy = next(each for each in found.cells if each.word == "unresolved")
    assert noisy.smallest_detectable is not None
    assert noisy.smallest_detectable > 0.03
    assert noisy.minutes_to_resolve is None or noisy.minutes_to_resolve > 0


def test_a_gate_that_decided_nothing_is_no_pass() -> None:
    """Where every raced cell is unresolved the status is 5."""
    of, machine = cell(), Machine(1, process=0.08)
    rounds = [machine.round(of, "screen", number, 0.02) for number in range(1, 6)]
    found = judged(of, rounds)
    assert (words(found), found.complete, status_of_gate(found)) == (["unresolved"], False, Exit.UNMEASURED)


def test_rounds_after_a_decision_change_nothing() -> None:
    """Rounds after a decision do not change it: the same looks are replayed."""
    of, machine = cell(), Machine(8)
    done = raced(machine, of, 0.10)
    more = [machine.round(of, "confirm", 20 + number, -0.5) for number in range(1, 5)]
    assert judged(of, done).cells[0].clocked == judged(of, done + more).cells[0].clocked
    assert words(judged(of, done + more)) == ["regressed"]


def test_different_data_are_not_compared() -> None:
    """Sides that were given different data are unmeasured."""
    of, machine = cell(), Machine(9)
    rounds = [machine.round(of, "screen", number, 0.0) for number in range(1, 7)]
    other = [replace(each, head=replace(each.head, digest="another")) for each in rounds]
    found = judged(of, other)
    assert (words(found), status_of_gate(found)) == (["unmeasured"], Exit.UNMEASURED)
    assert [reason.cause for reason in found.cells[0].reasons] == ["data"]
