"""A real Slurm on this machine, for tests: its nodes are processes here, with host names of their own where that is allowed.

It needs munge, slurmctld, slurmd and slurm-client, and root; it starts in a third of a second. Without accounting, since a
fleet asks Slurm nothing.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from bench import clock

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
JobRequeue=1
KillWait=10
AccountingStorageType=accounting_storage/none
PartitionName=main Nodes=n[1-{nodes}] Default=YES OverSubscribe=EXCLUSIVE MaxTime=INFINITE DefaultTime=60 State=UP
"""
NODE = "NodeName=n{number} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=2000 State=UNKNOWN\n"
# A node with a name of its own, which is found on this machine.
NAMED = 'mount --bind "$1" /etc/hosts && hostname "$2" && exec slurmd -D -f "$3" -N "$2"'


def missing() -> str:
    """Why there can be no Slurm here; "" where there can."""
    absent = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install munge slurmctld slurmd slurm-client"
    return "" if os.getuid() == 0 else "needs root"


class Cluster:
    """A cluster below a folder, which nobody else may write to; `stop` ends it."""

    def __init__(self, root: Path, nodes: int) -> None:
        self.root, self.nodes = root, nodes
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.variables = {**os.environ, "PATH": PATH, "SLURM_CONF": str(root / "slurm.conf")}
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(nodes + 1)
        for folder in ("state", *(f"spool/n{number}" for number in range(1, nodes + 1))):
            (root / folder).mkdir(parents=True)
        text = CONFIGURATION.format(host=host, port=ports[0], root=root, nodes=nodes)
        text += "".join(NODE.format(number=number, port=ports[number]) for number in range(1, nodes + 1))
        (root / "slurm.conf").write_text(text)
        names = " ".join(f"n{number}" for number in range(1, nodes + 1))
        (root / "hosts").write_text(f"127.0.0.1 localhost {host} {names}\n")
        key = root / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))

    def start(self) -> None:
        """Starts everything, and waits until all nodes are idle."""
        root = self.root
        munge = [
            f"--{name}={root}/munge.{name.split('-')[0]}" for name in ("socket", "key-file", "pid-file", "log-file")
        ]
        self._start("munged", "munged", "--foreground", f"--seed-file={root}/munge.seed", *munge)
        self.until(lambda: (root / "munge.socket").exists(), "munged")
        self._start("slurmctld", "slurmctld", "-D", "-f", self.variables["SLURM_CONF"])
        named = (
            subprocess.run(["unshare", "--mount", "--uts", "true"], capture_output=True, check=False).returncode == 0
        )
        for number in range(1, self.nodes + 1):
            plain = ("slurmd", "-D", "-f", self.variables["SLURM_CONF"], "-N", f"n{number}")
            own = ("unshare", "--mount", "--uts", "sh", "-c", NAMED, "sh", f"{root}/hosts", f"n{number}", plain[3])
            self._start(f"slurmd.n{number}", *(own if named else plain))
        self.until(lambda: self.run("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == str(self.nodes), "idle nodes")

    def run(self, *command: str) -> str:
        """What a command of Slurm prints; "" where it fails."""
        done = subprocess.run(command, env=self.variables, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout if done.returncode == 0 else ""

    def until(self, condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        """Waits until something is so. Raises AssertionError with the controller's log where it does not come to be."""
        end = clock.now() + seconds
        while not condition():
            log = self.root / "slurmctld.log"
            assert clock.now() < end, f"no {what}: {log.read_text()[-2000:] if log.exists() else ''}"
            clock.pause(0.1)

    def restart_controller(self) -> None:
        """Stops the controller as an administrator does, and starts it again; jobs go on meanwhile."""
        controller = self._daemons.pop("slurmctld")
        controller.terminate()
        controller.wait(30)
        self._start("slurmctld", "slurmctld", "-D", "-f", self.variables["SLURM_CONF"])
        self.until(lambda: "is UP" in self.run("scontrol", "ping"), "controller")

    def stop(self) -> None:
        """Ends all jobs and all daemons, and whatever of them is left."""
        self.run("scancel", "--quiet", "--user=root")
        with suppress(AssertionError):
            self.until(lambda: not self.run("squeue", "-h").strip(), "end of all jobs", seconds=20)
        for daemon in reversed(self._daemons.values()):
            with suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("SLURM_CONF") == self.variables["SLURM_CONF"]:
                    process.kill()

    def _start(self, name: str, *command: str) -> None:
        with (self.root / f"{name}.out").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                command, env=self.variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )


def _free_ports(count: int) -> list[int]:
    """Ports of this machine on which nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
