"""Random numbers drawn inside of the kernels of a whole graph, instead of by torch's own operations one by one."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep


def applies(step: "LiveStep") -> str | None:
    """Only to steps that draw."""
    return None if step.facts.draws else "an update draws no random numbers"


REWRITE = Rewrite(
    summary="the compiler of the whole graph draws random numbers in its own way: others, of the same distribution",
    group="compile",
    patch='compiler_options["fallback_random"] = False',
    applies=applies,
    needs=("whole_graph",),
    own_draws=True,
    effort="standard",
    compiles=True,
)
