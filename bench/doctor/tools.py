"""Checks of compilers, packages and environment variables. Each check yields findings, and loads nothing."""

import os
import platform
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.results.finding import Finding, Grade
from bench.system import toolchain

LOST = {"C": "the arms written in C cannot be raced without it", "C++": "nothing is compiled for the CPU without it"}
INSTALL = {"C": "sudo apt-get install gcc", "C++": "sudo apt-get install g++"}
PEERS = ("numba", "jax", "scikit-learn")
PATH = "installed packages"


def compilers(variables: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The C and the C++ compiler that arms would use."""
    for language, (chosen, *names) in toolchain.COMPILERS.items():
        compiler = toolchain.compiler(language, variables)
        source = f"${chosen}" if variables.get(chosen) else f"{', '.join(names)} on the path"
        seen = compiler or "there is none"
        yield Finding.of(
            f"{language} compiler", seen, source, "fine" if compiler else "caution", LOST[language], INSTALL[language]
        )


def torch(folder: Path | None, *, nvidia: bool) -> Iterator[Finding]:
    """PyTorch, what it was built for, and whether that fits the machine.

    folder  where torch is installed; None where it is not
    nvidia  whether there is an NVIDIA GPU
    """
    if folder is None:
        yield Finding.of("torch", "not installed", PATH, "bad", "nothing can be raced without it", "pip install torch")
        return
    build, version = toolchain.torch_build(folder), toolchain.version("torch") or "of unknown version"
    if not build:
        yield Finding.of(
            "torch", f"{version}; its build is unknown", "torch/version.py", "unknown", command="pip show torch"
        )
        return
    kind = f"for CUDA {build['cuda']}" if build.get("cuda") else "for ROCm" if build.get("hip") else "for the CPU only"
    seen = f"{version}, built {kind}"
    if build.get("debug"):
        advice, command = "a debug build is many times slower", "pip install --force-reinstall torch"
        yield Finding.of("torch", f"{seen}, for debugging", "torch/version.py", "bad", advice, command)
    elif nvidia and not build.get("cuda"):
        advice, command = (
            "install one that was built for CUDA, to race on the GPU",
            "pip install --force-reinstall torch",
        )
        yield Finding.of(
            "torch", f"{seen}, though there is an NVIDIA GPU", "torch/version.py", "caution", advice, command
        )
    else:
        yield Finding.of("torch", seen, "torch/version.py")


def packages(*, nvidia: bool) -> Iterator[Finding]:
    """Triton, and the optional peers; without one only its own arms cannot be raced."""
    installed = toolchain.version("triton")
    missed: Grade = "caution" if nvidia else "fine"
    seen = installed or ("not installed" if nvidia else "not installed, and not needed without an NVIDIA GPU")
    advice = "nothing is compiled for CUDA without it"
    yield Finding.of("triton", seen, PATH, "fine" if installed else missed, advice, "pip install triton")
    for name in PEERS:
        installed = toolchain.version(name)
        advice = "its own arms cannot be raced without it"
        yield Finding.of(
            name, installed or "not installed", PATH, "fine" if installed else "caution", advice, f"pip install {name}"
        )


def py_spy(program: str | None) -> Iterator[Finding]:
    """Whether py-spy can look into a Python process here: it is tried on this one.

    program  None where it is not installed
    """
    version, python = toolchain.version("py-spy") or "of unknown version", platform.python_version()
    if program is None:
        advice = "only profiles need it, for their stacks"
        yield Finding.of("py-spy", "not installed", PATH, "caution", advice, "pip install py-spy")
        return
    reason = toolchain.why_py_spy_cannot_look(program)
    seen = f"{version}, can look into Python {python}" if reason is None else f"{version} cannot look in: {reason}"
    advice = f"install a newer one, if it is too old for Python {python}, or allow ptrace. Only profiles need it"
    command = "pip install --upgrade py-spy"
    yield Finding.of("py-spy", seen, "py-spy dump", "fine" if reason is None else "caution", advice, command)


def python(variables: Mapping[str, str] = os.environ, *, debug: bool | None = None) -> Iterator[Finding]:
    """The interpreter, and variables that slow everything down.

    debug  whether it was built for debugging; by default that of this one
    """
    slow = bool(sysconfig.get_config_var("Py_DEBUG")) if debug is None else debug
    seen = f"{platform.python_implementation()} {platform.python_version()}" + (", built for debugging" if slow else "")
    advice = "use a Python that was not built for debugging"
    yield Finding.of(
        "python", seen, "sysconfig", "bad" if slow else "fine", advice, "python -m sysconfig | grep Py_DEBUG"
    )
    variables_set = toolchain.slowing(variables)
    if not variables_set:
        yield Finding.of(
            "variables", "none is set that would slow everything down", "the environment, by an allow-list"
        )
    for name, why in variables_set.items():
        yield Finding.of("variables", f"{name} is set: {why}", "the environment", "bad", "unset it", f"unset {name}")
