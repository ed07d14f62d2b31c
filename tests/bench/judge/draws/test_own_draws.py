"""Steps that draw random numbers: what draws its own is told from what draws wrongly, and what cannot be told is said."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from bench.judge import main
from bench.judge.draws import self_consistency
from bench.judge.draws.distribution import compare
from bench.judge.draws.self_consistency import slopes
from bench.judge.referee import Referee
from bench.judge.standard.bits import Spread
from bench.messages.commands import Judge
from bench.results.record import Answer
from bench.worker import session
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import PLAIN, Recipe
from tests.bench.judge.conftest import Written

STEP = '''"""A classifier with noise on what it reads and dropout."""

import torch
from torch import nn
from torch.nn import functional as F


def model():
    return nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 3))


def optimizer(model):
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(32, 24, generator=generator), torch.randint(3, (32,), generator=generator)


def loss(model, batch, noise=0.5, p=0.3, drop=F.dropout, draw=torch.randn_like):
    hidden = model[0](batch[0] + noise * draw(batch[0])).relu()
    return F.cross_entropy(model[3:](drop(hidden, p)), batch[1])


def made(model, optimizer, batch, **how):
    optimizer.zero_grad()
    value = loss(model, batch, **how)
    value.backward()
    optimizer.step()
    return value.detach()


def way_plain(model, optimizer, batch):
    return made(model, optimizer, batch)


def way_more(model, optimizer, batch):  # one more number is drawn first: all others are other ones
    torch.rand(1)
    return made(model, optimizer, batch)


def way_halves(model, optimizer, batch):  # the draws of two halves, in another order, end in the same state
    optimizer.zero_grad()
    value = (loss(model, [one[:16] for one in batch]) + loss(model, [one[16:] for one in batch])) / 2
    value.backward()
    optimizer.step()
    return value.detach()


def way_factor(model, optimizer, batch):  # equal draws, and a wrong loss
    return 1.1 * made(model, optimizer, batch)


def way_noise(model, optimizer, batch):
    torch.rand(1)
    return made(model, optimizer, batch, noise=0.5 * 1.3)


def fours(hidden, p):
    return hidden * (torch.rand(hidden.numel() // 4) >= p).repeat_interleave(4).reshape(hidden.shape) / (1 - p)


def way_fours(model, optimizer, batch):  # masks identical in groups of four
    return made(model, optimizer, batch, drop=fours)


class OtherMask(torch.autograd.Function):
    @staticmethod
    def forward(context, hidden, p):
        context.p = p
        return F.dropout(hidden, p)

    @staticmethod
    def backward(context, gradient):
        return F.dropout(gradient, context.p), None


def way_backward(model, optimizer, batch):
    return made(model, optimizer, batch, drop=OtherMask.apply)


def way_rate(model, optimizer, batch):  # wrong however it draws: float64 shows it
    optimizer.param_groups[0]["lr"] = 1e-3 * 1.001
    return made(model, optimizer, batch)
'''

WRONG = {
    "way_noise": "over 96 seeds the ",
    "way_fours": "of sums of neighbours of the ",
    "way_backward": "its gradient is not the derivative of its own loss: it is off by ",
}


@pytest.fixture(scope="module")
def referee(written: Written) -> Referee:
    """The referee of the step above."""
    return Referee(*written(STEP), members=9)


@pytest.fixture(scope="module")
def judged(referee: Referee, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Answer]:
    """Judges a way to write the update by files, with or without its draws, and with float64 where it is said of which way."""
    file, setting = referee.plain.file, referee.plain.setting
    folder = tmp_path_factory.mktemp("answers")
    worker, judge = session.Session(lambda _: None, set()), main.Session(lambda _: None)
    judge._referee = referee

    def written(name: str, *, double: bool = False) -> str:
        own = dataclasses.replace(setting, dtype="float64") if double else setting
        worker.arm = LiveStep(file, own, Recipe.read(name))
        worker.observe(str(folder / f"{name} {double}"))
        return str(folder / f"{name} {double}")

    def answer(name: str, float64: str = "", *, draws: bool = True) -> Answer:
        double = written(float64, double=True) if float64 else ""
        command = Judge(
            implementation=name,
            observation=written(name),
            observation_float64=double,
            no_float64="it is left out",
            drawn=str(folder / "draws") if draws else "",
        )
        if draws:
            worker.draw(command.drawn)
        word = judge.judge(command).answer
        assert list(folder.iterdir()) == []
        return word

    return answer


@pytest.mark.parametrize(("name", "known"), [("way_more", "own"), ("way_halves", "")])
def test_other_draws_of_the_same_distribution_are_told_so(judged: Callable[..., Answer], name: str, known: str) -> None:
    """Whether the generators end in another state or not, once the draws are sampled the arm is called neither."""
    assert judged(name, draws=False).draws == known
    answer = judged(name)
    assert (answer.word, answer.draws, answer.reason) == ("same in distribution", "own", "")
    assert answer.distribution_p is not None
    assert answer.consistency_bits is not None
    assert (answer.distribution_p > 0.001, answer.consistency_bits < 2) == (True, True)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_draws_are_different_and_named(judged: Callable[..., Answer], name: str) -> None:
    """Noise x 1.3, masks equal in fours, another mask backward: told by what shows it, without float64."""
    answer = judged(name)
    assert (answer.word, answer.draws) == ("different", "own")
    assert WRONG[name] in answer.reason


def test_a_wrong_loss_of_equal_draws_stays_different(judged: Callable[..., Answer]) -> None:
    """Its losses go up and down with the plain step's, so that it is no matter of draws."""
    answer = judged("way_factor", "way_factor")
    assert (answer.word, answer.draws) == ("different", "equal")


def test_float64_with_equal_draws_decides(judged: Callable[..., Answer]) -> None:
    """What no sample could show, a rate off by a thousandth, is told by the arm's float64; a right one proves the algebra."""
    right, wrong = judged("way_more", "plain"), judged("way_more", "way_rate")
    assert (right.word, right.bits_lost_float64) == ("same in distribution", -30.0)
    assert wrong.word == "different"
    assert wrong.reason.startswith("with the plain step's draws, ")


@pytest.mark.parametrize(
    "optimizer",
    [
        "Adam(model.parameters(), lr=1e-3, weight_decay=0.1)",
        "SGD(model.parameters(), lr=0.1, weight_decay=0.1)",
        "SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.1, maximize=True)",
    ],
    ids=["Adam", "SGD", "SGD with momentum"],
)
def test_gradients_that_nobody_sees_are_recovered(written: Written, optimizer: str) -> None:
    """From what an update did to the optimizer's state; a way shows none, so that its slopes are those of the plain step."""
    file, setting = written(STEP.replace("Adam(model.parameters(), lr=1e-3)", optimizer))
    seen, recovered = (slopes(LiveStep(file, setting, Recipe.read(name)), range(2)) for name in ("plain", "way_plain"))
    for name in seen:
        torch.testing.assert_close(recovered[name], seen[name], rtol=1e-3, atol=0.0)


def test_what_has_no_one_gradient_is_said(written: Written) -> None:
    """An optimizer that keeps no gradient where none is seen."""
    adagrad = STEP.replace("Adam(model.parameters(), lr=1e-3)", "Adagrad(model.parameters())")
    step = LiveStep(*written(adagrad))
    assert self_consistency.unmeasurable(step, PLAIN) == ""
    assert self_consistency.unmeasurable(step, Recipe.read("way_more")) == (
        "its gradients are not seen, and Adagrad keeps none of them"
    )


def test_what_does_not_depend_on_draws_is_compared_at_sight() -> None:
    """Of two numbers one varies; the other is off by a hundredth, in an arm that draws as the plain step does."""
    generator = torch.Generator().manual_seed(0)
    name, spread = "change of parameter 0.bias", Spread(1.0, 1.0, (1e-6,), (1e-6,), 2**-23)
    plain, arm = (torch.stack([torch.randn(n, generator=generator), torch.ones(n)], dim=1) for n in (128, 64))
    assert compare({name: arm}, {name: plain}, {name: spread}).faults == {}
    arm[:, 1] *= 1.01
    assert compare({name: arm}, {name: plain}, {name: spread}).faults == {
        name: "what does not depend on the draws is off by 0.01"
    }
