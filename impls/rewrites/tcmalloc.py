"""tcmalloc in the place of malloc: each thread keeps freed memory for itself."""

from typing import TYPE_CHECKING

from impls.recipe.allocators import library, preloaded
from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

LIBRARY = library("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")


def applies(_: "LiveStep") -> str | None:
    """Only where it is installed."""
    return (
        None if LIBRARY else "tcmalloc is not installed: apt install libtcmalloc-minimal4, or conda install gperftools"
    )


REWRITE = Rewrite(
    summary="tcmalloc allocates memory instead of malloc",
    group="memory",
    patch=preloaded(LIBRARY),
    applies=applies,
    excludes=("jemalloc", "huge_pages"),
    effort="standard",
    devices=("cpu",),
    variables={"LD_PRELOAD": LIBRARY},
)
