"""How py-spy is started, where its samples begin, and the reason where there are none; with scripts in its place."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bench.profiler import py_spy
from bench.profiler.py_spy import Sampler, SamplingError, parsed, trimmed
from bench.system import toolchain

AROUND = (
    "<module> (bench/worker/main.py:30);carry_out_commands (bench/processes/command_loop.py:83);"
    "Session.probe (bench/worker/session.py:200)"
)
INSIDE = "Subject.seconds (bench/worker/probes.py:50);Stopwatch.time (bench/worker/device.py:60)"
ARM = "Right.advance (impls/linear/right.py:20)"

Pretend = Callable[[str], Path]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pretend:
    """Puts a shell script in the place of py-spy; in it, $out is the file to write to."""

    def make(script: str) -> Path:
        program = tmp_path / "py-spy"
        find_out = 'for each in "$@"; do case "$each" in --output=*) out="${each#--output=}";; esac; done\n'
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n{find_out}{script}\n')
        program.chmod(0o755)
        monkeypatch.setattr(toolchain, "py_spy", lambda: str(program))
        return tmp_path / "arguments"

    return make


@pytest.fixture
def target() -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own group that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def looked_at(target: subprocess.Popen[bytes], out: Path, **chosen: bool) -> dict[str, int]:
    """The samples of a tenth of a second."""
    with Sampler(target.pid, 0.1, out, **chosen) as sampler:
        return sampler.stacks()


def test_samples_begin_at_the_implementation() -> None:
    """Frames of the worker are cut off, however they are nested; equal stacks are added up."""
    stacks = Counter({f"{AROUND};{INSIDE};{ARM};sum (torch/x.py:1)": 3, f"{AROUND};{ARM};sum (torch/x.py:1)": 4})
    assert trimmed(stacks) == {f"{ARM};sum (torch/x.py:1)": 7}


def test_samples_outside_of_the_arm_are_left_out() -> None:
    """The harness itself, stacks that were read while they changed, and other threads are no part of the arm's time."""
    stacks = Counter(
        {AROUND: 5, f"{AROUND};{INSIDE};now (bench/clock.py:9)": 5, "sum (torch/x.py:1)": 2, f"{AROUND};{ARM}": 1}
    )
    assert trimmed(stacks) == {ARM: 1}


def test_a_file_of_the_same_name_elsewhere_is_not_the_harness() -> None:
    """Only looprace's own files are cut off."""
    frame = "run (else/bench/worker.py:3)"
    assert trimmed(Counter({f"{AROUND};{ARM};{frame}": 2})) == {f"{ARM};{frame}": 2}


def test_the_most_frequent_stack_comes_first() -> None:
    """Stacks with as many samples are ordered by name, so that equal samples give equal files."""
    stacks = Counter({f"{AROUND};b": 2, f"{AROUND};a": 2, f"{AROUND};c": 9})
    assert list(trimmed(stacks)) == ["c", "a", "b"]


def test_what_py_spy_writes_is_read_with_care() -> None:
    """Equal stacks are added up, lines without a sample skipped, and unprintable characters replaced."""
    assert parsed("a;b (x.py:1) 3\na;b (x.py:1) 2\nnonsense\nc x\n\n") == {"a;b (x.py:1)": 5}
    assert list(parsed("a\x1b[31m;b\x00 1\n")) == ["a?[31m;b?"]


def test_the_target_is_not_stopped_unless_native_frames_are_asked_for(
    pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """py-spy samples without stopping the process, and less often where it has to stop it."""
    for native in (False, True):
        arguments = pretend(f'echo "{AROUND};{ARM} 50" > "$out"')
        assert looked_at(target, tmp_path / "stacks", native=native) == {ARM: 50}
        words = arguments.read_text().split()
        assert ("--native" in words, "--nonblocking" in words) == (native, not native)
        assert f"--pid={target.pid}" in words
        assert 50 <= int(words[words.index("--rate") + 1]) <= 100


@pytest.mark.parametrize(
    "output",
    [
        "Error: Permission Denied: Try running again with elevated permissions by going 'sudo env \"PATH=$PATH\" !!'",
        "Error: Failed to open process: EPERM: Operation not permitted",
    ],
)
def test_a_refused_ptrace_is_named_with_its_cure(
    pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path, output: str
) -> None:
    """Where the kernel refuses, the reason says what would help."""
    pretend(f"cat >&2 <<'END'\n{output}\nEND\nexit 1")
    with pytest.raises(SamplingError, match=r"ptrace.*SYS_PTRACE"):
        looked_at(target, tmp_path / "stacks")


def test_a_py_spy_too_old_for_this_python_is_named(
    pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """The reason has py-spy's own words and the version of Python that it may not know."""
    pretend('echo "Error: Failed to find python version from target process" >&2; exit 1')
    with pytest.raises(SamplingError, match=rf"Python {sys.version_info[0]}\..*newer.*Failed to find python version"):
        looked_at(target, tmp_path / "stacks")


def test_a_py_spy_that_cannot_be_started_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, target: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Such as one for another kind of processor."""
    (tmp_path / "py-spy").write_bytes(b"\x7fELF of another world")
    (tmp_path / "py-spy").chmod(0o755)
    monkeypatch.setattr(toolchain, "py_spy", lambda: str(tmp_path / "py-spy"))
    with pytest.raises(SamplingError, match="could not be started: "):
        looked_at(target, tmp_path / "stacks")


def test_a_missing_py_spy_is_named_with_its_install_line(
    monkeypatch: pytest.MonkeyPatch, target: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """There is no py-spy beside Python or on the path."""
    monkeypatch.setattr("bench.system.toolchain.shutil.which", lambda *_, **__: None)
    with pytest.raises(SamplingError, match="pip install py-spy"):
        looked_at(target, tmp_path / "stacks")


def test_too_few_samples_are_no_profile(pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """With three samples in the arm, the reason says that it is too short to be sampled."""
    pretend(f'echo "{AROUND};{ARM} 3" > "$out"; echo "{AROUND} 100" >> "$out"')
    with pytest.raises(SamplingError, match=r"^3 of about 10 samples .* too short"):
        looked_at(target, tmp_path / "stacks")


def test_a_py_spy_that_writes_nothing_is_named(
    pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """It may exit with status 0 and leave no file."""
    pretend("exit 0")
    with pytest.raises(SamplingError, match="it said nothing"):
        looked_at(target, tmp_path / "stacks")


def test_a_hanging_py_spy_is_ended_and_its_target_goes_on(
    pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """py-spy is killed after a while, and the process that it had stopped goes on."""
    monkeypatch.setattr(py_spy, "PATIENCE", 0.5)
    pretend("exec sleep 600")
    os.kill(target.pid, signal.SIGSTOP)
    sampler = Sampler(target.pid, 0.1, tmp_path / "stacks")
    with pytest.raises(SamplingError, match="did not end by itself"), sampler:
        sampler.stacks()
    assert not psutil.pid_exists(sampler._process.pid)
    assert psutil.Process(target.pid).status() != psutil.STATUS_STOPPED


def test_a_target_that_has_died_harms_nobody(pretend: Pretend, target: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """The reason says that there is no such process."""
    pretend('echo "Error: No such process" >&2; exit 1')
    target.kill()
    target.wait()
    with pytest.raises(SamplingError, match="No such process"):
        looked_at(target, tmp_path / "stacks")
