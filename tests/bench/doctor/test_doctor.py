"""The doctor as a whole: every topic is present on any machine, and nothing private is reported."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.doctor import checks
from bench.doctor.snapshot import Snapshot
from bench.results.finding import GRADES, Finding
from tests.bench.system.machines import WELL, FakeNvml, plant
from tests.conftest import ROOT

TOPICS = {
    *("processor", "hyper-threading", "frequency", "affinity", "processor limit", "virtual machine", "container"),
    *("steal", "other processes", "memory", "swap", "cpu pressure", "memory pressure", "temperature"),
    *("heat throttling", "huge pages", "address layout", "clock", "ptrace", "disk"),
    *("C compiler", "C++ compiler", "torch", "triton", "numba", "jax", "scikit-learn", "py-spy", "python", "variables"),
}


def examined(root: Path, library: FakeNvml | None = None, cores: tuple[int, ...] | None = None) -> list[Finding]:
    """The findings of a machine below a folder, without waiting."""
    library = library or FakeNvml(absent="Driver Not Loaded")
    return list(checks.examine(root / "results", root=root, window=0.0, cores=cores, library=library))


def test_every_topic_is_there_on_a_machine_that_tells_everything(tmp_path: Path) -> None:
    """Each topic has a finding, and so has each of a GPU."""
    plant(tmp_path, WELL)
    topics = {each.topic for each in examined(tmp_path, FakeNvml(), cores=(1,))}
    parts = ("", " clocks", " throttling", " power", " temperature", " sharing", " persistence", " modes")
    assert TOPICS | {"boost"} | {f"gpu 0{part}" for part in parts} == topics


def test_every_topic_is_there_on_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    """A container without /proc and /sys: what cannot be known is unknown, with its reason, and nothing fails."""
    findings = examined(tmp_path)
    assert TOPICS | {"gpu"} == {each.topic for each in findings}
    unknown = {each.topic for each in findings if each.grade == "unknown"}
    assert {"processor", "frequency", "steal", "other processes", "memory", "temperature", "clock", "gpu"} <= unknown
    assert [] == [each.topic for each in findings if each.grade not in GRADES or not each.seen or not each.source]


def test_books_kept_in_another_way_leave_their_topic_unknown(tmp_path: Path) -> None:
    """Nonsense in one file makes one topic unknown."""
    nonsense = {"proc/meminfo": "MemTotal: many kB\nMemAvailable: some kB\n"}
    plant(tmp_path, WELL | nonsense)
    findings = {each.topic: each for each in examined(tmp_path, cores=(1,))}
    assert "unknown" == findings["memory"].grade
    assert findings["memory"].seen.startswith("it could not be read: ValueError")
    assert "fine" == findings["frequency"].grade


def test_the_reason_of_the_system_is_told_without_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error's path is left out: it may name a person or a project."""

    def refuse(_: Snapshot) -> Iterator[Finding]:
        raise PermissionError(13, "Permission denied", "/home/somebody/secret")
        yield

    monkeypatch.setitem(checks.CHECKS, "disk", refuse)
    finding = next(each for each in examined(tmp_path) if each.topic == "disk")
    assert finding.seen == "it could not be read: Permission denied"


def test_no_secret_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, command line, path or boot parameter is in the findings."""
    monkeypatch.setenv("API_TOKEN", "hunter2")
    monkeypatch.setenv("TORCH_TOKEN", "hunter2")
    plant(tmp_path, WELL | {"proc/55/cmdline": "x --password=hunter2", "proc/55/stat": "55 (x) S" + " 1" * 40})
    told = str(examined(tmp_path, cores=(1,)))
    assert "hunter2" not in told
    assert str(tmp_path) not in told


def test_a_torch_without_cuda_is_judged_by_the_gpu_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether there is an NVIDIA GPU is passed on to the check of torch."""
    from bench.system import toolchain

    monkeypatch.setattr(toolchain, "torch_build", lambda _: {"cuda": None, "debug": False})
    grades = [
        next(each.grade for each in examined(tmp_path, library) if each.topic == "torch")
        for library in (FakeNvml(), FakeNvml(absent="none"))
    ]
    assert grades == ["caution", "fine"]


def test_this_machine_can_be_examined_by_anybody() -> None:
    """The real machine is examined by a process that does not load torch."""
    script = (
        "import sys; from pathlib import Path; from bench.doctor import checks; "
        "findings = list(checks.examine(Path('results'), window=0.05)); "
        "print(len(findings), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (0, "") == (done.returncode, done.stderr)
    count, loaded = done.stdout.split()
    assert int(count) >= len(TOPICS)
    assert loaded == "False"


def test_each_topic_of_a_plain_machine_is_told_once(tmp_path: Path) -> None:
    """With one raced core no topic comes twice."""
    plant(tmp_path, WELL)
    counted = Counter(each.topic for each in examined(tmp_path, cores=(1,)))
    assert {1} == set(counted.values())
