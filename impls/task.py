"""Turns a problem into a task on a device. Apart from the contract because it loads torch, which readers must not need."""

from collections.abc import Callable

import torch

from impls.contract import Parameters, Problem, Returned, Task
from impls.setting import Setting


class Compiler:
    """`task.compile`: in eager mode a function comes back as it is, in compile mode from torch.compile.

    asked  whether it was ever used; an implementation that never does has nothing to compile
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.asked = False

    def __call__(self, function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        """The function as the setting wants it."""
        self.asked = True
        return torch.compile(function) if self.mode == "compile" else function


def make_task(problem: Problem, setting: Setting, compiler: Compiler) -> Task:
    """The problem's numbers as tensors on the setting's device; float32-rounded values are exact in either dtype."""
    dtype = getattr(torch, setting.dtype)

    def place(array: object) -> torch.Tensor:
        return torch.tensor(array, dtype=dtype, device=setting.device)

    order = problem.schedule.order
    return Task(
        setting=setting,
        data={name: place(array) for name, array in problem.data.items()},
        start={name: place(array) for name, array in problem.start.items()},
        lr=problem.lr,
        loss=problem.loss,
        order=None if order is None else torch.from_numpy(order).to(setting.device),
        compile=compiler,
    )
