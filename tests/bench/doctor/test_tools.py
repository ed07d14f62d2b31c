"""The checks of compilers, packages and variables, without loading any."""

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.doctor import tools
from bench.results.finding import Finding
from bench.system import toolchain

VERSION_FILE = (
    "from typing import Optional\n__version__ = '9.9'\ndebug = {}\ncuda: Optional[str] = {}\ngit_version = 'abc'\n"
)


def program(folder: Path, name: str, script: str) -> Path:
    """A program on a path of its own."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def torch(folder: Path, *, cuda: str = "None", debug: bool = False) -> Path:
    """A folder in which torch might be installed."""
    (folder / "lib").mkdir(parents=True)
    (folder / "version.py").write_text(VERSION_FILE.format(debug, cuda), encoding="utf-8")
    for name in ("libgomp-a34b3233.so.1", "libtorch.so", "libiomp5.so"):
        (folder / "lib" / name).touch()
    return folder


def by_topic(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Findings by topic."""
    return {each.topic: each for each in findings}


def test_a_compiler_is_named_with_its_version(tmp_path: Path) -> None:
    """The compiler that arms would use: the variable's choice first, then the names in order. No path is reported."""
    program(tmp_path, "gcc", 'echo "gcc (Maker 1.2-3) 12.2.0"; echo Free Software')
    program(tmp_path, "clang", 'echo "Maker clang version 17.0.6"')
    program(tmp_path, "odd", "exit 1")
    path = {"PATH": str(tmp_path)}
    assert "gcc 12.2.0" == toolchain.compiler("C", path)
    assert "clang 17.0.6" == toolchain.compiler("C", path | {"CC": "clang"})
    assert "odd of unknown version" == toolchain.compiler("C", path | {"CC": str(tmp_path / "odd")})
    assert toolchain.compiler("C", path | {"CC": "not-there"}) is None


def test_a_missing_compiler_says_what_is_lost_and_how_to_get_it(tmp_path: Path) -> None:
    """Without C, arms in C cannot be raced; without C++, nothing is compiled for the CPU."""
    told = by_topic(tools.compilers({"PATH": str(tmp_path)}))
    assert {"C compiler": "caution", "C++ compiler": "caution"} == {topic: each.grade for topic, each in told.items()}
    assert "sudo apt-get install g++" == told["C++ compiler"].command


def test_torch_tells_how_it_was_built_without_being_loaded(tmp_path: Path) -> None:
    """From its version file, whatever else that holds; its thread libraries by file name."""
    folder = torch(tmp_path / "torch", cuda="'12.8'")
    assert {"debug": False, "cuda": "12.8", "git_version": "abc"} == toolchain.torch_build(folder)
    assert ["libgomp-a34b3233.so.1", "libiomp5.so"] == toolchain.torch_runtimes(folder)
    (folder / "version.py").write_text("this is no Python", encoding="utf-8")
    assert {} == toolchain.torch_build(folder)
    assert {} == toolchain.torch_build(None)


@pytest.mark.parametrize(
    ("cuda", "debug", "nvidia", "grade", "words"),
    [
        ("None", False, False, "fine", "built for the CPU only"),
        ("'12.8'", False, True, "fine", "built for CUDA 12.8"),
        ("None", False, True, "caution", "though there is an NVIDIA GPU"),
        ("None", True, False, "bad", "for debugging"),
    ],
)
def test_torch_must_fit_the_machine(
    tmp_path: Path, cuda: str, debug: bool, nvidia: bool, grade: str, words: str
) -> None:
    """A build for the CPU beside a GPU is a caution; a debug build is bad."""
    (finding,) = tools.torch(torch(tmp_path / "torch", cuda=cuda, debug=debug), nvidia=nvidia)
    assert grade == finding.grade
    assert words in finding.seen


def test_without_torch_nothing_can_be_raced() -> None:
    """That is bad, and the command installs it."""
    (finding,) = tools.torch(None, nvidia=False)
    assert ("bad", "pip install torch") == (finding.grade, finding.command)


def test_an_absent_peer_costs_its_arms_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caution with the command; triton matters only beside an NVIDIA GPU."""
    monkeypatch.setattr(toolchain, "version", lambda _: None)
    told = by_topic(tools.packages(nvidia=True))
    assert {"caution"} == {each.grade for each in told.values()}
    assert "pip install scikit-learn" == told["scikit-learn"].command
    assert "fine" == by_topic(tools.packages(nvidia=False))["triton"].grade


def test_py_spy_is_tried_and_its_own_reason_told(tmp_path: Path) -> None:
    """A py-spy that is too old, may not look, ends without output, or is missing is a caution."""
    old = program(tmp_path, "old", 'echo "Error: unsupported version of Python: 3.99" >&2; exit 1')
    forbidden = program(tmp_path, "forbidden", 'echo "Permission Denied: Try running again with sudo" >&2; exit 1')
    silent = program(tmp_path, "silent", "exit 4")
    able = program(tmp_path, "able", "exit 0")
    seen = [next(tools.py_spy(str(each))) for each in (old, forbidden, silent, able)]
    assert ["caution", "caution", "caution", "fine"] == [each.grade for each in seen]
    assert seen[0].seen.endswith("cannot look in: unsupported version of Python: 3.99")
    assert seen[1].seen.endswith("Permission Denied: Try running again with sudo")
    assert seen[2].seen.endswith("it ended with status 4")
    assert "not installed" == next(tools.py_spy(None)).seen
    assert "could not be started" in next(tools.py_spy(str(tmp_path / "nobody"))).seen


def test_variables_that_slow_everything_down_are_bad() -> None:
    """Each has the command that unsets it; one set to 0 or to nothing does no harm, and others are not reported."""
    variables = {"CUDA_LAUNCH_BLOCKING": "1", "PYTHONDEVMODE": "0", "MALLOC_CHECK_": "", "SECRET": "hunter2"}
    told = [each for each in tools.python(variables, debug=False) if each.topic == "variables"]
    assert [("bad", "unset CUDA_LAUNCH_BLOCKING")] == [(each.grade, each.command) for each in told]
    assert ["fine", "fine"] == [each.grade for each in tools.python({}, debug=False)]


def test_a_python_for_debugging_is_bad() -> None:
    """A debug build of Python is bad."""
    assert "bad" == next(tools.python({}, debug=True)).grade


def test_nothing_was_loaded_to_find_out() -> None:
    """Neither torch nor a peer is imported."""
    before = set(sys.modules)
    list(tools.packages(nvidia=False))
    toolchain.torch_build(toolchain.torch_folder())
    assert not {"torch", "numba", "jax", "sklearn", "triton"} & (set(sys.modules) - before)
