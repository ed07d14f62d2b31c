"""An arm of the tutorial's job by itself in this process, for tools that time any function."""

import os
from collections.abc import Callable
from functools import cache, partial

from bench.processes.worker_process import allowed_cores
from bench.selfbench.ranks.tools import UPDATES
from impls.contract import Task, catalogue

WORKLOAD = "linear/line"


def calls(name: str) -> Callable[[], object]:
    """A function that makes so many updates of an implementation, which has been built and has made as many before.

    This process is pinned to the core that looprace races on, which the other tools do not do by themselves.
    """
    import torch

    os.sched_setaffinity(0, allowed_cores()[-1:])
    torch.set_num_threads(1)
    arm = catalogue.load(name)(_task())
    arm.reset()
    arm.advance(UPDATES)
    return partial(arm.advance, UPDATES)


@cache
def _task() -> Task:
    from impls.contract.task import Compiler, make_task

    workload = catalogue.workloads()[WORKLOAD]
    setting = workload.setting()
    return make_task(workload.problem(setting), setting, Compiler(setting.mode))
