"""What an arm is made of on one side of a gate. An arm whose files are equal on both sides need not be raced."""

import os
from pathlib import Path

from impls.contract import dependencies as sources
from impls.contract.catalogue import family_of, files

INSTRUMENT = "bench"  # this checkout's on both sides, whatever a side has by that name


def fingerprints(root: Path, workload: str, implementation: str, top: Path | None = None) -> dict[str, str]:
    """The fingerprint of each of the side's files that running an arm depends on, by its path from `root`.

    root            the folder that holds `impls`
    workload        "linear/line"
    implementation  "linear/manual"; where the side has no such file, the others are given
    top             the root of the side's files, where its own package lies, or in src/ there; None: `root`

    The path of a file outside of `root` begins with "../".
    """
    places = list(dict.fromkeys((root, top or root, (top or root) / "src")))  # see `checkout.origin`
    modules = sources.arm_modules(family_of(workload), implementation)
    found = sources.dependencies(modules, places, _is_the_sides_own)
    return {os.path.relpath(file, root): found[file].fingerprint for file in sorted(found)}


def names(root: Path) -> set[str]:
    """The implementations of a side whose `impls` lies in `root`."""
    return set(files(root / "impls"))


def packages(root: Path) -> set[str]:
    """The top-level packages that the files of `impls` in `root` import, that aside; the standard library's too."""
    paths = (root / "impls").rglob("*.py")
    modules = [module for path in paths for module in sources.read_source(path, "impls").imports]
    return {module.partition(".")[0] for module in modules} - {"impls", INSTRUMENT, sources.ANYTHING}


def _is_the_sides_own(module: str) -> bool:
    return module.partition(".")[0] != INSTRUMENT
