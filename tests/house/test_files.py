"""Every file is documented; clocks, CUDA and printing each have one place."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source_tree import PACKAGES, sources, syntax_of, text_of

CONSOLE = "bench/cli/console.py"
# What the contract describes, so that the files of a family need not.
OVERRIDES = {"__init__", "reset", "advance", "weights", "supports"}  # of Implementation
DESCRIBED = {"__init__", "setting", "problem", "oracle", "predict", "total_loss"}  # of Workload
STEPS = "impls/steps/"  # written as a user writes a step: what its functions do is fixed


@pytest.mark.parametrize("name", ["perf_counter", "process_time", "monotonic", "time.time"])
def test_the_clock_is_read_in_one_file(name: str) -> None:
    """Only bench/clock.py names a clock of Python."""
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    assert [] == [file for file in sources(*PACKAGES) if file != "bench/clock.py" and pattern.search(text_of(file))]


def test_cuda_is_named_in_one_file_of_bench() -> None:
    """Only bench/worker/device.py uses torch.cuda."""
    assert ["bench/worker/device.py"] == [file for file in sources("bench") if "torch.cuda" in text_of(file)]


def test_only_the_console_prints() -> None:
    """No other file calls print, or writes to standard output or standard error."""
    calls = [
        f"{file}:{node.lineno}"
        for file in sources(*PACKAGES)
        if file != CONSOLE
        for node in ast.walk(syntax_of(file))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write", "typer.echo")
    ]
    assert calls == []


def test_no_temporary_folder_is_left_behind() -> None:
    """Nothing calls mkdtemp, whose folders stay: TemporaryDirectory removes its own."""
    assert [] == [file for file in sources(*PACKAGES) if "mkdtemp" in text_of(file)]


def test_every_file_begins_with_a_docstring() -> None:
    """Every Python file of the project says what it holds."""
    files = ["noxfile.py", *sources(*PACKAGES, "tests")]
    assert [] == [file for file in files if not ast.get_docstring(syntax_of(file))]


def undocumented(source: str) -> Iterator[str]:
    """The public functions, classes and methods of a file that have no docstring."""
    excused = {"__init__"}
    if re.fullmatch(r"impls/\w+/\w+\.py", source):
        excused = DESCRIBED if source.endswith("/workload.py") else OVERRIDES
    parents: list[tuple[str, ast.AST]] = [(source, syntax_of(source))]
    for name, parent in parents:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                public = not node.name.startswith("_") or node.name == "__call__"
                if public and node.name not in excused and not ast.get_docstring(node):
                    yield f"{name}: {node.name}"
                if public and isinstance(node, ast.ClassDef):
                    parents.append((f"{name}: {node.name}", node))


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_has_a_docstring(package: str) -> None:
    """Every public function, class and method says what it does, but for those that a contract or a step file fixes."""
    documented = [source for source in sources(package) if not source.startswith(STEPS)]
    assert [] == [line for source in documented for line in undocumented(source)]
