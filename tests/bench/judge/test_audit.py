"""The audit: the timed object is judged in the state that its race has reached, and the race goes on as if nothing had been."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from bench.judge.referee import Referee
from bench.judge.standard.observation import observe
from bench.judge.standard.race_state import not_carried, observed_here
from bench.results.record import Answer
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from tests.bench.judge.conftest import STEP, Written

WAYS = """
calls = []


def way_wrong_after_40(model, optimizer, batch):
    calls.append(None)
    return plain(model, optimizer, batch, 1.0 if len(calls) <= 40 else 1.003)


def way_wrong_after_1000(model, optimizer, batch):
    calls.append(None)
    return plain(model, optimizer, batch, 1.0 if len(calls) <= 1000 else 1.003)


def way_own_momentum(model, optimizer, batch):
    optimizer.state.clear()
    return plain(model, optimizer, batch)
"""

AuditedAt = Callable[[str, int], Answer]


@pytest.fixture(scope="module")
def referee_of_ways(written: Written) -> Referee:
    """The referee of the small step with these ways."""
    return Referee(*written(STEP + WAYS), members=9)


@pytest.fixture(scope="module")
def audited(referee_of_ways: Referee) -> Iterator[AuditedAt]:
    """Judges an arm from its start, then after so many updates; an arm goes on from where it was audited last."""
    referee, steps = referee_of_ways, dict[str, LiveStep]()
    file, setting = referee.plain.file, referee.plain.setting

    def audit(name: str, updates: int) -> Answer:
        if name not in steps:
            steps[name] = step = LiveStep(file, setting, Recipe.read(name))
            double = LiveStep(file, replace(setting, dtype="float64"), Recipe.read(name))
            assert referee.judge(name, observe(step), observe(double)).word in (
                "identical",
                "same",
                "closer",
                "coarser",
            )
        step = steps[name]
        step.advance(step.start + updates - step.number)
        return referee.audit(name, observed_here(step))

    yield audit
    for name in steps:
        referee._first.pop(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fused", ("identical", "same", "closer")),
        ("way_permuted", ("same", "closer")),
        ("bf16_autocast", ("same", "closer")),
    ],
)
def test_an_honest_arm_is_the_same_early_and_late(audited: AuditedAt, name: str, words: tuple[str, ...]) -> None:
    """After 60 and after 1 005 updates it does what the plain step does from there; a coarser one in its own precision."""
    assert [audited(name, updates).word in words for updates in (60, 1005)] == [True, True]


@pytest.mark.parametrize(
    ("name", "right", "wrong"), [("way_wrong_after_40", 20, 45), ("way_wrong_after_1000", 60, 1005)]
)
def test_an_arm_that_goes_wrong_later_is_different(audited: AuditedAt, name: str, right: int, wrong: int) -> None:
    """It is right at the start and some updates later; then the audit tells the factor in its gradients."""
    assert audited(name, right).word == "identical"
    late = audited(name, wrong)
    assert late.word == "different"
    assert late.reason.startswith("it computes what the plain step does when every gradient is multiplied by 1.003: ")


def test_a_state_that_is_kept_elsewhere_is_not_judged(referee_of_ways: Referee) -> None:
    """An arm without the plain step's momentum has another state; the reason names what it lacks."""
    step = LiveStep(referee_of_ways.plain.file, referee_of_ways.plain.setting, Recipe.read("way_own_momentum"))
    referee_of_ways.judge("way_own_momentum", observe(step))
    step.optimizers[""].state.clear()
    answer = referee_of_ways.audit("way_own_momentum", observed_here(step))
    assert (answer.word, answer.reason) == (
        "unjudged",
        "it does not keep the state momentum_buffer of 0.weight of the plain step",
    )


def test_a_race_goes_on_as_if_nothing_had_been(referee_of_ways: Referee) -> None:
    """With an observation in between, an arm makes the same updates to the bit."""
    plain = referee_of_ways.plain
    one, other = (LiveStep(plain.file, plain.setting, Recipe.read("fused")) for _ in range(2))
    for step in (one, other):
        step.advance(7)
    observed_here(one)
    assert one.number == other.number
    assert torch.equal(one.update_once(), other.update_once())
    torch.testing.assert_close(one.tensors(), other.tensors(), rtol=0, atol=0)


def test_what_is_neither_tensor_nor_number_is_told(written: Written) -> None:
    """A step that keeps a list in its model cannot be put into another state; scheduled rates and counts can."""
    counting = STEP.replace(
        "return F.cross", "model.seen = [*getattr(model, 'seen', []), 1]\n    return len(model.seen) * F.cross"
    )
    assert not_carried(LiveStep(*written(counting))).startswith(
        "the plain step keeps something besides tensors and numbers"
    )
    scheduled = STEP.replace(
        "return F.cross", "model.seen = getattr(model, 'seen', 0) + 1\n    return model.seen * F.cross"
    )
    assert not_carried(LiveStep(*written(scheduled))) == ""
