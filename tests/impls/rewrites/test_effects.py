"""Each rewrite does what its sentence says, and says why where it cannot."""

import gc
import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from impls.recipe.dry_run import changes_nothing
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import rewrites
from impls.rewrites import huge_pages
from tests.impls.recipe.states import STATES, step
from tests.impls.steps_in_tests import PATTERNS, live, same_process, written

__all__ = ("same_process",)


def arm(folder: Path, recipe: str, source: str = PATTERNS, **parameters: Any) -> LiveStep:
    """The step with a recipe."""
    return live(written(folder, source), recipe, **parameters)


def refusal(folder: Path, rewrite: str, source: str) -> str | None:
    """Why a rewrite does not apply to a step."""
    return rewrites()[rewrite].refusal(arm(folder, "plain", source))


def calls_of(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """The first arguments that a function is called with from now on."""
    seen: list[Any] = []
    original = getattr(owner, name)

    def watched(*arguments: Any, **keywords: Any) -> Any:
        seen.append(arguments[0])
        return original(*arguments, **keywords)

    monkeypatch.setattr(owner, name, watched)
    return seen


def test_zeroed_gradients_keep_their_tensors(tmp_path: Path) -> None:
    """A gradient is the same tensor after each update; in the plain step it is made anew."""
    for recipe, same in (("zeroed_gradients", True), ("plain", False)):
        made = arm(tmp_path, recipe)
        made.advance(1)
        before = made.parameters[0].grad
        made.advance(1)
        assert (made.parameters[0].grad is before) == same


@pytest.mark.parametrize("recipe", ["autograd_grad", "functional_gradients"])
def test_gradients_without_backward(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`backward` is not called, and what `gradients` clips is still clipped."""
    made = arm(tmp_path, recipe)
    backward = calls_of(monkeypatch, Tensor, "backward")
    clipped = calls_of(monkeypatch, nn.utils, "clip_grad_norm_")
    made.advance(1)
    assert backward == []
    assert len(clipped) == 1


def test_functional_gradients_move_buffers_and_tied_weights(tmp_path: Path) -> None:
    """BatchNorm's buffers are written once, and a weight that stands in two places has one gradient: both as in plain."""
    for kind in ("buffers", "tied weights"):
        file = written(tmp_path, STATES[kind], f"{kind}.py".replace(" ", "_"))
        plain, made = live(file, dtype="float64"), live(file, "functional_gradients", "float64")
        plain.advance(3)
        made.advance(3)
        torch.testing.assert_close(made.tensors(), plain.tensors())


@pytest.mark.parametrize(
    ("recipe", "parameters", "flags"),
    [
        ("fused", {}, {"fused": True, "foreach": False}),
        ("foreach", {}, {"fused": False, "foreach": True}),
        ("for_loop", {"foreach": True}, {"fused": False, "foreach": False}),
    ],
)
def test_flags_are_set_in_the_optimizer_that_there_is(
    recipe: str, parameters: dict[str, Any], flags: dict[str, bool], tmp_path: Path
) -> None:
    """In every group and in the defaults; the optimizer keeps its state, which a scheduler of the file may hold."""
    made = arm(tmp_path, recipe, **parameters)
    (optimizer,) = made.optimizers.values()
    for group in (optimizer.defaults, *optimizer.param_groups):
        assert {name: group[name] for name in flags} == flags
    made.advance(1)
    assert {float(state["step"]) for state in optimizer.state.values()} == {6.0}


@pytest.mark.parametrize(
    ("rewrite", "kind", "said"),
    [
        ("fused", "a closure", "LBFGS has no flag fused"),
        ("fused", "a plain object", "the step has no optimizer of torch"),
        ("foreach", "sparse gradients", "SparseAdam has no flag foreach"),
        ("for_loop", "buffers", "the optimizer updates one parameter after the other already"),
        ("capturable", "buffers", "it needs a GPU"),
        ("zeroed_gradients", "sparse gradients", "the gradient of weight is sparse"),
        ("autograd_grad", "a closure", "split it up into `loss`, `gradients` and `schedule`"),
        (
            "functional_gradients",
            "a hidden state that is carried",
            "the model keeps hidden from one update for the next one",
        ),
        ("functional_gradients", "several optimizers", "the file writes its own update"),
        ("bf16_autocast", "sparse gradients", "it changes nothing"),
        ("channels_last", "buffers", "the model has no convolution over images"),
        ("checkpointing", "buffers", "the model has no blocks"),
        ("checkpointing", "a plain object", "let `model` return one"),
        ("accumulation", "a hidden state that is carried", "the model keeps hidden from one update for the next one"),
    ],
)
def test_what_does_not_apply_says_why(rewrite: str, kind: str, said: str, tmp_path: Path) -> None:
    """The sentence names what is in the way."""
    reason = refusal(tmp_path, rewrite, STATES[kind])
    assert reason is not None
    assert said in reason


def test_optimizers_out_of_reach_are_told(tmp_path: Path) -> None:
    """A patch reaches what `optimizer` returns, alone or in a list or dict; not what an object of the file holds."""
    hidden = """
    class Both:
        def __init__(self, model):
            self.own = torch.optim.Adam(model.parameters())

        def zero_grad(self, set_to_none=True):
            self.own.zero_grad()

        def step(self):
            self.own.step()

    def optimizer(model):
        return Both(model)
    """
    said = "its optimizers are inside of Both: let `optimizer` return one, or a list or dict of them"
    assert refusal(tmp_path, "fused", step(optimizer=hidden)) == said
    assert refusal(tmp_path, "fused", STATES["an optimizer's scheduler"]) is None


def test_bf16_autocast_multiplies_in_bfloat16(tmp_path: Path) -> None:
    """The model's outputs are in bfloat16, parameters and their gradients in float32; the loss is another number."""
    plain, made = arm(tmp_path, "plain"), arm(tmp_path, "bf16_autocast")
    dtypes: list[torch.dtype] = []
    made.model.register_forward_hook(lambda _, __, output: dtypes.append(output.dtype))
    loss = made.update_once()
    assert dtypes == [torch.bfloat16]
    assert {parameter.grad.dtype for parameter in made.parameters if parameter.grad is not None} == {torch.float32}
    assert 0 < abs(loss - plain.update_once()) < 0.05


def test_fp16_autocast_scales_and_unscales(tmp_path: Path) -> None:
    """Its patch, for a CPU, clips gradients at their own scale and makes about the plain update; a reset resets the scaler."""
    plain, made = arm(tmp_path, "plain"), arm(tmp_path, "plain")
    patch = rewrites()["fp16_autocast"].patch
    assert callable(patch)
    model, optimizer = made.take(patch(made))
    assert optimizer.scaler.is_enabled()
    for number in range(3):
        batch = plain.batches[number]
        got, expected = (
            made.module.update(model, optimizer, batch),
            plain.module.update(plain.model, plain.optimizer, batch),
        )
        torch.testing.assert_close(got.float(), expected, rtol=2e-2, atol=0)
    norms = [
        torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in one.parameters if p.grad is not None]))
        for one in (plain, made)
    ]
    torch.testing.assert_close(norms[1], norms[0], rtol=2e-2, atol=0)
    assert optimizer.scaler.get_scale() == 1024.0


def test_channels_last_reaches_everything(tmp_path: Path) -> None:
    """Kernels, momentum and batches lie with their channels innermost; labels are left alone."""
    made = arm(tmp_path, "channels_last")
    (state,) = [made.optimizers[""].state[parameter] for parameter in made.parameters if parameter.dim() == 4]
    images, labels = made.batches[0]
    for tensor in (made.model[0].weight, state["exp_avg"], state["exp_avg_sq"], images):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
    assert labels.dtype == torch.int64


def test_checkpointing_runs_blocks_twice(tmp_path: Path) -> None:
    """A block runs forward once more for the backward pass; what is no block runs once."""
    made = arm(tmp_path, "checkpointing")
    ran: list[str] = []
    made.model[0].register_forward_pre_hook(lambda *_: ran.append("convolution"))
    made.model[4][0].register_forward_pre_hook(lambda *_: ran.append("block"))
    made.advance(1)
    assert ran == ["convolution", "block", "block"]


def test_checkpointing_runs_the_first_half_of_a_long_sequence_twice(tmp_path: Path) -> None:
    """Where no part of it is a block."""
    flat = step(model="def model():\n    return nn.Sequential(*[nn.Linear(4, 4) for _ in range(4)])\n")
    made = arm(tmp_path, "checkpointing", flat)
    ran: list[int] = []
    for number, part in enumerate(made.model):
        part.register_forward_pre_hook(lambda *_, number=number: ran.append(number))
    made.advance(1)
    assert ran == [0, 1, 2, 3, 0, 1]


def test_accumulation_runs_halves(tmp_path: Path) -> None:
    """The model sees two halves of each batch; an odd number of rows, and tensors that differ in rows, are refused."""
    made = arm(tmp_path, "accumulation")
    rows: list[int] = []
    made.model.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    made.advance(1)
    assert rows == [4, 4]
    odd = refusal(tmp_path, "accumulation", PATTERNS.replace("batch=8", "batch=7"))
    assert odd == "its batches of 7 rows have no equal halves: take an even number"
    uneven = PATTERNS.replace("images, labels = batch", "images, labels, _ = batch").replace(
        "generator=generator)\n\n\ndef loss", "generator=generator), torch.zeros(3)\n\n\ndef loss"
    )
    assert "have not all the same number of rows" in str(refusal(tmp_path, "accumulation", uneven))


@pytest.mark.usefixtures("same_process")
def test_what_is_set_for_the_process(tmp_path: Path) -> None:
    """Two threads, no collector, and no denormals where the processor can; a second time there is nothing to do."""
    arm(tmp_path, "two_threads")
    assert torch.get_num_threads() == 2
    arm(tmp_path, "frozen_collector")
    assert not gc.isenabled()
    if refusal(tmp_path, "flush_denormals", PATTERNS) is None:
        arm(tmp_path, "flush_denormals")
        assert (torch.tensor(1e-38) / 16).item() == 0
        assert refusal(tmp_path, "flush_denormals", PATTERNS) == "they are flushed already"


def test_prefetched_batches_are_made_by_a_thread_that_ends(tmp_path: Path) -> None:
    """Another thread than the one that computes makes them; when the stream is begun anew, it is gone."""
    noting = "    generator =", "    import threading\n    made_by.add(threading.current_thread())\n    generator ="
    made = arm(
        tmp_path, "prefetch", PATTERNS.replace(*noting).replace("import torch\n", "import torch\nmade_by = set()\n", 1)
    )
    made.module.made_by.clear()
    made.advance(3)
    (thread,) = made.module.made_by
    assert thread is not threading.current_thread()
    assert thread.is_alive()
    made.reset()
    assert not thread.is_alive()


def test_a_loader_makes_batches_in_a_process_that_ends(tmp_path: Path) -> None:
    """Its worker lives while the stream does; and the loader draws no number from the global generator."""
    made, plain = arm(tmp_path, "loader_worker"), arm(tmp_path, "plain")
    torch.manual_seed(0)
    assert torch.equal(made.update_once(), plain.update_once())
    assert torch.initial_seed() == 0
    assert torch.equal(torch.get_rng_state(), torch.manual_seed(0).get_state())
    assert len(multiprocessing.active_children()) == 1
    made.reset()
    assert multiprocessing.active_children() == []


def test_batches_of_the_global_generator_are_not_streamed(tmp_path: Path) -> None:
    """They would be others than those that were drawn, and change what the update draws."""
    source = PATTERNS.replace("generator=generator", "generator=None")
    for rewrite in ("stream", "prefetch", "loader_worker"):
        assert "let `batches` make its own from `seed`" in str(refusal(tmp_path, rewrite, source))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("[always] madvise never", "Linux gives huge pages to every process already"),
        ("always madvise [never]", "Linux gives no huge pages"),
        ("always [madvise] never", None),
    ],
)
def test_huge_pages_ask_the_kernel(
    choice: str, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where it gives them to those who ask."""
    monkeypatch.setattr(huge_pages, "KERNEL", tmp_path / "enabled")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    huge_pages.KERNEL.write_text(choice, encoding="utf-8")
    reason = refusal(tmp_path, "huge_pages", PATTERNS)
    assert (reason or "").startswith(said or "")
    assert (reason is None) == (said is None)


def test_a_dry_run_leaves_no_trace(tmp_path: Path) -> None:
    """State, gradients, random numbers and the file's functions are what they were."""
    made, other = arm(tmp_path, "plain"), arm(tmp_path, "plain")
    names = dict(vars(made.module))
    assert not changes_nothing(
        made, "def update(model, optimizer, batch):\n    torch.rand(1)\n    model[0].weight.data.mul_(2)"
    )
    assert changes_nothing(made, "")
    assert vars(made.module) == names
    assert torch.equal(made.update_once(), other.update_once())
    torch.testing.assert_close(made.tensors(), other.tensors(), rtol=0, atol=0)
