"""Every rewrite on every shipped step: an update runs with it, or a sentence says why it does not apply."""

from pathlib import Path

import pytest

from impls.recipe.dry_run import failure
from impls.recipe.recipe import rewrites
from impls.recipe.step_file import read
from tests.impls.steps_in_tests import live, same_process

__all__ = ("same_process",)

STEPS = Path(__file__).parents[3] / "impls" / "steps"


@pytest.mark.usefixtures("same_process")
@pytest.mark.parametrize("name", sorted(path.stem for path in STEPS.glob("[a-z]*.py")))
def test_a_rewrite_runs_or_says_why_not(name: str) -> None:
    """What applies makes an update; what does not says so in one line, without a full stop, as a table shows it."""
    if name == "digits_mlp":
        pytest.importorskip("sklearn", reason="digits_mlp reads the data set of scikit-learn")
    step = live(read(STEPS / f"{name}.py"))
    for rewrite_name, rewrite in rewrites().items():
        if rewrite.compiles:
            continue  # these have tests of their own, which take longer
        reason = rewrite.refusal(step)
        if reason is None:
            patch = rewrite.patch if isinstance(rewrite.patch, str) else rewrite.patch(step)
            assert failure(step, patch) is None, rewrite_name
        else:
            assert 8 < len(reason) < 320, rewrite_name
            assert "\n" not in reason
            assert not reason.endswith(".")
