"""A program that reports where the imports of one side come from, and their versions. `preflight.py` starts it.

    python -m bench.gate.sides.probe ANSWER PACKAGE...      the file to answer in; packages to look for without importing them

It runs in the side's interpreter, which may lack packages that this project needs.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import platform
import sys
import traceback
from pathlib import Path
from typing import Any

NEEDED = (
    "bench.worker.main",
    "bench.worker.device",
    "impls",
    "impls.contract.catalogue",
    "impls.contract.dependencies",
    "impls.contract.task",
    "torch",
)
ALWAYS = ("torch", "numpy", "scipy", "triton", "numba", "jax", "jaxlib", "scikit-learn")


def survey(packages: list[str]) -> dict[str, Any]:
    """The answer, as `preflight.Survey` describes it."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a side's files may raise anything
            where = traceback.extract_tb(error.__traceback__)[-1]
            lacks = isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "impls"
            missing = error.name if isinstance(error, ModuleNotFoundError) or lacks else None  # type: ignore[attr-defined]
            text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            return {"failed": name, "missing": missing, "reason": text}
    files = {name: getattr(module, "__file__", None) for name, module in sorted(sys.modules.items())}
    own = {name: file for name, file in files.items() if file and name.partition(".")[0] in ("impls", "bench")}
    return {
        "imported": own | {"torch": files["torch"]},
        "packages": {name: place for name in packages if (place := _place(name))},
        "prefixes": sorted({sys.prefix, sys.base_prefix}),
        "versions": _versions(packages),
    }


def _place(name: str) -> str | None:
    """The file or folder that a top-level package would be imported from; None for a built-in or missing one."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    return spec.origin if spec.has_location else next(iter(spec.submodule_search_locations or ()), None)


def _versions(packages: list[str]) -> dict[str, str]:
    """The versions of Python, of the packages in ALWAYS and of those that this side's arms import, as far as installed."""
    import torch

    of_modules = importlib.metadata.packages_distributions()
    names = [*ALWAYS, *sorted({each for name in packages for each in of_modules.get(name, ())})]
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name.lower().replace("_", "-")] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions | {"instructions": torch.backends.cpu.get_cpu_capability()}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(survey(sys.argv[2:])), encoding="utf-8")
