"""A server process that has loaded torch, and forks workers: both sides of a round begin as copies of it.

    python -P bench/processes/fork_server.py SOCKET CORES PACKAGES...    SOCKET is a file descriptor, CORES "0,1"

Starting a worker from nothing takes seconds, nearly all of them to load torch, which both sides have in common. A forked
worker has memory of its own, and the memory layout of its round. The server itself loads nothing of either side, so this
file imports only the standard library; `memory_layout.py` lies beside it and is loaded by its path.
"""

import ctypes
import gc
import importlib
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # of Linux's sys/prctl.h
MADV_POPULATE_WRITE = 23  # of Linux's asm-generic/mman-common.h, since 5.14
MOST_BYTES, MOST_FILES = 1 << 16, 3  # of a request; Linux lets a message be longer
A_REQUEST = 500  # modules: their names have some twenty characters
ALWAYS = "torch"  # what every worker loads first, whatever its side
LATER = "torch._dynamo"  # loaded by the first step of an optimizer and by compiling; takes as long as torch itself
SAFE_THREADS = (
    "jemalloc_bg_thd",
)  # jemalloc, which pyarrow and so pandas bring, looks after its own when it is forked
OWN_MEMORY = "LOOPRACE_OWN_MEMORY"  # variable of a worker: it has copies of all memory from the start
COMPILERS = (LATER, "torch._inductor.compile_fx")  # parts of torch that it loads only when something asks for them


class Forked:
    """A worker that a server has forked, with the part of `subprocess.Popen` that is needed."""

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
    """The main process's half: starts the server, asks it, and ends it together with whatever it has forked.

    python     its interpreter
    variables  its environment: what libraries read of it while they are loaded holds for all workers
    cores      it may load on them
    log        file for what it prints
    patience   seconds that any answer may take
    packages   what it loads

    The constructor does not wait until torch is loaded, so that several servers can load at a time; the first request does.
    Raises OSError where there is no such interpreter; every request does where the server has ended or does not answer.
    """

    def __init__(
        self,
        python: str,
        *,
        variables: Mapping[str, str],
        cores: Sequence[int],
        log: Path,
        patience: float,
        packages: Sequence[str] = (ALWAYS,),
    ) -> None:
        self._log = log
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(patience)
        try:
            with theirs, log.open("ab") as sink:
                self._process = subprocess.Popen(
                    [python, "-P", __file__, str(theirs.fileno()), ",".join(map(str, cores)), *packages],
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

    def fileno(self) -> int:
        """The descriptor that it is asked through."""
        return self._socket.fileno()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def threads(self) -> int:
        """The number of its threads but those that are safe; more than one cannot be forked."""
        return int(self.ask({"threads": None}))

    def begin_load(self, modules: Sequence[str]) -> None:
        """Has it load more modules, for the workers that it forks from then on; `end_load` waits for each call of this."""
        socket.send_fds(self._socket, [json.dumps({"load": list(modules)}).encode()], [])

    def end_load(self) -> None:
        """Waits until it has loaded what it can of those modules; why it could not load the others is in its log."""
        self._heard()

    @property
    def alive(self) -> bool:
        """Whether it is still running."""
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
        """A process that runs a module as `python -m` does in that folder.

        path         folders that come first when it imports; empty: its folder
        variables    to set in its environment, which otherwise is the server's
        log          descriptor for what it prints
        descriptors  handed on to it; their numbers there are the module's first arguments

        Raises OSError with a sentence when the server cannot.
        """
        request = {
            "module": module,
            "arguments": list(arguments),
            "folder": str(folder),
            "path": list(map(str, path or (folder,))),
            "variables": dict(variables),
        }
        try:
            return Forked(self, int(self.ask(request, (log, *descriptors))))
        except OSError as error:
            raise OSError(
                f"The process that forks the workers does not answer ({error}); {self._log} may say why. "
                "Finished rounds are kept, and can be continued."
            ) from error

    def ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        """The server's answer to a request, with descriptors handed over."""
        socket.send_fds(self._socket, [json.dumps(request).encode()], list(files))
        return self._heard()

    def _heard(self) -> Any:
        answer = self._socket.recv(MOST_BYTES)
        if not answer:
            raise BrokenPipeError("the server that forks workers has ended")
        return json.loads(answer)

    def close(self) -> None:
        """Ends the server."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _names_of_threads() -> Iterator[str]:
    for thread in Path("/proc/self/task").iterdir():
        try:
            yield (thread / "comm").read_text().strip()
        except OSError:  # it has ended just now
            continue


def end_with_parent() -> None:
    """Makes the kernel kill this process when the one that started it dies, so that no worker is left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(main_process: socket.socket) -> None:
    """Answers until the main process is gone. Never returns in a worker."""
    while True:
        received, files, _, _ = socket.recv_fds(main_process, MOST_BYTES, MOST_FILES)
        if not received:
            return
        request = json.loads(received)
        if "threads" in request:
            answer = sum(name not in SAFE_THREADS for name in _names_of_threads())
        elif "load" in request:
            answer = _loaded(request["load"])
        elif "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = _forked(main_process, request, files)
        main_process.send(json.dumps(answer).encode())


def _forked(main_process: socket.socket, request: Mapping[str, Any], files: Sequence[int]) -> int:
    """The process of a worker, which leads a process group of its own before anybody hears of it."""
    pid = os.fork()
    if pid == 0:
        try:
            main_process.close()
            _become(request, files)
        except BaseException:  # noqa: BLE001 - whatever ends a worker is for its log, and must not end in the server's loop
            traceback.print_exc()
        finally:
            os._exit(1)  # a worker that ends as it should exits by itself
    os.setpgid(pid, pid)
    for descriptor in files:
        os.close(descriptor)
    return pid


def _become(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Makes this process what `python -m` would start in that folder, with that environment, and runs it."""
    log, *descriptors = files
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    if OWN_MEMORY in request["variables"]:
        _own_memory()
    os.chdir(request["folder"])
    os.environ.update(request["variables"])
    sys.path[:0] = request["path"]
    sys.argv = [request["module"], *map(str, descriptors), *request["arguments"]]
    importlib.invalidate_caches()
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


def _own_memory() -> None:
    """Copies all memory that this process could write and shares with its server, so that it lies as in a fresh process.

    Left to the kernel, each page is copied when it is first written, to wherever one is free then. Updates of compiled code
    took 4 % longer in memory so scattered. It takes a third of a second; both sides of a gate can do without. An older
    kernel refuses, and leaves it so. What is mostly reserved only, and was never touched, is left alone.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    writable = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw.p .*\n(?:\w+: .*\n)*?Rss: +(\d+) kB", re.MULTILINE)
    for begin, end, resident in writable.findall(Path("/proc/self/smaps").read_text()):
        size = int(end, 16) - int(begin, 16)
        if int(resident) * 1024 >= size / 2:
            advise(int(begin, 16), size, MADV_POPULATE_WRITE)


def _loaded(modules: Sequence[str]) -> int:
    """Loads modules, and returns how many there now are. What one of them raises is for the log: its workers will say it."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 - of other people's modules, any
            traceback.print_exc()
    if COMPILERS[-1] in modules:
        _prepare_compiler()
    gc.collect()
    gc.freeze()  # else a worker's collector visits all of it, and copies each page: 0.2 s
    return len(sys.modules)


def _prepare_compiler() -> None:
    """Has inductor find out what it asks in each process: the hash of torch's sources, what the processor can do: 1.6 s."""
    try:
        importlib.import_module("torch._inductor.codecache").torch_key()
        importlib.import_module("torch._inductor.cpu_vec_isa").pick_vec_isa()
    except Exception:  # noqa: BLE001 - of another version of torch, any: its workers will find out by themselves
        traceback.print_exc()


def main() -> None:
    """Loads what all workers need, then serves."""
    end_with_parent()
    os.sched_setaffinity(0, {int(core) for core in sys.argv[2].split(",")})
    layout = runpy.run_path(str(Path(__file__).with_name("memory_layout.py")))  # kept: what it takes is freed with it
    layout["take"](os.environ)
    first, *others = sys.argv[3:]
    importlib.import_module(first)  # without it there is nothing to fork
    _loaded(others)
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
