"""A live step: equal builds, a reset that is equal to the bit, parameters that arrive, imports, ways and streams."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impls.recipe.live_step import WARM, LiveStep, NotApplicable
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import read
from tests.impls.recipe.states import STATES, step
from tests.impls.steps_in_tests import live, written

MOVED = """
def {name}(model, optimizer, batch{parameter}):
    with torch.no_grad():
        model.weight.add_(0.1)
    return {answer}
"""
RETURNS_BATCH = MOVED.format(name="update", parameter="", answer="batch")


def two_updates(arm: LiveStep) -> tuple[list[Tensor], dict[str, Tensor]]:
    """What the next two updates return, and the state after them."""
    losses = [arm.update_once(), arm.update_once()]
    return losses, {name: tensor.detach().clone() for name, tensor in arm.tensors().items()}


@pytest.mark.parametrize("kind", STATES)
def test_every_kind_of_state_comes_back_to_the_bit(kind: str, tmp_path: Path) -> None:
    """After a reset, wherever a step keeps its state, the same updates follow; and so they do in another build."""
    file = written(tmp_path, STATES[kind])
    arm = live(file)
    start = {name: tensor.detach().clone() for name, tensor in arm.tensors().items()}
    losses, state = two_updates(arm)
    arm.advance(3)
    arm.reset()
    torch.testing.assert_close(arm.tensors(), start, rtol=0, atol=0)
    torch.testing.assert_close(two_updates(arm), (losses, state), rtol=0, atol=0)
    torch.testing.assert_close(two_updates(live(file)), (losses, state), rtol=0, atol=0)
    assert losses[0] != losses[1]


def test_tensors_stay_where_they_are(tmp_path: Path) -> None:
    """A reset writes into the tensors that there are: graphs keep their addresses, optimizers their parameters."""
    arm = live(written(tmp_path, STATES["buffers"]))
    places = {name: (id(tensor), tensor.data_ptr()) for name, tensor in arm.tensors().items()}
    arm.advance(2)
    arm.reset()
    assert places == {name: (id(tensor), tensor.data_ptr()) for name, tensor in arm.tensors().items()}
    assert arm.number == WARM


CONFIGURED = step(
    model="""
    import functools

    def twice(function):
        @functools.wraps(function)
        def wrapper(*arguments, **keywords):
            return 2 * function(*arguments, **keywords)
        return wrapper

    def model(width=4):
        return nn.Linear(4, width)
    """,
    optimizer="def optimizer(model, lr=0.1):\n    return torch.optim.SGD(model.parameters(), lr=lr)\n",
    loss="@twice\ndef loss(model, batch, power=2):\n    return model(batch).abs().pow(power).mean()\n",
    schedule="""
    def schedule(optimizer, number, *, decay=1.0):
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * decay**number
    """,
    gradients="""
    def gradients(model, clip=1.0):
        model.clip = clip
    """,
)


def test_parameters_arrive_in_every_function(tmp_path: Path) -> None:
    """A value that is set reaches model, optimizer, schedule, gradients, and a loss behind a decorator."""
    file = written(tmp_path, CONFIGURED)
    arm = live(file, width=3, lr=0.5, power=3, decay=0.9, clip=7.0)
    before = arm.model.weight.detach().clone(), arm.model.bias.detach().clone()
    loss = arm.update_once()
    outputs = torch.nn.functional.linear(arm.batches[WARM], *before)
    assert outputs.shape == (8, 3)
    assert torch.equal(loss, 2 * outputs.abs().pow(3).mean())
    assert arm.optimizers[""].param_groups[0]["lr"] == 0.5 * 0.9**WARM
    assert arm.model.clip == 7.0


def test_parameters_arrive_behind_a_pasted_patch(tmp_path: Path) -> None:
    """A function that wraps the one with the parameter, and passes it on, has it set as well."""
    patch = """
loss_before = loss


def loss(model, batch, **parameters):
    return 5 * loss_before(model, batch, **parameters)
"""
    file, pasted = (written(tmp_path, CONFIGURED + text, f"step{len(text)}.py") for text in ("", patch))
    arms = live(file, power=4, lr=0.1), live(pasted, power=4, lr=0.02)
    plain, patched = (arm.update_once() for arm in arms)
    torch.testing.assert_close(5 * plain, patched)


def test_parameters_arrive_in_an_update_and_in_a_way(tmp_path: Path) -> None:
    """The whole update, and another way to write it, take what is set."""
    functions = ("update", "way_b")
    texts = {name: MOVED.format(name=name, parameter=", factor=2.0", answer="factor") for name in functions}
    file = written(tmp_path, step(loss="", **texts))
    assert live(file, factor=3.0).update_once() == 3.0
    assert live(file, "way_b", factor=4.0).update_once() == 4.0


def test_a_way_takes_the_place_of_the_update(tmp_path: Path) -> None:
    """A recipe that begins with a way makes its updates, after a warm-up by the plain ones; an unknown way is refused."""
    file = written(tmp_path, step(way_half="def way_half(model, optimizer, batch):\n    return 0.5\n"))
    plain, half = live(file), live(file, "way_half")
    assert torch.equal(plain.model.weight, half.model.weight)
    assert half.update_once() == 0.5
    assert half.patch.strip() == "update = way_half"
    with pytest.raises(NotApplicable, match="no function way_third"):
        LiveStep(file, plain.setting, Recipe(way="third"))


@pytest.mark.parametrize("place", ["steps", ".", "src"])
def test_imports_of_the_file_are_found(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions come from a module beside the file, from a package in its repository's root, or in src below that."""
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    (tmp_path / ".git").mkdir()
    package = f"package_{'root' if place == '.' else place}"
    for folder in ("steps", f"{place}/{package}"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / place / package / "parts.py").write_text(
        "from torch import nn\ndef model():\n    return nn.Linear(4, 4)\n"
    )
    file = written(tmp_path / "steps", step(model=f"from {package}.parts import model\n"))
    assert live(file).model.weight.shape == (4, 4)


def test_in_float64_all_floating_tensors_are(tmp_path: Path) -> None:
    """State and batches are cast after the warm-up, and so is what an update makes; the default is put back."""
    file = written(
        tmp_path, step(loss="def loss(model, batch):\n    return (model(batch) + torch.ones(4)).square().mean()\n")
    )
    arm, single = live(file, dtype="float64"), live(file)
    assert torch.equal(arm.model.weight, single.model.weight.double())
    assert arm.update_once().dtype == torch.float64
    assert {tensor.dtype for tensor in arm.tensors().values()} == {torch.float64}
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("recipe", ["stream", "prefetch", "loader_worker"])
def test_a_stream_goes_on_where_the_warm_up_stopped(recipe: str, tmp_path: Path) -> None:
    """Updates read what `batches` yields after the batches of the warm-up; a reset begins there anew."""
    file = written(tmp_path, step(loss="", update=RETURNS_BATCH))
    arm = live(file, recipe)
    expected = list(itertools.islice(arm.module.batches(1), 30))[WARM:]
    assert all(torch.equal(arm.update_once(), batch) for batch in expected)
    arm.reset()
    assert torch.equal(arm.update_once(), expected[0])


def test_a_stream_that_ends_begins_again(tmp_path: Path) -> None:
    """Three batches are read over and over."""
    three = "def batches(seed):\n    return [torch.full((1,), i) for i in (0.0, 1.0, 2.0)]\n"
    file = written(tmp_path, step(loss="", batches=three, update=RETURNS_BATCH))
    for recipe in ("plain", "stream"):
        arm = live(file, recipe)
        assert [arm.update_once().item() for _ in range(4)] == [2.0, 0.0, 1.0, 2.0]


def test_advance_makes_the_updates_that_update_once_makes(tmp_path: Path) -> None:
    """Both go through the batches in turn, and both tell `schedule` the number of the update."""
    schedule = "def schedule(optimizer, number):\n    optimizer.param_groups[0]['lr'] = 0.1 / (1 + number)\n"
    file = written(tmp_path, step(schedule=schedule))
    once, together = live(file), live(file)
    for _ in range(20):
        once.update_once()
    together.advance(13)
    together.advance(7)
    torch.testing.assert_close(once.tensors(), together.tensors(), rtol=0, atol=0)
    assert once.number == together.number == WARM + 20
    rates = [arm.optimizers[""].param_groups[0]["lr"] for arm in (once, together)]
    assert rates[0] == rates[1]


def test_shipped_steps_are_read_by_their_path() -> None:
    """A live step is named after its file, and each has a namespace of its own."""
    path = Path(__file__).parents[3] / "impls" / "steps" / "gan.py"
    first, second = live(read(path)), live(read(path))
    assert first.module is not second.module
    assert first.module.__file__ == str(path)
