"""What a process of one side sees: where its imports come from, and in which versions. Started by `preflight.py` only.

    python -m bench.gate.sides.probe ANSWER PACKAGE...      the file it answers in; what else to look for, and not to import

Apart because it runs in the side's interpreter, which may lack whatever this project needs.
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


def seen(packages: list[str]) -> dict[str, Any]:
    """The answer: what was imported, where the packages would come from, and versions; or the import that failed."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a side's files may raise anything
            where = traceback.extract_tb(error.__traceback__)[-1]
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            return {"failed": name, "missing": missing, "reason": text}
    files = {name: getattr(module, "__file__", None) for name, module in sorted(sys.modules.items())}
    rooms = ("impls", "bench", "torch")
    return {
        "imported": {name: file for name, file in files.items() if file and name.partition(".")[0] in rooms[:2]}
        | {"torch": files["torch"]},
        "found": {name: place for name in packages if (place := _place(name))},
        "prefixes": sorted({sys.prefix, sys.base_prefix}),
        "versions": _versions(packages),
    }


def _place(name: str) -> str | None:
    """The file or folder that a top-level package would be imported from; None where there is none, or it is built in."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    return spec.origin if spec.has_location else next(iter(spec.submodule_search_locations or ()), None)


def _versions(packages: list[str]) -> dict[str, str]:
    """Of Python, of what arms of this project run on, and of what this side's arms import; of what is not there, none."""
    import torch

    of_modules = importlib.metadata.packages_distributions()
    names = [*ALWAYS, *sorted({each for name in packages for each in of_modules.get(name, ())})]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name.lower().replace("_", "-")] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {"instructions": torch.backends.cpu.get_cpu_capability()}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(seen(sys.argv[2:])), encoding="utf-8")
