"""The loop of an arm's worker or the judge: carries out the commands that come through a pipe, and says what went wrong.

python -m PROGRAM COMMANDS ANSWERS CORES      two file descriptors, and the cores it starts on: "0,1"
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.messages.protocol import Answer, Fault, Send, encoded
from bench.processes.fork_server import end_with_parent

C = TypeVar("C")


def carry_out_commands(
    begin: Callable[[Send, set[int]], Callable[[C], Answer]],
    command: Callable[[bytes], C],
    fault_of: Callable[[BaseException], Fault],
) -> None:
    """The life of such a process: carries out commands until the pipe closes or one fails.

    begin    given what sends an answer, and the cores: what carries out a command
    command  that a line holds
    fault_of the answer where carrying it out raised
    """
    end_with_parent()
    tempfile.tempdir = None  # a server that forked this process may have asked for its own folder
    everywhere = {int(core) for core in sys.argv[3].split(",")}
    os.sched_setaffinity(0, everywhere)
    with os.fdopen(int(sys.argv[1]), "rb") as commands, os.fdopen(int(sys.argv[2]), "wb") as answers:

        def send(answer: Answer) -> None:
            answers.write(encoded(answer))
            answers.flush()

        carry_out = begin(send, everywhere)
        for line in commands:
            try:
                send(carry_out(command(line)))
            except BaseException as error:  # noqa: BLE001 - users' code may raise anything, SystemExit included; a row says what
                send(fault_of(error))
                break
        os._exit(0)  # threads and exit hooks must not keep a finished process alive


def fault_of(error: BaseException) -> Fault:
    """What ended an arm or the judge, as a row shows it; the traceback goes to the log."""
    traceback.print_exception(error)
    return Fault(status="out_of_memory" if is_out_of_memory(error) else "failed", reason=reason_of(error))


def reason_of(error: BaseException) -> str:
    """An error in one line: its kind, its text, and where it was raised."""
    text = str(error).encode("utf-8", errors="replace").decode()  # a lone surrogate cannot be sent
    text = " ".join(text.split()) or "no message"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({Path(where.filename).name}:{where.lineno})"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host or the device ran out of memory; torch's error by its name, for this file loads no torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or ("allocate" in text and "memory" in text))
