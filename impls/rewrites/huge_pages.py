"""Large tensors on pages of 2 MB instead of 4 kB: the processor finds their memory with fewer look-ups."""

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from impls.recipe.rewrite import Rewrite

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

KERNEL = Path("/sys/kernel/mm/transparent_hugepage/enabled")
VARIABLES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "THP_MEM_ALLOC_ENABLE": "1"}  # malloc's own, and torch's

PATCH = f"""
# Nothing to paste: start Python with the variables {" ".join(f"{name}={value}" for name, value in VARIABLES.items())}
"""


def applies(_: "LiveStep") -> str | None:
    """Only where Linux gives huge pages to those who ask, and the C library can ask."""
    choice = KERNEL.read_text(encoding="utf-8") if KERNEL.exists() else ""
    if "[always]" in choice:
        return "Linux gives huge pages to every process already"
    if "[madvise]" not in choice:
        return f"Linux gives no huge pages: write madvise to {KERNEL}"
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 35):
        return "the C library cannot ask for huge pages: glibc can from 2.35 on"
    return None


REWRITE = Rewrite(
    summary="large tensors lie on pages of 2 MB",
    group="memory",
    patch=PATCH,
    applies=applies,
    excludes=("jemalloc", "tcmalloc"),
    effort="standard",
    devices=("cpu",),
    variables=VARIABLES,
)
