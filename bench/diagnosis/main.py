"""The process of a diagnosis: finds out why one arm's answer is different. Started by `worker_process.py` only.

python -m bench.diagnosis.main COMMANDS ANSWERS CORES      two file descriptors, and the cores it starts on: "0,1"
"""

import os
from pathlib import Path

import msgspec

from bench.messages import commands
from bench.messages.commands import Step
from bench.messages.diagnosis import Diagnose, Diagnosed
from bench.messages.protocol import Answer, Send
from bench.processes import command_loop
from impls.recipe import step_file
from impls.recipe.recipe import Recipe

_command: msgspec.json.Decoder[Diagnose] = msgspec.json.Decoder(Diagnose)


class Session:
    """A diagnosis.

    send  takes what is to be said while it goes on
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def carry_out(self, command: Diagnose) -> Answer:
        """What was found. What the step's file raises comes through."""
        self._say("import")
        os.sched_setaffinity(0, command.cores)
        import torch

        from bench.diagnosis.diagnose import Diagnosis

        setting = commands.setting_of(command.setting)
        torch.set_num_threads(setting.threads)
        file = step_file.read(Path(command.file), command.workload)
        diagnosis = Diagnosis(file, setting, Recipe.read(command.implementation), command.seconds, self._say)
        found: Diagnosed = diagnosis.found(Path(command.script))
        return found

    def _say(self, step: str) -> None:
        self._send(Step(name=step))


def main() -> None:
    """Carries out commands until the pipe closes or one fails."""
    command_loop.carry_out_commands(lambda send, _: Session(send).carry_out, _command.decode, command_loop.fault_of)


if __name__ == "__main__":
    main()
