"""Reserves the cores of this machine, and its GPU, for one measurement at a time.

What is reserved is a name among Linux's abstract sockets: only one process can hold it, no file is left behind, and it is
free as soon as the process has ended, however that happened. So there are no stale reservations. A container with a
network of its own has names of its own.
"""

import os
import socket
import struct
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

NAMES = "\0looprace "  # which an abstract socket's begins with
TOGETHER = "LOOPRACE_TOGETHER"  # variable: this process measures beside others, and does not wait for them
_CREDENTIALS = struct.Struct("3i")  # of SO_PEERCRED: process, user, group


@dataclass(frozen=True)
class Holder:
    """The process that has reserved something, and its command; 0 and "" where they cannot be seen from here."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})" if self.command else "a process that cannot be seen from here"


def names_of(cores: Iterable[int], *, gpu: bool) -> list[str]:
    """What is to be reserved for a measurement on these cores, and on the GPUs that this process can see."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return [*(f"core {core}" for core in sorted(cores)), *([f"gpu {visible}"] if gpu else [])]


def reserve(names: Iterable[str], stack: ExitStack) -> Holder | None:
    """Reserves all of these until the stack closes. Returns who has one of them; then nothing new is reserved."""
    with ExitStack() as reserved:
        for name in names:
            one = reserved.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            try:
                one.bind(NAMES + name)
            except OSError:
                return _holder(NAMES + name)
            one.listen()  # so that others can ask whose it is
        stack.push(reserved.pop_all())
    return None


def _holder(name: str) -> Holder:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(name)
            pid, *_ = _CREDENTIALS.unpack(asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", errors="replace").split("\0")
        except OSError:  # it has ended meanwhile, or too many ask
            return Holder(0, "")
    return Holder(pid, " ".join(words).strip())
