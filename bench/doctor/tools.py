"""What is fine of compilers, packages and variables, and what is not. Each check yields findings and changes nothing.

Nothing is loaded to find out. Apart from the doctor, who only asks in turn.
"""

import os
import platform
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.doctor.snapshot import judged
from bench.results.finding import Finding, Grade
from bench.system import toolchain

LOST = {"C": "the arms written in C have no time without it", "C++": "nothing is compiled for the CPU without it"}
BUY = {"C": "sudo apt-get install gcc", "C++": "sudo apt-get install g++"}
PEERS = ("numba", "jax", "scikit-learn")
PATH = "installed packages"


def compilers(variables: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The C and the C++ compiler that arms would use."""
    for language, (chosen, *names) in toolchain.COMPILERS.items():
        found = toolchain.compiler(language, variables)
        source = f"${chosen}" if variables.get(chosen) else f"{', '.join(names)} on the path"
        seen = found or "there is none"
        yield judged(
            f"{language} compiler", seen, source, "fine" if found else "caution", LOST[language], BUY[language]
        )


def torch(folder: Path | None, *, nvidia: bool) -> Iterator[Finding]:
    """PyTorch, what it was built for, and whether that fits the machine.

    folder  where torch is installed; None where it is not
    nvidia  whether there is an NVIDIA GPU
    """
    if folder is None:
        yield judged("torch", "not installed", PATH, "bad", "nothing can be raced without it", "pip install torch")
        return
    build, version = toolchain.torch_build(folder), toolchain.version("torch") or "of unknown version"
    if not build:
        yield judged(
            "torch", f"{version}; its build is not told", "torch/version.py", "unknown", command="pip show torch"
        )
        return
    kind = f"for CUDA {build['cuda']}" if build.get("cuda") else "for ROCm" if build.get("hip") else "for the CPU only"
    seen = f"{version}, built {kind}"
    if build.get("debug"):
        advice, command = "a debug build is many times slower", "pip install --force-reinstall torch"
        yield judged("torch", f"{seen}, for debugging", "torch/version.py", "bad", advice, command)
    elif nvidia and not build.get("cuda"):
        advice, command = (
            "install one that was built for CUDA, to race on the GPU",
            "pip install --force-reinstall torch",
        )
        yield judged("torch", f"{seen}, though there is an NVIDIA GPU", "torch/version.py", "caution", advice, command)
    else:
        yield judged("torch", seen, "torch/version.py")


def packages(*, nvidia: bool) -> Iterator[Finding]:
    """Triton, and the optional peers; what is absent costs its arms, and nothing else."""
    found = toolchain.version("triton")
    missed: Grade = "caution" if nvidia else "fine"
    seen = found or ("not installed" if nvidia else "not installed, and not needed without an NVIDIA GPU")
    advice = "nothing is compiled for CUDA without it"
    yield judged("triton", seen, PATH, "fine" if found else missed, advice, "pip install triton")
    for name in PEERS:
        found = toolchain.version(name)
        advice = "its arms have no time without it; all others do"
        yield judged(
            name, found or "not installed", PATH, "fine" if found else "caution", advice, f"pip install {name}"
        )


def py_spy(program: str | None) -> Iterator[Finding]:
    """Whether py-spy can look into this Python, here: it is tried on this very process.

    program  None where it is not installed
    """
    version, python = toolchain.version("py-spy") or "of unknown version", platform.python_version()
    if program is None:
        advice = "profiles have no stacks without it; races do not need it"
        yield judged("py-spy", "not installed", PATH, "caution", advice, "pip install py-spy")
        return
    reason = toolchain.why_py_spy_cannot_look(program)
    seen = f"{version}, looks into Python {python}" if reason is None else f"{version} cannot look in: {reason}"
    advice = f"take a newer one, if it is too old for Python {python}; or allow ptrace. Races do not need it"
    command = "pip install --upgrade py-spy"
    yield judged("py-spy", seen, "py-spy dump", "fine" if reason is None else "caution", advice, command)


def python(variables: Mapping[str, str] = os.environ, *, debug: bool | None = None) -> Iterator[Finding]:
    """The interpreter, and variables that slow everything down.

    debug  whether it was built for debugging; by default that of this one
    """
    slow = bool(sysconfig.get_config_var("Py_DEBUG")) if debug is None else debug
    seen = f"{platform.python_implementation()} {platform.python_version()}" + (", built for debugging" if slow else "")
    advice = "use a Python that was not built for debugging"
    yield judged("python", seen, "sysconfig", "bad" if slow else "fine", advice, "python -m sysconfig | grep Py_DEBUG")
    found = toolchain.slowing(variables)
    if not found:
        yield judged("variables", "none is set that slows everything down", "the environment, by an allow-list")
    for name, why in found.items():
        yield judged("variables", f"{name} is set: {why}", "the environment", "bad", "unset it", f"unset {name}")
