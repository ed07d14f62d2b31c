"""A process that has loaded torch and nothing of any side, and forks workers: both sides of a round begin as copies of it.

    python -P bench/runner/fork_server.py SOCKET CORES MORE...    SOCKET is a file descriptor, CORES "0,1", MORE packages

Apart from process.py, which starts a worker from nothing: that takes seconds, nearly all of them to load what both sides have
alike. A forked worker is a process of its own, with memory of its own, and lies where its round says (memory_layout.py).
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h
MOST_BYTES, MOST_FILES = 1 << 16, 3  # of a request; Linux lets a message be longer
ALWAYS = "torch"  # what every worker loads first, whatever its side
LATER = "torch._dynamo"  # what the first step of an optimizer loads, and compiling; it takes as long as torch itself


class Forked:
    """A worker that a server has forked; to be waited for as `subprocess.Popen` is."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self.pid, self._server = pid, server
        self._status: int | None = None

    def wait(self) -> int:
        """Its exit status, or minus the signal that ended it, once it has ended."""
        if self._status is None:
            try:
                self._status = int(self._server.ask({"wait": self.pid}))
            except OSError:
                self._status = -signal.SIGKILL  # what the kernel does to it when the server ends
        return self._status


class ForkServer:
    """The conductor's half: starts the server, asks it, and ends it together with whatever it has forked.

    python     its interpreter
    more       packages that it loads besides
    variables  its environment: what interpreter and libraries read of it as they are loaded holds for all workers
    cores      it may load on them
    log        file for what it says
    patience   seconds that any answer may take

    Made at once, so that several load side by side: whoever asks it first waits for that. Raises OSError where there is no
    such interpreter, and from whatever is asked of one that has ended or does not answer.
    """

    def __init__(
        self,
        python: str,
        *,
        variables: Mapping[str, str],
        cores: Sequence[int],
        log: Path,
        patience: float,
        more: Sequence[str] = (),
    ) -> None:
        self._log = log
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(patience)
        try:
            with theirs, log.open("ab") as sink:
                self._process = subprocess.Popen(
                    [python, "-P", __file__, str(theirs.fileno()), ",".join(map(str, cores)), *more],
                    env={**os.environ, **variables, "PYTHONPATH": ""},
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
        except BaseException:
            self._socket.close()
            raise

    @property
    def threads(self) -> int:
        """How many it has: only one of them would be found in a worker."""
        return int(self.ask({"threads": None}))

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def fork(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        path: Sequence[Path],
        variables: Mapping[str, str],
        log: int,
        descriptors: Sequence[int],
    ) -> Forked:
        """A process that runs a module as `python -m` does there; its first arguments are the descriptors, as it knows them.

        path       folders that come first when it imports; none: its folder
        variables  to set in its environment, which else is the server's

        Raises OSError, in a sentence, when the server cannot.
        """
        asked = {
            "module": module,
            "arguments": list(arguments),
            "folder": str(folder),
            "path": list(map(str, path or (folder,))),
            "variables": dict(variables),
        }
        try:
            return Forked(self, int(self.ask(asked, (log, *descriptors))))
        except OSError as error:
            raise OSError(
                f"The process that forks the workers does not answer ({error}); {self._log} may say why. What is "
                "finished is kept, and can be gone on with."
            ) from error

    def ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        """What it answers."""
        socket.send_fds(self._socket, [json.dumps(request).encode()], list(files))
        answer = self._socket.recv(MOST_BYTES)
        if not answer:
            raise BrokenPipeError("the server that forks workers has ended")
        return json.loads(answer)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def end_with_parent() -> None:
    """The kernel kills this process when the one that started it dies: no conductor leaves anything behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(conductor: socket.socket) -> None:
    """Answers until the conductor is gone; returns in no worker."""
    while True:
        received, files, _, _ = socket.recv_fds(conductor, MOST_BYTES, MOST_FILES)
        if not received:
            return
        request = json.loads(received)
        if "threads" in request:
            answer = sum(1 for _ in Path("/proc/self/task").iterdir())
        elif "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = _forked(conductor, request, files)
        conductor.send(json.dumps(answer).encode())


def _forked(conductor: socket.socket, request: Mapping[str, Any], files: Sequence[int]) -> int:
    """The process of a worker; it leads a group of its own by the time that anybody knows of it."""
    pid = os.fork()
    if pid == 0:
        try:
            conductor.close()
            _become(request, files)
        except BaseException:  # noqa: BLE001 - whatever ends a worker is for its log, and must not end in the server's loop
            traceback.print_exc()
        finally:
            os._exit(1)  # a worker that comes to its end says so by itself
    os.setpgid(pid, pid)
    for descriptor in files:
        os.close(descriptor)
    return pid


def _become(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """All that `python -m` in that folder, with that environment, would find."""
    log, *descriptors = files
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.chdir(request["folder"])
    os.environ.update(request["variables"])
    sys.path[:0] = request["path"]
    sys.argv = [request["module"], *map(str, descriptors), *request["arguments"]]
    importlib.invalidate_caches()
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    """Loads what all workers need, and serves."""
    end_with_parent()
    os.sched_setaffinity(0, {int(core) for core in sys.argv[2].split(",")})
    layout = runpy.run_path(str(Path(__file__).with_name("memory_layout.py")))  # kept: what it takes goes when it does
    layout["take"](os.environ)
    for package in (ALWAYS, *sys.argv[3:]):
        importlib.import_module(package)
    gc.collect()
    gc.freeze()  # a worker's collector would else go through all of it, 0.2 s in which each page is copied
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
