"""Samples a worker's stack of Python functions from outside, by py-spy.

The worker is never stopped for a sample, unless native frames are wanted; whatever becomes of py-spy, the worker goes on.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Self

from bench.system import toolchain

RATE, NATIVE_RATE = 100, 50  # samples a second
PATIENCE = 15.0  # seconds more than it was to sample for, after which py-spy is ended
FEWEST = 20  # samples in the arm; fewer say nothing about it
HARNESS = re.compile(
    r"\(bench/(worker/(main|session|probes|torch_profiler|device)|processes/command_loop|clock)\.py:\d+\)$"
)
INSTALL = "py-spy is not installed: pip install py-spy"
REFUSED = (
    "the kernel does not let py-spy look into other processes (ptrace): run it as root, or with "
    "`sysctl kernel.yama.ptrace_scope=0`; in a container, with `--cap-add=SYS_PTRACE`"
)


class SamplingError(Exception):
    """There are no samples; the message says why, and what would help."""


class Sampler:
    """A running py-spy that samples one process; `stacks` waits for its end. Raises SamplingError where it cannot be.

    pid      of the process, which also leads its process group
    seconds  how long to sample
    out      file that py-spy writes
    native   whether to see C and C++ frames, too; the process is then stopped for each sample
    """

    def __init__(self, pid: int, seconds: float, out: Path, *, native: bool = False) -> None:
        program = toolchain.py_spy()
        if program is None:
            raise SamplingError(INSTALL)
        self._pid, self._seconds, self._out = pid, seconds, out
        self._expected = round(seconds * (NATIVE_RATE if native else RATE))
        how = ["--native", "--rate", str(NATIVE_RATE)] if native else ["--nonblocking", "--rate", str(RATE)]
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            self._process = subprocess.Popen(
                [program, "record", *how, "--format=raw", f"--duration={seconds:g}", f"--output={out}", f"--pid={pid}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise SamplingError(f"py-spy could not be started: {error.strerror}") from error

    def stacks(self) -> dict[str, int]:
        """Samples by stack of functions in the arm, outermost first, joined by ";". Waits until py-spy is done."""
        try:
            output, _ = self._process.communicate(timeout=self._seconds + PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise SamplingError(f"py-spy did not end by itself after {self._seconds + PATIENCE:g} s") from error
        if self._process.returncode or not self._out.is_file():
            raise SamplingError(_complaint(output))
        stacks = trimmed(parsed(self._out.read_text(encoding="utf-8", errors="replace")))
        count = sum(stacks.values())
        if count < FEWEST:
            raise SamplingError(
                f"{count} of about {self._expected} samples were in the arm: it is too short to be sampled"
            )
        return stacks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGCONT)  # a py-spy that dies may leave the process stopped


def _complaint(output: str) -> str:
    """The reason in what py-spy printed."""
    if re.search(r"permission denied|operation not permitted|eperm|ptrace", output, re.IGNORECASE):
        return REFUSED
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("py-spy>")]
    why = " ".join(line.removeprefix("Error: ").removeprefix("Reason: ") for line in lines)[:300]
    python = ".".join(map(str, sys.version_info[:3]))
    return f"py-spy failed (this is Python {python}; a newer py-spy may help): {why or 'it said nothing'}"


def parsed(folded: str) -> Counter[str]:
    """Samples by stack from py-spy's raw format: "outer;inner 12" a line."""
    samples: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit():
            samples["".join(letter if letter.isprintable() else "?" for letter in stack)] += int(count)
    return samples


def trimmed(stacks: Counter[str]) -> dict[str, int]:
    """The same stacks without the frames of the harness around the implementation, most frequent first.

    A stack without such a frame is left out: it was read while it changed, or belongs to a thread that only waits.
    """
    kept: Counter[str] = Counter()
    for stack, count in stacks.items():
        frames = stack.split(";")
        last = max((number for number, frame in enumerate(frames) if HARNESS.search(frame)), default=None)
        if last is not None and frames[last + 1 :]:
            kept[";".join(frames[last + 1 :])] += count
    return dict(sorted(kept.items(), key=lambda item: (-item[1], item[0])))
