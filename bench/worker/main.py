"""The process in which one arm lives: reads commands, carries them out, and answers. Started by `worker_process.py` only.

    python -m bench.worker.main COMMANDS ANSWERS CORES      two file descriptors, and the cores it starts on: "0,1"

No framework, global flag, allocator or crash of one arm can reach another, for each has a process of its own. Whatever
the arm prints goes to the log of its round.
"""

import os

from bench.messages import commands
from bench.messages.protocol import Fault
from bench.processes import command_loop, memory_layout
from bench.worker.session import Session
from bench.worker.unfit import Unfit


def fault_of(error: BaseException) -> Fault:
    """What ended the arm, as its row shows it; the traceback goes to the log."""
    if isinstance(error, Unfit):
        return Fault(status=error.status, reason=error.reason)
    fault = command_loop.fault_of(error)
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(("impls", "bench")):
        return Fault(status="unavailable", reason=fault.reason)
    return fault


def main() -> None:
    """Carries out commands until the pipe closes or the arm fails."""
    memory_layout.take(os.environ)
    command_loop.carry_out_commands(lambda send, cores: Session(send, cores).carry_out, commands.command, fault_of)


if __name__ == "__main__":
    main()
