"""What rewrites ask about a step is what its update does."""

from pathlib import Path

import pytest

from tests.impls.recipe.states import STATES, step
from tests.impls.steps_in_tests import live, written

PLAIN = {
    "own_update": False,
    "draws": False,
    "sparse": (),
    "moving": (),
    "replaced": (),
    "moved_buffers": (),
    "writes_batch": False,
    "unused": (),
    "optimizers": ("Adam",),
}
SCHEDULE = "def schedule(optimizer, number):\n    optimizer.param_groups[0]['lr'] = 0.1 / (1 + number)\n"
BETAS = "def schedule(optimizer, number):\n    optimizer.param_groups[0]['betas'] = (0.9 / (1 + number), 0.99)\n"
BUFFERS = ("1.running_mean", "1.running_var", "1.num_batches_tracked")
COUNTS = """
    def loss(model, batch):
        model.calls = getattr(model, "calls", 0) + 1
        return model(batch).square().mean()
    """


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(step(), {}, id="plain"),
        pytest.param(step(schedule=SCHEDULE), {}, id="what schedule sets does not count as moving"),
        pytest.param(
            step(schedule=BETAS), {"moving": ("optimizer.group 0.betas.0",)}, id="betas that a schedule moves"
        ),
        pytest.param(step(loss=COUNTS), {"moving": ("model.calls",)}, id="a counter"),
        pytest.param(STATES["buffers"], {"moved_buffers": BUFFERS}, id="buffers"),
        pytest.param(STATES["sparse gradients"], {"sparse": ("weight",), "optimizers": ("SparseAdam",)}, id="sparse"),
        pytest.param(STATES["empty parameters"], {"unused": ("nothing",)}, id="unused"),
        pytest.param(STATES["a hidden state that is carried"], {"replaced": ("attribute hidden",)}, id="replaced"),
        pytest.param(STATES["random numbers of torch"], {"draws": True}, id="draws"),
        pytest.param(STATES["a batch that an update writes to"], {"writes_batch": True}, id="writes batch"),
        pytest.param(
            STATES["several optimizers"], {"own_update": True, "optimizers": ("Adam", "Adam")}, id="own update"
        ),
        pytest.param(
            STATES["an optimizer's scheduler"],
            {"own_update": True, "optimizers": ("SGD",), "moving": ("optimizer.1.last_epoch",)},
            id="a scheduler",
        ),
    ],
)
def test_facts(source: str, expected: dict[str, object], tmp_path: Path) -> None:
    """One thing is special about each step, and nothing else is."""
    facts = live(written(tmp_path, source)).facts
    assert {name: getattr(facts, name) for name in PLAIN} == PLAIN | expected
