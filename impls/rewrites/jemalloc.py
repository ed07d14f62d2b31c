"""jemalloc in the place of malloc: it keeps freed memory for the next tensor of that size."""

from typing import TYPE_CHECKING

from impls.recipe.allocators import library, preloaded
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LIBRARY = library("libjemalloc.so.2")


def applies(_: "LiveStep") -> str | None:
    """Only where it is installed."""
    return None if LIBRARY else "jemalloc is not installed: apt install libjemalloc2, or conda install jemalloc"


REWRITE = Rewrite(
    summary="jemalloc allocates memory instead of malloc",
    group="memory",
    patch=preloaded(LIBRARY),
    applies=applies,
    excludes=("tcmalloc", "huge_pages"),
    effort="standard",
    devices=("cpu",),
    variables={"LD_PRELOAD": LIBRARY},
)
