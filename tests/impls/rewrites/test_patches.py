"""A patch is what runs: pasted at the end of the step file it is the same arm, and it computes what the file does."""

from pathlib import Path

import pytest
import torch

from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe, rewrites
from tests.impls.steps_in_tests import PATTERNS, live, same_process, written

__all__ = ("same_process",)

# Those that compile, and those of several processes, have tests of their own.
ON_CPU = [name for name, one in rewrites().items() if "cpu" in one.devices and not (one.compiles or one.ranks)]
EXACT = [name for name in ON_CPU if rewrites()[name].numerics == "same"]


def arm_of(folder: Path, name: str, dtype: str = "float32") -> tuple[LiveStep, LiveStep]:
    """The plain step and the arm of a rewrite; skips where this machine lacks what it needs."""
    file = written(folder, PATTERNS)
    plain = live(file, dtype=dtype, foreach=name == "for_loop")
    needs_machine = {"jemalloc", "tcmalloc", "huge_pages", "flush_denormals", "two_threads"}
    reason = rewrites()[name].refusal(plain)
    if reason and name in needs_machine:
        pytest.skip(reason)
    assert reason is None
    return plain, live(file, Recipe.of([name]).name, dtype, foreach=name == "for_loop")


def set_alike(step: LiveStep, other: LiveStep) -> None:
    """Gives a step the state of another one."""
    tensors, others = step.tensors(), other.tensors()
    assert tensors.keys() == others.keys()
    for key, tensor in tensors.items():
        assert tensor.shape == others[key].shape
        assert tensor.dtype == others[key].dtype
        tensor.data.copy_(others[key])


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("name", ON_CPU)
def test_a_patch_pasted_at_the_end_of_the_file_is_the_same_arm(name: str, tmp_path: Path) -> None:
    """From the same state, the file with the patch in it makes the same two updates to the bit."""
    _, arm = arm_of(tmp_path, name)
    pasted = live(written(tmp_path, PATTERNS + arm.patch, "pasted.py"), foreach=name == "for_loop")
    set_alike(pasted, arm)
    for _ in range(2):
        assert torch.equal(pasted.update_once(), arm.update_once())
    tensors, others = pasted.tensors(), arm.tensors()
    assert all(torch.equal(tensor, others[key]) for key, tensor in tensors.items())
    assert all(tensor.stride() == others[key].stride() for key, tensor in tensors.items())


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("name", EXACT)
def test_a_rewrite_computes_the_same(name: str, tmp_path: Path) -> None:
    """In float64, what two updates change is the same to 1e-9 of it in every tensor."""
    plain, arm = arm_of(tmp_path, name, "float64")
    before = {key: tensor.detach().clone() for key, tensor in plain.tensors().items()}
    for _ in range(2):
        torch.testing.assert_close(arm.update_once(), plain.update_once(), rtol=1e-12, atol=0)
    others = arm.tensors()
    for key, tensor in plain.tensors().items():
        changed = (tensor.detach() - before[key]).double()
        error = (others[key].detach().double() - before[key].double() - changed).norm()
        assert error <= 1e-9 * changed.norm(), key


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("name", ON_CPU)
def test_an_arm_goes_back_to_its_start(name: str, tmp_path: Path) -> None:
    """After a reset the same updates follow, to the bit."""
    _, arm = arm_of(tmp_path, name)
    first = [arm.update_once() for _ in range(3)]
    arm.reset()
    assert all(torch.equal(arm.update_once(), loss) for loss in first)


def test_a_patch_is_short_and_names_nothing_of_looprace() -> None:
    """Texts of patches have at most 45 lines, and import nothing of this project."""
    for name, rewrite in rewrites().items():
        if isinstance(rewrite.patch, str):
            assert len(rewrite.patch.splitlines()) <= 45, name
            assert "impls" not in rewrite.patch, name


def test_rewrites_exclude_and_need_rewrites_that_exist() -> None:
    """No rewrite names one that is not there."""
    known = rewrites()
    named = {other for rewrite in known.values() for other in (*rewrite.excludes, *rewrite.needs)}
    assert named <= known.keys()
