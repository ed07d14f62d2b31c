"""Cores are reserved for one measurement at a time, with real processes."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from bench import clock
from bench.cli import session
from bench.system import reservation
from bench.system.reservation import Holder, names_of, reserve
from tests.conftest import ROOT

ASK = """
from contextlib import ExitStack
import sys
from bench.system import reservation
reservation.NAMES = sys.argv[1]
with ExitStack() as stack:
    print(reservation.reserve(["core 0", "core 1"], stack), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> str:
    """Names of this test's own, so that it meets no race on this machine."""
    own = f"\0test {os.getpid()} "
    monkeypatch.setattr(reservation, "NAMES", own)
    return own


def asking(names: str) -> subprocess.Popen[str]:
    """Another process, which reserves two cores, says what came of it, and waits."""
    # an argument holds no NUL: the other process puts it back
    program = ASK.replace("sys.argv[1]", '"\\0" + sys.argv[1]')
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program, names[1:]], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def test_a_core_is_reserved_for_one_process_until_it_is_killed(names: str) -> None:
    """Another process is told who has it; a killed one leaves no reservation behind."""
    with asking(names) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "None\n"
        with ExitStack() as stack:
            holder = reserve(["core 1", "core 7"], stack)
            assert holder is not None
            assert holder.pid == first.pid
            assert holder.command.startswith(f"{sys.executable} -c")
        first.kill()
        first.wait()
        with ExitStack() as stack:
            assert reserve(["core 1", "core 7"], stack) is None
            assert isinstance(reserve(["core 7"], stack), Holder)
    with ExitStack() as stack:
        assert reserve(["core 7"], stack) is None


def test_a_race_waits_and_says_for_whom(
    names: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second race on the same cores waits, names the first one, and begins when that has ended."""
    monkeypatch.delenv(reservation.TOGETHER)
    with ExitStack() as first:
        assert reserve(names_of(os.sched_getaffinity(0), gpu=False), first) is None
        monkeypatch.setattr(clock, "pause", lambda seconds: first.close())
        with session.machine_reserved(), ExitStack() as third:
            assert reserve(names_of(os.sched_getaffinity(0), gpu=False), third) is not None
    assert f"Waiting for process {os.getpid()} (" in capsys.readouterr().err
