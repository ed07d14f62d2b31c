"""One rank of an arm: carries out what rank 0 is told, as every rank does. Started by `launch.py` only.

    python -m bench.worker.ranks.main LAUNCHER COMMANDS ANSWERS CORES PIPES

LAUNCHER is the process that has opened all descriptors; PIPES those of the ranks after the first: "7:8,9:10", each to read from
and to write into. RANK, in the environment, says which one this is.
"""

import faulthandler
import os
import signal
import sys

import psutil

from bench import clock
from bench.messages import commands
from bench.messages.commands import AnyCommand
from bench.messages.protocol import Fault, encoded
from bench.processes import command_loop, memory_layout
from bench.worker.main import fault_of
from bench.worker.ranks.session import RankSession
from bench.worker.unfit import Unfit

PATIENCE = 3.0  # seconds in which torchrun's agent finds out that another rank has ended, and ends this one


def main() -> None:
    """Carries out commands until the pipe closes, or the arm fails in this rank or another one."""
    memory_layout.take(os.environ)
    faulthandler.register(signal.SIGUSR1)  # the main process asks where a rank is that takes too long
    launcher, first_commands, answers, cores, descriptors = sys.argv[1:]
    launched = clock.since_epoch() - psutil.Process(int(launcher)).create_time()
    rank = int(os.environ["RANK"])
    folder = f"/proc/{launcher}/fd"
    pipes = [pipe.split(":") for pipe in descriptors.split(",") if pipe]
    own = pipes[rank - 1][0] if rank else first_commands
    others = [] if rank else [os.open(f"{folder}/{writing}", os.O_WRONLY) for _, writing in pipes]
    spoken = os.open(f"{folder}/{answers}", os.O_WRONLY)
    unheard = os.open(os.devnull, os.O_WRONLY)
    sys.argv[1:] = [str(os.open(f"{folder}/{own}", os.O_RDONLY)), str(unheard if rank else spoken), cores]

    def handed_on(line: bytes) -> AnyCommand:
        """The command in a line, which all other ranks get, too."""
        for other in others:
            os.write(other, line)
        return commands.command(line)

    def fault(error: BaseException) -> Fault:
        """What ended this rank. Rank 0 waits first: it fails, too, where another one has ended, and that is the reason."""
        told = fault_of(error)
        if rank == 0 and not isinstance(error, Unfit):
            clock.pause(PATIENCE)
        if rank and not isinstance(error, Unfit):
            os.write(spoken, encoded(Fault(status=told.status, reason=f"in rank {rank}: {told.reason}")))
        return told

    command_loop.carry_out_commands(lambda send, cores: RankSession(send, cores, launched).carry_out, handed_on, fault)


if __name__ == "__main__":
    main()
