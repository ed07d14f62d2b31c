"""The rules of the house, section 4 of the design, held by reading the source. Apart because they are about all of it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("impls", "bench", "reports")
LONGEST = 400
DOOR = ("bench/cli/app.py", "bench/cli/gate.py", "bench/cli/console.py")
LENT_TO_REPORTS = {
    "bench.results.record",
    "bench.results.store",
    "bench.results.statistics",
    "bench.results.finding",
    "bench.results.profile",
    "bench.results.gate",
    "bench.results.gate_score",
}
OVERRIDES = {"__init__", "reset", "advance", "weights", "supports"}  # of Implementation: the contract says what they do
DESCRIBED = {"__init__", "setting", "problem", "oracle", "predict", "total_loss"}  # of Workload: so it does of these
UNSEEN = {".git", ".nox", ".venv", "build", "__pycache__"}


def sources(*rooms: str) -> list[str]:
    """The Python files of the rooms, as paths from the root."""
    return sorted(path.relative_to(ROOT).as_posix() for room in rooms for path in (ROOT / room).rglob("*.py"))


def text_of(source: str) -> str:
    """A file's text."""
    return (ROOT / source).read_text(encoding="utf-8")


def imports(source: str) -> Iterator[str]:
    """Every module of this project that a file imports, at its top, in a function, or for its types only."""
    for node in ast.walk(ast.parse(text_of(source))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in ROOMS)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert not node.level, f"{source} imports relative to itself, which these rules do not read"
            if module.partition(".")[0] in ROOMS:
                files = [f"{module}.{alias.name}" for alias in node.names]
                whole = [name for name in files if not (ROOT / f"{name.replace('.', '/')}.py").is_file()]
                yield from (name for name in files if name not in whole)
                yield from [module] * bool(whole)


def strangers(sources: list[str], *rooms: str) -> list[str]:
    """Each import of something in the rooms by one of the files."""
    return [f"{each} imports {name}" for each in sources for name in imports(each) if name.partition(".")[0] in rooms]


def is_front_end(source: str) -> bool:
    """Whether a file of bench is the door, or belongs to pytest."""
    return source in (*DOOR, "bench/conftest.py") or Path(source).name.startswith("test_")


def test_there_is_something_to_read() -> None:
    """Each room has files, and the rules read them."""
    assert [] == [room for room in ROOMS if len(sources(room)) < 5]
    assert "impls.contract.setting" in list(imports("bench/results/record.py"))
    assert "bench.clock" in list(imports("bench/runner/race.py"))


def test_impls_imports_neither_bench_nor_reports() -> None:
    """What is raced knows nothing of how it is measured or shown."""
    assert [] == strangers(sources("impls"), "bench", "reports")


def test_bench_does_not_import_reports() -> None:
    """What measures knows nothing of how it is shown; only the door knows all three."""
    assert [] == strangers([each for each in sources("bench") if not is_front_end(each)], "reports")


def test_reports_take_from_bench_what_is_lent_to_them() -> None:
    """Reports import record, store and statistics of bench, and nothing else of it."""
    taken = {name for each in sources("reports") for name in imports(each) if name.startswith("bench")}
    assert taken - LENT_TO_REPORTS == set()


@pytest.mark.parametrize(
    "modules",
    [
        "reports.write, reports.run.terminal, reports.json_document, reports.catalogue, reports.exit_status",
        "bench.runner.race, bench.runner.plan, bench.results.store",
        "bench.cli.app",
    ],
)
def test_torch_is_not_loaded(modules: str) -> None:
    """Reports, conductor and door are light: importing them does not load torch."""
    script = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


@pytest.mark.parametrize("name", ["perf_counter", "process_time", "monotonic", "time.time"])
def test_the_clock_is_read_in_one_file(name: str) -> None:
    """Only bench/clock.py names a clock of Python."""
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    assert [] == [each for each in sources(*ROOMS) if each != "bench/clock.py" and pattern.search(text_of(each))]


def test_cuda_is_named_in_one_file_of_bench() -> None:
    """Only bench/worker/device.py knows torch.cuda."""
    assert ["bench/worker/device.py"] == [each for each in sources("bench") if "torch.cuda" in text_of(each)]


def test_nothing_below_the_door_prints() -> None:
    """No file but the door calls print, or writes to standard output or standard error."""
    found = [
        f"{each}:{node.lineno}"
        for each in sources(*ROOMS)
        if each not in DOOR
        for node in ast.walk(ast.parse(text_of(each)))
        if isinstance(node, ast.Call)
        if ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    ]
    assert found == []


def everything() -> list[Path]:
    """Every Python file of the project."""
    found = sorted(ROOT.rglob("*.py"))
    return [path for path in found if not UNSEEN & set(path.relative_to(ROOT).parts)]


def test_no_file_is_too_long() -> None:
    """No Python file of the project has more than 300 lines."""
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in everything()}
    assert {} == {name: length for name, length in lengths.items() if length > LONGEST}


def test_every_module_says_what_it_is_for() -> None:
    """Every Python file begins with a docstring."""
    silent = [path for path in everything() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []


def undocumented(source: str) -> Iterator[str]:
    """The public functions, classes and methods of a file that have no docstring."""
    excused = {"__init__"}
    if re.fullmatch(r"impls/\w+/\w+\.py", source):
        excused = DESCRIBED if source.endswith("/workload.py") else OVERRIDES
    parents: list[tuple[str, ast.AST]] = [(source, ast.parse(text_of(source)))]
    for name, parent in parents:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                dunder = node.name.startswith("__") and node.name.endswith("__") and node.name != "__call__"
                if (
                    node.name not in excused
                    and not dunder
                    and not node.name.startswith("_")
                    and not ast.get_docstring(node)
                ):
                    yield f"{name}: {node.name}"
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    parents.append((f"{name}: {node.name}", node))


@pytest.mark.parametrize("room", ROOMS)
def test_everything_public_has_a_docstring(room: str) -> None:
    """Every public function, class and method says what it does, but for those that a contract describes already."""
    assert [] == [each for source in sources(room) for each in undocumented(source)]


def map_of_the_house() -> str:
    """The fenced block under the README's heading that holds the word "map"."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, below = re.split(r"^#+ (.*\bmap\b.*)$", readme, maxsplit=1, flags=re.MULTILINE | re.IGNORECASE)
    return below.split("```")[1].partition("\n")[2]


def mapped() -> list[str]:
    """Every path that begins a line of the map; all of those in the line of top-level files."""
    paths = []
    for line in map_of_the_house().splitlines():
        words = line.split()
        if words and ("/" in words[0] or words[0].endswith((".py", ".md", ".toml", ".txt"))):
            paths += words[:1] if "/" in words[0] else words
    return paths


def test_every_path_of_the_map_exists() -> None:
    """Whatever the README's map names is there."""
    assert [] == [path for path in mapped() if not (ROOT / path).exists()]


def test_every_file_is_on_the_map() -> None:
    """Every Python file of impls, bench and reports has its line on the map, but for the packages' __init__.py."""
    assert [] == [each for each in sources(*ROOMS) if Path(each).name != "__init__.py" and each not in mapped()]


def test_nothing_is_on_the_map_twice() -> None:
    """No path has two lines."""
    assert len(mapped()) == len(set(mapped()))
