"""The process in which one arm lives: reads commands, carries them out, and answers. Started by `worker_process.py` only.

    python -m bench.worker.main COMMANDS ANSWERS CORES      two file descriptors, and the cores it starts on: "0,1"

No framework, global flag, allocator or crash of one arm can reach another, for each has a process of its own. Whatever
the arm prints goes to the log of its round.
"""

import os
import sys
import traceback
from pathlib import Path

from bench.runner import memory_layout, messages
from bench.runner.fork_server import end_with_parent
from bench.runner.message import Answer
from bench.runner.messages import Fault, FaultStatus
from bench.worker.session import Session
from bench.worker.unfit import Unfit


def fault_of(error: BaseException) -> Fault:
    """What ended the arm, as its row shows it; the traceback goes to the log."""
    if isinstance(error, Unfit):
        return Fault(status=error.status, reason=error.reason)
    traceback.print_exception(error)
    from bench.worker import device

    status: FaultStatus = "out_of_memory" if device.is_out_of_memory(error) else "failed"
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith(("impls", "bench")):
        status = "unavailable"
    text = str(error).encode("utf-8", errors="replace").decode()  # a lone surrogate cannot be sent
    text = " ".join(text.split()) or "no message"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return Fault(status=status, reason=f"{type(error).__name__}: {text} ({Path(where.filename).name}:{where.lineno})")


def main() -> None:
    """Carries out commands until the pipe closes or the arm fails."""
    end_with_parent()
    memory_layout.take(os.environ)
    everywhere = {int(core) for core in sys.argv[3].split(",")}
    os.sched_setaffinity(0, everywhere)
    with os.fdopen(int(sys.argv[1]), "rb") as commands, os.fdopen(int(sys.argv[2]), "wb") as answers:

        def send(answer: Answer) -> None:
            answers.write(messages.encoded(answer))
            answers.flush()

        session = Session(send, everywhere)
        for line in commands:
            try:
                send(session.carry_out(messages.command(line)))
            except BaseException as error:  # noqa: BLE001 - an arm may raise anything, SystemExit included; its row says what
                send(fault_of(error))
                break
        os._exit(0)  # an arm's threads and exit hooks must not keep a finished worker alive


if __name__ == "__main__":
    main()
