"""Starts programs as forks of a process that has already loaded what they import, so that no test waits for imports.

    tests.forking OUT WORKERS MODULE ARGUMENTS...       two descriptors: standard output, and the server of workers

Loading torch takes two seconds, and a race of four arms and two rounds would load it eight times. A forked program is a process
of its own, with memory of its own; gates start their workers in the same way (bench/processes/fork_server.py).
"""

import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from types import SimpleNamespace
from typing import Any, Self

from bench.processes.fork_server import LATER, ForkServer
from bench.processes.worker_process import HERE, Worker, allowed_cores
from impls.contract.setting import Setting

PROJECT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds that a server may take to load everything on a busy machine
PROGRAMS = ["typer", "rich.console", "scipy.stats", "pandas", "pyarrow.parquet", "jinja2", "ruptures"]
PROGRAMS += ["matplotlib.backends.backend_svg"]
WORKERS = ["torch", LATER, "torch._inductor.compile_fx"]


@dataclass(frozen=True)
class Forks:
    """Two servers: `programs` forks command lines and has no torch, `workers` forks the processes of arms."""

    programs: ForkServer
    workers: ForkServer

    @classmethod
    def begin(cls, log: Path) -> Self:
        """Starts both servers; they load side by side, while the tests begin."""
        variables = {"TORCHINDUCTOR_COMPILE_THREADS": "1", "PYTHONHASHSEED": "0", "DISPLAY": "", "WAYLAND_DISPLAY": ""}

        def loading(packages: Sequence[str]) -> ForkServer:
            cores = allowed_cores()
            return ForkServer(
                sys.executable, variables=variables, cores=cores, log=log, patience=PATIENCE, packages=packages
            )

        return cls(loading(PROGRAMS), loading(WORKERS))

    def run(self, folder: Path, module: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """`python -m MODULE ARGUMENTS` in a folder that has a copy of the project, to its end."""
        with TemporaryFile() as out, TemporaryFile() as errors:
            process = self.programs.fork(
                "tests.forking",
                [module, *arguments],
                folder=folder,
                path=(folder, PROJECT),
                variables={},
                log=errors.fileno(),
                descriptors=(out.fileno(), self.workers.fileno()),
            )
            ended = os.pidfd_open(process.pid)
            in_time = select.select([ended], [], [], timeout)[0]
            os.close(ended)
            if not in_time:
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
            said = [os.pread(file.fileno(), 1 << 30, 0).decode() for file in (out, errors)]
        if not in_time:
            raise subprocess.TimeoutExpired([module, *arguments], timeout, *said)
        return subprocess.CompletedProcess([module, *arguments], status, *said)

    def close(self) -> None:
        """Ends both servers, and whatever they have forked."""
        self.programs.close()
        self.workers.close()


class Inherited(ForkServer):
    """A server of which this process has been given the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.settimeout(PATIENCE)
        self._log = Path("the log of tests.forking")


Substitute = tuple[object, str, object]  # what is replaced where: an object, the name of its attribute, the new value


def substitutes(server: ForkServer) -> list[Substitute]:
    """Makes workers, and the processes that look at the sides of a gate, forks of this server; servers of a gate last."""
    from bench.gate.sides import preflight
    from bench.processes import fork_servers

    looking = SimpleNamespace(**vars(subprocess) | {"run": _looking(server)})
    return [(preflight, "subprocess", looking), (fork_servers, "LOADING", 0.0), (Worker, "__init__", forking(server))]


def of_program(server: ForkServer) -> list[Substitute]:
    """The same for a program, which starts no servers of its own: its workers all begin as if there were none."""
    from bench.processes.fork_servers import Servers

    return [*substitutes(server), (Servers, "begin_round", lambda *_: None)]


def _looking(server: ForkServer) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`subprocess.run` of `python -P -m MODULE ARGUMENTS` of this interpreter, as a fork of the server, one at a time."""
    alone = Lock()

    def run(command: Sequence[str], **chosen: Any) -> subprocess.CompletedProcess[str]:
        if command[0] != sys.executable:
            return subprocess.run(command, **chosen)
        folder, path = chosen["cwd"], [each for each in chosen["env"].get("PYTHONPATH", "").split(os.pathsep) if each]
        with alone, TemporaryFile() as log:
            module, *arguments = command[command.index("-m") + 1 :]
            process = server.fork(
                module, arguments, folder=folder, path=path, variables={}, log=log.fileno(), descriptors=()
            )
            status = process.wait()
            return subprocess.CompletedProcess(command, status, "", os.pread(log.fileno(), 1 << 20, 0).decode())

    return run


def forking(server: ForkServer) -> Callable[..., None]:
    """A `Worker.__init__` that forks from the server what can be forked: one thread on a CPU, this interpreter."""
    begin = Worker.__init__

    def start(self: Worker, arm: Any, **chosen: Any) -> None:
        setting: Setting = arm.setting
        alone = setting.threads == 1 and setting.device == "cpu"
        if alone and chosen.get("origin", HERE).python == sys.executable:
            chosen["server"] = chosen.get("server") or server
        begin(self, arm, **chosen)

    return start


def main() -> None:
    """Becomes the program; returns never."""
    out, workers, module, *arguments = sys.argv[1:]
    os.dup2(int(out), 1)
    os.close(int(out))
    sys.path.remove(str(PROJECT))
    server = Inherited(int(workers))
    for place, name, value in of_program(server):
        setattr(place, name, value)
    sys.argv = [module, *arguments]
    status: object = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code or 0
    except BaseException:  # noqa: BLE001 - said as the interpreter says it
        traceback.print_exc()
        status = 1
    if not isinstance(status, int):
        sys.stderr.write(f"{status}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    main()
