"""Imports point downward only: reports -> bench -> impls, and inside bench from the command line to the results."""

import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from tests.conftest import ROOT
from tests.house.source_tree import PACKAGES, folder_of, imports, sources

# The folders of bench from top to bottom: each imports only what stands on a line below its own.
LEVELS = (
    ("cli",),
    ("fault_exam",),
    ("selfbench", "fleet"),
    ("gate", "doctor", "profiler", "climb"),
    ("diagnosis", "referee_exam", "worker"),
    ("judge",),
    ("runner",),
    ("system",),
    ("processes",),
    ("messages",),
    ("results",),
)
FRONT_ENDS = ("bench/__main__.py", "bench/conftest.py", "bench/test_arms.py")  # these may import any of the folders
WORKER = (
    "bench/worker/",
    "bench/judge/",
    "bench/referee_exam/",
    "bench/diagnosis/",
    "bench/test_arms.py",
    "bench/conftest.py",
)  # run where torch is loaded


def level_of(folder: str) -> int:
    """The line of LEVELS that a folder of bench stands on, counted from the top."""
    name = folder.split("/")[1]
    lines = [number for number, names in enumerate(LEVELS) if name in names]
    assert lines, f"bench/{name} is new: give it a line in LEVELS of {__name__}"
    return lines[0]


def crossing(folder: str, *packages: str) -> list[str]:
    """Each import of one of these packages by a file below the folder."""
    return [
        f"{source} imports {module}"
        for source in sources(folder)
        for module in imports(source)
        if module.partition(".")[0] in packages
    ]


def test_imports_are_read() -> None:
    """The tests below see the imports of a file: known ones are among them."""
    assert {"bench.clock", "bench.results.record"} <= set(imports("bench/runner/race.py"))
    assert all(len(sources(package)) > 10 for package in PACKAGES)


def test_impls_imports_neither_bench_nor_reports() -> None:
    """What is raced knows nothing of how it is measured or shown."""
    assert crossing("impls", "bench", "reports") == []


def test_only_the_command_line_imports_reports() -> None:
    """What measures knows nothing of how it is shown; bench/cli connects the two."""
    assert [line for line in crossing("bench", "reports") if not line.startswith("bench/cli/")] == []


def test_reports_import_only_the_results_of_bench() -> None:
    """Of bench, reports import bench.results: typed values and their files."""
    assert [line for line in crossing("reports", "bench") if " bench.results" not in line] == []


def test_folders_of_bench_import_downward() -> None:
    """A folder of bench imports only folders on lower levels; bench/clock.py and bench/progress.py are below them all."""
    upward = [
        f"{source} imports {module}"
        for source in sources("bench")
        if source.count("/") > 1
        for module in imports(source)
        if module.startswith("bench.") and folder_of(module) != "bench"
        if source.split("/")[1] != module.split(".")[1]
        if level_of(source) >= level_of(folder_of(module))
    ]
    assert upward == []


def test_only_front_ends_clock_and_progress_lie_beside_the_folders_of_bench() -> None:
    """A new file of bench goes into a folder, so that its level is known."""
    beside = {source for source in sources("bench") if source.count("/") == 1}
    assert beside == {*FRONT_ENDS, "bench/__init__.py", "bench/clock.py", "bench/progress.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_folders_import_each_other(package: str) -> None:
    """The folders of a package form no circle; a file beside them counts as a folder of its own."""

    def unit(path: str) -> str:
        return path.removesuffix(".py") if path.count("/") == 1 else path.rpartition("/")[0]

    def target(module: str) -> str:
        return module.replace(".", "/") if folder_of(module) == package else folder_of(module)

    arrows: dict[str, set[str]] = {}
    for source in sources(package):
        targets = {target(module) for module in imports(source) if module.partition(".")[0] == package}
        arrows.setdefault(unit(source), set()).update(targets - {unit(source)})
    assert list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle


def test_torch_is_loaded_by_the_worker_only() -> None:
    """Importing any module of bench outside bench/worker and bench/judge, or of reports, does not load torch."""
    light = [source for source in sources("bench", "reports") if not source.startswith(WORKER)]
    modules = [source.removesuffix(".py").replace("/", ".") for source in light if not source.endswith("__main__.py")]
    script = (
        f"import importlib, sys\nfor name in {modules!r}:\n"
        "    importlib.import_module(name)\n    assert 'torch' not in sys.modules, name"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_nothing_is_unpickled() -> None:
    """No file of the project loads what could run code while it is read, but for what a written file says of checkpoints."""
    running = ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib")
    assert [] == [each for folder in ("impls", "bench", "reports") for each in crossing(folder, *running)]
