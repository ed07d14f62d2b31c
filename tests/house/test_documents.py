"""The documents name what there is."""

from impls.recipe.recipe import rewrites
from impls.recipe.steps import files
from tests.conftest import ROOT


def test_every_rewrite_is_in_the_table_of_rewrites() -> None:
    """STEPS.md names each file of impls/rewrites."""
    text = (ROOT / "STEPS.md").read_text(encoding="utf-8")
    assert [] == [name for name in rewrites() if f"`{name}`" not in text]


def test_shipped_steps_are_short() -> None:
    """A step of impls/steps is what a user would write: at most 60 lines."""
    assert [] == [name for name, file in files().items() if len(file.read_text("utf-8").splitlines()) > 60]
