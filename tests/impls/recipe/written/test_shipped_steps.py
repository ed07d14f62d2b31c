"""Every rewrite of every shipped step has a file, or a sentence why not."""

import pytest

from impls.recipe import steps
from impls.recipe.live_step import LiveStep, NotApplicable
from impls.recipe.recipe import Recipe, rewrites
from impls.recipe.written.module import CannotBeWritten, written

# What streams batches changes the loop, not the update: a file says so. Building it here would start processes.
RECIPES = [name for name, rewrite in rewrites().items() if not rewrite.streams]


def file_or_sentence(name: str, recipe: str) -> tuple[str, str]:
    """The module that runs a step by a recipe, or why there is none; neither where the recipe does not apply."""
    file = steps.find(name, None)
    try:
        live = LiveStep(file, steps.setting(file, {}), Recipe.read(recipe))
        return written(file, live.recipe, live.patch, dict(file.parameters)), ""
    except CannotBeWritten as refusal:
        return "", str(refusal)
    except NotApplicable:
        return "", ""


@pytest.mark.parametrize("name", [file.name for file in steps.choose(("steps/*",))])
def test_every_rewrite_has_a_file_or_a_sentence(name: str) -> None:
    """A file can be imported and has its `make_update`; what cannot be written says what to do instead."""
    found = {recipe: file_or_sentence(name, recipe) for recipe in RECIPES}
    files = {recipe: text for recipe, (text, _) in found.items() if text}
    for recipe, text in files.items():
        module: dict[str, object] = {"__name__": "written"}
        exec(compile(text, f"{recipe} of {name}", "exec"), module)  # noqa: S102 - what was just written
        assert callable(module["make_update"]), recipe
    assert [] == [sentence for _, sentence in found.values() if sentence and not sentence.endswith(".")]
    assert len(files) > 3
