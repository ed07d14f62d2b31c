"""Recipes are stacks of rewrites in one order, whichever way they are typed; what cannot be stacked says so."""

import subprocess
import sys

import pytest

from impls.contract.setting import SettingError
from impls.recipe.recipe import PLAIN, Recipe, rewrites
from impls.recipe.rewrite import GROUPS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "plain"),
        ("plain", "plain"),
        ("fused + bf16_autocast", "bf16_autocast+fused"),
        ("fused+fused", "fused"),
        ("fused+way_b", "way_b+fused"),
        ("plain+fused", "fused"),
    ],
)
def test_a_recipe_is_read_back_from_its_name(text: str, name: str) -> None:
    """Rewrites stand in the order in which they are stacked, once each; the way stands first."""
    recipe = Recipe.read(text)
    assert recipe.name == name
    assert Recipe.read(name) == recipe


def test_the_empty_recipe_is_plain() -> None:
    """It has no rewrites, no way, and nothing against it."""
    assert Recipe.read("plain") == PLAIN
    assert PLAIN.refusal is None
    assert [PLAIN.whole, PLAIN.compiles, PLAIN.coarser] == [False, False, False]


@pytest.mark.parametrize(
    ("text", "said"), [("fusd", "No rewrite is called 'fusd'"), ("way_a+way_b", "one way at most")]
)
def test_what_is_no_recipe_is_refused(text: str, said: str) -> None:
    """An unknown rewrite, and two ways."""
    with pytest.raises(SettingError, match=said):
        Recipe.read(text)


def test_rewrites_that_change_the_same_part_are_not_stacked() -> None:
    """One of the two needs to say so, whichever comes first in the recipe."""
    assert (
        Recipe.read("fused+foreach").refusal
        == "foreach and fused cannot be stacked: both change the same part of the update"
    )
    assert Recipe.read("stream+prefetch").refusal is not None
    assert Recipe.read("fused+bf16_autocast").refusal is None


def test_rewrites_are_stacked_by_group() -> None:
    """Host before precision before memory before gradients before optimizer before compilers."""
    groups = [GROUPS.index(rewrite.group) for rewrite in rewrites().values()]
    assert groups == sorted(groups)


def test_a_recipe_that_is_coarser_by_intention_says_so() -> None:
    """One coarse rewrite makes it so."""
    assert Recipe.read("fused+bf16_autocast").coarser
    assert not Recipe.read("fused").coarser


def test_the_conductor_reads_recipes_without_torch() -> None:
    """All rewrites are read, and torch has not been imported."""
    script = "import sys; from impls.recipe.recipe import rewrites; rewrites(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_a_coarser_arm_is_held_to_what_makes_it_coarser() -> None:
    """Of a stack the rewrites of its precision alone remain: the ensemble that it is judged by computes in TF32."""
    recipe = Recipe.of(["tf32", "fused"])
    assert (recipe.coarser, recipe.only_coarser) == (True, Recipe.of(["tf32"]))
    assert not Recipe.of(["fused"]).coarser
