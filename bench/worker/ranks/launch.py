"""Starts the ranks of an arm by torchrun's own agent, and says which of them failed, and how. Loads torch.

    python -m bench.worker.ranks.launch COMMANDS ANSWERS CORES      as a worker is started

Rank 0 takes the commands and answers them, through this process's own descriptors, which it opens by their path. It hands
each command on to every other rank, through a pipe of that rank's.
"""

import os
import signal
import sys

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, launch_agent

from bench.messages.protocol import Fault, encoded
from bench.processes.arm_process import RANKS
from bench.processes.fork_server import end_with_parent
from bench.worker.device import number_of_ranks

RANK = "bench.worker.ranks.main"
PATIENCE = 2  # seconds that ranks get to end when another has failed


def words(rank: int, failure: ProcessFailure) -> str:
    """How a rank ended, in a sentence."""
    if failure.exitcode < 0:
        name = signal.Signals(-failure.exitcode).name
        hint = "; the kernel does so when memory runs out" if name == "SIGKILL" else ""
        return f"rank {rank} was killed by {name}, and the others waited for it{hint}"
    return f"rank {rank} exited with status {failure.exitcode}, and the others waited for it"


def main() -> None:
    """Starts as many ranks as the arm has, waits until they end, and says so where one failed."""
    end_with_parent()
    commands, answers, cores = sys.argv[1:]
    os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    device, threads = os.environ[RANKS].split()
    count = number_of_ranks(device, int(threads))
    pipes = [os.pipe() for _ in range(count - 1)]
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=f"looprace-{os.getpid()}",
        max_restarts=0,
        local_addr="127.0.0.1",
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
        shutdown_timeout=PATIENCE,
    )
    safe = ["-P"] if sys.flags.safe_path else []
    descriptors = ",".join(f"{reading}:{writing}" for reading, writing in pipes)
    program = [*safe, "-m", RANK, str(os.getpid()), commands, answers, cores, descriptors]
    try:
        launch_agent(config, sys.executable, program)
    except ChildFailedError as error:
        os.write(int(answers), encoded(Fault(status="crashed", reason=words(*error.get_first_failure()))))
    os._exit(0)


if __name__ == "__main__":
    main()
