"""Arms whose answers are right and whose times are not those of their work: one race of real processes, and the rules."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bench.messages.commands import Finished, ReadOff
from bench.runner import unseen
from tests.bench.planted import RIGHT, UNSEEN
from tests.conftest import Checkout

Arms = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def dishonest(checkout: Callable[[Mapping[str, str]], Checkout]) -> Arms:
    """The arms of a race in which one is honest."""
    place = checkout({f"linear/{name}.py": source for name, source in UNSEEN.items()} | {"linear/right.py": RIGHT})
    chosen = [f"--implementation=linear/{name}" for name in (*UNSEEN, "right")]
    mode = ("--mode=eager", "--reference=linear/manual")
    _, arms = place.with_short_laps().arms("--workload=linear/five", *mode, "--updates=40", "--rounds=2", *chosen)
    return arms


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("puts_off", "puts its updates off until somebody reads the weights"),
        ("in_a_thread", "puts its updates off until somebody reads the weights"),
        ("slow_clock", "it has replaced the clock, or does the work of a block in the untimed updates"),
        ("works_ahead", "it has replaced the clock, or does the work of a block in the untimed updates"),
        ("moves", "leave the affinity of its process as it is"),
    ],
)
def test_a_time_that_is_not_that_of_the_work_is_not_ranked(dishonest: Arms, name: str, reason: str) -> None:
    """Work that a block's clock does not see ends the arm, and its row says how it was noticed."""
    arm = dishonest[f"linear/{name} eager"]
    assert ("failed", None) == (arm["status"], arm["rank"])
    assert reason in arm["reason"]


@pytest.mark.parametrize("name", ["right", "manual"])
def test_honest_arms_are_not_suspected(dishonest: Arms, name: str) -> None:
    """Arms beside them that hide nothing are measured in every round."""
    arm = dishonest[f"linear/{name} eager"]
    assert ("ok", 2) == (arm["status"], arm["rounds"])


def test_times_that_cannot_be_are_no_answer(dishonest: Arms) -> None:
    """A clock that goes back ends its own arm, by the first of its times that cannot be, and no record is spoilt."""
    arm = dishonest["linear/clock_goes_back eager"]
    assert "crashed" == arm["status"]
    assert "something that is no answer" in arm["reason"]
    assert "build_seconds" in arm["reason"]


def test_a_slow_reading_alone_is_no_sin() -> None:
    """Weights that always take long to read, or a little longer the first time, were not put off."""
    assert unseen.put_off(ReadOff(seconds=3.0, again=2.9), computed=0.2) == ""
    assert unseen.put_off(ReadOff(seconds=0.004, again=0.0), computed=0.0) == ""
    assert "a block took 1 ms, reading what it had made 40 ms" in unseen.put_off(
        ReadOff(seconds=0.04, again=0.0), 0.001
    )


def test_waiting_for_a_processor_is_no_sin() -> None:
    """A block in which an arm mostly waited is honest; one for which it worked far longer than it says is not."""
    assert unseen.of_clock([0.015, 0.2, 0.3], [0.014, 0.014, 0.015], 1) == ""
    assert unseen.of_clock([0.015] * 3, [0.028] * 3, 2) == ""
    assert "took 15 ms by its own clock, and the kernel saw it work for 90 ms" in unseen.of_clock(
        [0.015] * 3, [0.09] * 3, 1
    )


def test_work_between_blocks_is_told_unless_the_recipe_says_so() -> None:
    """A process that works on after its updates have returned is told so; one whose recipe draws batches ahead may.

    Answering takes longer than the shortest blocks, and is nobody's fault.
    """
    finished, blocks = Finished(between=0.012), [0.015, 0.016]
    assert "worked for 12 ms between two blocks of 15.5 ms" in unseen.of_process(
        finished, blocks, [1], draws_ahead=False
    )
    assert unseen.of_process(finished, blocks, [1], draws_ahead=True) == ""
    assert unseen.of_process(Finished(between=0.001), [0.0001], [1], draws_ahead=False) == ""
