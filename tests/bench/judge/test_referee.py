"""The referee of steps: legal ways to write an update pass, mistaken ones do not and are named."""

import dataclasses
from collections.abc import Callable

import pytest

from bench.judge.referee import OTHER_DRAWS, Referee
from bench.judge.standard.bits import compare
from bench.judge.standard.ensemble import Moved
from bench.judge.standard.observation import observe
from bench.judge.standard.race_state import observed_here
from bench.results.record import Answer
from bench.worker.step_arm import Skips
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from tests.bench.judge.conftest import STEP, Written

Judged = Callable[[str], Answer]

MISTAKES = {
    "rate": "the learning rate is multiplied by 1.001",
    "factor": "every gradient is multiplied by 1.001",
    "no_decay": "the weight decay is lost",
    "stale": "the second update reads the batch of the first again (a stale batch)",
    "no_zero_grad": "gradients are added to those of the update before (zero_grad is missing)",
    "uneven": "",
    "checkpoint": "the loss is computed twice in each update, so that buffers move twice",
    "nothing": "the optimizer's step is left out",
    "other_loss": "",
    "not_finite": "",
}


@pytest.mark.parametrize("name", ["plain", "way_zeros", "way_foreach"])
def test_another_way_to_the_same_roundings_is_identical(judged: Judged, name: str) -> None:
    """Gradients zeroed in place, one call for all tensors: every bit is equal, and nothing is to be told."""
    answer = judged(name)
    assert (answer.word, answer.reason) == ("identical", "")


@pytest.mark.parametrize("name", ["fused", "way_permuted"])
def test_another_order_of_operations_is_the_same(judged: Judged, name: str) -> None:
    """Fused kernels, rows in another order: other bits, which both float32 and float64 explain by rounding."""
    answer = judged(name)
    assert answer.word in ("same", "closer")
    assert answer.bits_lost is not None
    assert answer.bits_lost_float64 is not None
    assert max(answer.bits_lost, answer.bits_lost_float64) <= 2


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_different_and_named(judged: Judged, name: str) -> None:
    """What computes something else is told so, and by the plain step's mistake that comes to the same, where one does."""
    answer = judged(f"way_{name}")
    assert answer.word == "different"
    assert answer.reason.startswith(f"it computes what the plain step does when {MISTAKES[name]}: ") == bool(
        MISTAKES[name]
    )
    assert answer.tensor in answer.reason


@pytest.mark.parametrize("name", ["way_bf16", "bf16_autocast"])
def test_half_precision_is_coarser(judged: Judged, name: str) -> None:
    """Under autocast to bfloat16 the algebra is the same in float64, and many bits are lost in float32."""
    answer = judged(name)
    assert (answer.word, answer.reason) == ("coarser", "")
    assert answer.bits_lost is not None
    assert answer.bits_lost > 8


def test_the_gradient_of_a_bias_before_batch_norm_is_left_out(judged: Judged) -> None:
    """Its truth is zero, so that all there is is rounding; it is named."""
    left_out = judged("fused").left_out
    assert left_out == tuple(f"gradient {number} of 0.bias: its truth is no larger than rounding" for number in (0, 1))


def test_the_ensemble_is_judged_the_same(referee: Referee) -> None:
    """Members that the limits were not made of lose less than 2 bits, in float32 and in float64."""
    for step, standard in ((referee.plain, referee.single), (referee.double, referee.exact)):
        assert step is not None
        lost = [compare(observe(step, Moved(member)), standard).most for member in range(100, 105)]
        assert max(lost) < 2, lost


def test_the_referee_knows_what_it_would_notice(judged: Judged, referee: Referee) -> None:
    """The smallest error of the gradient that would be noticed, thanks to float64, is far below what float32 resolves."""
    power = judged("plain").power
    assert power is not None
    assert power.gradient is not None
    assert power.rate is not None
    assert power.number is not None
    assert max(power.gradient, power.rate, power.number) < 1e-9
    timed = referee.power(float64=False)
    assert timed.gradient is not None
    assert 1e-7 < timed.gradient < 1e-3


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("fused", "way_stale", "(a stale batch): "),
        ("bf16_autocast", "way_nothing", "times what rounding explains in its own precision"),
        ("bf16_autocast", "way_rate_by_10_percent+bf16_autocast", "times what rounding explains in its own precision"),
    ],
)
def test_what_is_right_in_float64_alone_is_different(referee: Referee, name: str, wrong: str, reason: str) -> None:
    """An arm whose float32 is another computation than its float64, which is right, is no coarser arm."""
    file, setting = referee.plain.file, referee.plain.setting
    answer = observe(LiveStep(file, setting, Recipe.read(wrong)))
    right = observe(LiveStep(file, dataclasses.replace(setting, dtype="float64"), Recipe.read(name)))
    judged = referee.judge(name, answer, right)
    assert judged.word == "different"
    assert reason in judged.reason


def test_an_earlier_answer_in_float64_counts_on(referee: Referee) -> None:
    """In later rounds an arm is observed in float32 alone; its figures in float64 are those of the first round."""
    file, setting = referee.plain.file, referee.plain.setting
    recipe = Recipe.read("way_permuted")
    single = observe(LiveStep(file, setting, recipe))
    double = observe(LiveStep(file, dataclasses.replace(setting, dtype="float64"), recipe))
    alone = referee.judge("way_other_name", single, None, "it is not known yet")
    assert (alone.word in ("same", "closer"), alone.bits_lost_float64) == (True, None)
    assert alone.left_out[-1] == "everything in float64: it is not known yet"
    first = referee.judge("way_permuted", single, double)
    assert referee.judge("way_permuted", single) == first


def test_without_float64_what_loses_bits_is_undecidable(written: Written) -> None:
    """A step that is float32 by its own code: equal arms are told so, an arm that loses bits is not called wrong."""
    text = STEP.replace("model(batch[0])", "model(batch[0].float())")
    referee = Referee(*written(text), members=9)
    assert referee.double is None
    file, setting = referee.plain.file, referee.plain.setting
    words = {
        name: referee.judge(name, observe(LiveStep(file, setting, Recipe.read(name))))
        for name in ("way_permuted", "way_bf16")
    }
    assert words["way_permuted"].word in ("same", "closer")
    assert words["way_bf16"].word == "undecidable"
    assert "float64 would decide, but the step does not run in float64" in words["way_bf16"].reason


def test_updates_that_a_scaler_leaves_out_are_counted(judged: Judged, written: Written) -> None:
    """Under autocast to float16 a step is coarser; where its gradients overflow, it is different, and says how often."""
    coarser = judged("fp16_autocast")
    assert (coarser.word, coarser.skipped) == ("coarser", 0)
    referee = Referee(*written(STEP.replace("return F.cross_entropy", "return 1e6 * F.cross_entropy")), members=2)
    file, setting = referee.plain.file, referee.plain.setting
    arm = LiveStep(file, setting, Recipe.read("fp16_autocast"))
    double = LiveStep(file, dataclasses.replace(setting, dtype="float64"), Recipe.read("fp16_autocast"))
    different = referee.judge("fp16_autocast", observe(arm), observe(double))
    assert (different.word, different.skipped) == ("different", 2)
    assert different.reason.startswith("its scaler left out 2 of the updates")
    audited = referee.audit("fp16_autocast", observed_here(arm))
    assert (audited.word, audited.skipped) == ("unjudged", 2)
    skips = Skips(arm)
    arm.advance(3)
    assert (skips.since(), skips.since()) == (3, 0)


DROPOUT = (
    STEP.replace("nn.ReLU()", "nn.Dropout(0.5)")
    + """

def way_draws_more(model, optimizer, batch):
    torch.rand(1)
    return plain(model, optimizer, batch)
"""
)


def test_equal_draws_are_judged_and_others_wait(written: Written) -> None:
    """A step with dropout: what draws the same numbers is judged as ever, what draws others waits for a sample of them."""
    referee = Referee(*written(DROPOUT), members=9)
    assert referee.double is not None
    file, setting = referee.plain.file, referee.plain.setting

    def judged(name: str) -> Answer:
        recipe = Recipe.read(name)
        double = observe(LiveStep(file, dataclasses.replace(setting, dtype="float64"), recipe))
        return referee.judge(name, observe(LiveStep(file, setting, recipe)), double)

    assert judged("way_zeros").word == "identical"
    factor = judged("way_factor")
    assert factor.word == "different"
    assert "every gradient is multiplied by 1.001" in factor.reason
    assert judged("way_draws_more") == Answer(word="unjudged", reason=OTHER_DRAWS, draws="own")


def test_a_step_that_is_not_repeatable_is_not_judged(written: Written) -> None:
    """Batches from a seed of their own: no arm is told that it is wrong, the plain step least of all."""
    referee = Referee(*written(STEP.replace("manual_seed(seed)", "manual_seed(torch.seed())")), members=2)
    answer = referee.judge("plain", observe(LiveStep(referee.plain.file, referee.plain.setting)))
    assert answer.word == "unjudged"
    assert answer.reason.startswith("two builds of the step with the same seed differ (")


def test_a_step_that_differs_from_process_to_process_is_not_judged(written: Written) -> None:
    """Where the plain arm has another answer than the judge's own plain step, no other arm is judged either."""
    referee = Referee(*written(STEP), members=2)
    other, setting = written(STEP.replace("manual_seed(seed)", "manual_seed(seed + 1)"))
    double = dataclasses.replace(setting, dtype="float64")
    for implementation in ("plain", "fused"):
        recipe = Recipe.read(implementation)
        answer = referee.judge(
            implementation, observe(LiveStep(other, setting, recipe)), observe(LiveStep(other, double, recipe))
        )
        assert answer.word == "unjudged"
