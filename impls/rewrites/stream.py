"""Batches as the file makes them, one for each update, as in a real run; the race reads drawn ones otherwise."""

from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = """
# Nothing to paste: a loop over `batches(seed)` reads them as they are made.
"""


def applies(step: "LiveStep") -> str | None:
    """Only where batches do not depend on what an update draws."""
    if step.batches_draw:
        return "its batches draw from the global generator of random numbers: let `batches` make its own from `seed`"
    return None


REWRITE = Rewrite(
    summary="each update waits for its batch to be made, as in a real run",
    group="host",
    patch=PATCH,
    applies=applies,
    effort="standard",
    streams=True,
)
