"""Finds compilers, packages and their versions without loading any of them."""

import ast
import ctypes
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from impls.contract.catalogue import PACKAGES

PR_SET_PTRACER = 0x59616D61  # Linux, Yama
COMPILERS = {"C": ("CC", "cc", "gcc", "clang"), "C++": ("CXX", "g++", "clang++")}
BUILD = ("cuda", "hip", "xpu", "debug", "git_version")  # what torch/version.py says
RUNTIMES = re.compile(r"lib(gomp|iomp5|omp|mkl_rt|openblas|armpl|cudnn|nccl)\b[^/]*\.so[.\d]*$")
SLOWING = {  # variables that change how fast everything runs, and why one sets them
    "CUDA_LAUNCH_BLOCKING": "every kernel is waited for",
    "PYTHONDEVMODE": "Python checks itself at every step",
    "PYTHONMALLOC": "Python's own allocator is replaced",
    "PYTHONTRACEMALLOC": "every allocation of Python is traced",
    "MALLOC_CHECK_": "every allocation is checked",
    "LD_DEBUG": "the loader reports all it does",
    "TORCH_SHOW_DISPATCH_TRACE": "every operation is traced",
    "TORCHDYNAMO_DISABLE": "nothing is compiled",
    "TORCH_COMPILE_DISABLE": "nothing is compiled",
    "TRITON_INTERPRET": "Triton's kernels are interpreted",
    "NUMBA_DISABLE_JIT": "Numba compiles nothing",
}


def version(package: str) -> str | None:
    """The installed version of a package; None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    return {package: number for package in packages if (number := version(package))}


def distributions(modules: Iterable[str]) -> list[str]:
    """The installed packages that these top-level modules belong to, by the names under which they are installed."""
    names = {module: PACKAGES.get(module, module) for module in modules}
    unknown = [module for module, name in names.items() if version(name) is None]
    owners = importlib.metadata.packages_distributions() if unknown else {}  # reads all that is installed
    return sorted({name for name in names.values() if version(name)}.union(*(owners.get(m, ()) for m in unknown)))


def finished(*command: str, limit: float = 10.0) -> subprocess.CompletedProcess[str] | None:
    """A command, finished; None when it cannot be started or does not end within the limit."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=limit)
    except (OSError, subprocess.TimeoutExpired):
        return None


def compiler(language: str, variables: Mapping[str, str] = os.environ) -> str | None:
    """Name and version of the C or C++ compiler that the arms would use: "g++ 12.2.0"; None when there is none."""
    chosen, *names = COMPILERS[language]
    wanted = [variables[chosen]] if variables.get(chosen) else names
    program = next(filter(None, (shutil.which(name, path=variables.get("PATH")) for name in wanted)), None)
    if program is None:
        return None
    done = finished(program, "--version")
    first = (done.stdout.splitlines() or [""])[0] if done and done.returncode == 0 else ""
    number = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\(.*?\)", "", first))
    kind = "clang" if "clang" in first else "gcc" if "Free Software" in (done.stdout if done else "") else ""
    named = Path(program).name
    return f"{named}{f' ({kind})' if kind and named in ('cc', 'c++') else ''} {number[0] if number else 'of unknown version'}"


def torch_folder() -> Path | None:
    """The folder in which torch is installed; None when it is not."""
    spec = importlib.util.find_spec("torch")
    folders = (spec and spec.submodule_search_locations) or ()
    return next((Path(folder) for folder in folders), None)


def torch_build(folder: Path | None) -> dict[str, str | bool | None]:
    """How torch was built, by its version.py: for which CUDA, from which commit, whether for debugging."""
    try:
        tree = ast.parse((folder / "version.py").read_text("utf-8")) if folder else ast.parse("")
    except (OSError, SyntaxError, ValueError):
        return {}
    fields: dict[str, str | bool | None] = {}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            value = getattr(node, "value", None)
            if isinstance(target, ast.Name) and target.id in BUILD and isinstance(value, ast.Constant):
                fields[target.id] = value.value if isinstance(value.value, bool | None) else str(value.value)
    return fields


def torch_runtimes(folder: Path | None) -> list[str]:
    """The file names of the threading and linear algebra libraries that come with torch."""
    libraries = folder.glob("lib/*.so*") if folder else ()
    return sorted(path.name for path in libraries if RUNTIMES.match(path.name))


def slowing(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that are set and slow everything down, each with what it does."""
    return {name: why for name, why in SLOWING.items() if variables.get(name, "0") not in ("", "0")}


def py_spy() -> str | None:
    """The program, beside this Python or on the path; None when there is none."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("py-spy", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))


def admit(pid: int) -> None:
    """Lets that process, and whatever it starts, look into this one. Yama otherwise allows only ancestors."""
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, pid, 0, 0, 0)


def why_py_spy_cannot_look(program: str) -> str | None:
    """None when py-spy can look into this very process, else its own reason in a line."""
    admit(os.getpid())  # as a profiled arm does
    done = finished(program, "dump", "--nonblocking", "--pid", str(os.getpid()))
    if done is None:
        return "it could not be started, or did not end"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[0].removeprefix("Error: ")[:200] if lines else f"it ended with status {done.returncode}"
