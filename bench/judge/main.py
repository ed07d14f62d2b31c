"""The process of the judge: examines one step, then judges the answers of its arms. Started by `worker_process.py` only.

python -m bench.judge.main COMMANDS ANSWERS CORES      two file descriptors, and the cores it starts on: "0,1"
"""

import os
import traceback
from pathlib import Path

from safetensors import SafetensorError

from bench.messages import commands
from bench.messages.commands import Judge, JudgeCommand, Judged, JudgePrepared, PrepareJudge, Step
from bench.messages.protocol import Answer, Fault, Send
from bench.processes import command_loop
from bench.results import record
from impls.recipe import step_file
from impls.recipe.step_file import StepFault


class Session:
    """The judge of one step.

    send  takes what is to be said while a command is carried out
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def carry_out(self, command: JudgeCommand) -> Answer:
        """The answer to a command. What the step's file raises comes through."""
        return self.prepare(command) if isinstance(command, PrepareJudge) else self.judge(command)

    def prepare(self, command: PrepareJudge) -> JudgePrepared:
        """Examine the step, and compute truth and ensembles."""
        self._say("import")
        os.sched_setaffinity(0, command.cores)
        import torch

        from bench.judge.examine import examined
        from bench.judge.referee import Referee
        from bench.judge.standard.ensemble_store import EnsembleStore
        from impls.recipe.flags import global_flags

        setting = commands.setting_of(command.setting)
        torch.set_num_threads(setting.threads)
        flags = global_flags()
        file = step_file.read(Path(command.file), command.workload)
        store = EnsembleStore(Path(command.kept) if command.kept else None)
        self._referee = Referee(file, setting, command.members, self._say, store, revised=command.revised)
        self._say("examination of the step")
        return JudgePrepared(
            examined=examined(self._referee, flags),
            not_carried=self._referee.not_carried if command.members else "nothing is judged",
        )

    def judge(self, command: Judge) -> Judged:
        """Judge one arm. Whatever goes wrong with one answer does not end the judge, which has others to judge."""
        from bench.judge.standard import observation

        names = (command.observation, command.observation_float64, command.drawn)
        try:
            single, double, drawn = (observation.read(Path(name)) if name else None for name in names)
            assert single is not None
            if command.audit:
                word = self._referee.audit(command.implementation, single)
            else:
                word = self._referee.judge(command.implementation, single, double, command.no_float64, drawn)
        except (SafetensorError, OSError) as error:
            word = record.Answer(word="unjudged", reason=f"its answer cannot be read: {error}")
        except Exception as error:  # noqa: BLE001 - a fault of the judge's own, which the row shows and the log explains
            traceback.print_exception(error)
            word = record.Answer(word="unjudged", reason=f"the judge failed: {command_loop.reason_of(error)}")
        finally:
            for name in filter(None, names):
                Path(name).unlink(missing_ok=True)
        return Judged(answer=word)

    def _say(self, step: str) -> None:
        self._send(Step(name=step))


def fault_of(error: BaseException) -> Fault:
    """What ended the judge: the step's own fault in its own sentence."""
    if isinstance(error, StepFault):
        traceback.print_exception(error)
        return Fault(status="failed", reason=str(error))
    return command_loop.fault_of(error)


def main() -> None:
    """Carries out commands until the pipe closes or the step fails."""
    command_loop.carry_out_commands(lambda send, _: Session(send).carry_out, commands.judge_command, fault_of)


if __name__ == "__main__":
    main()
