"""Turns a problem into a task on a device. Apart from the contract because it loads torch, which readers must not need."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from impls.contract.contract import Parameters, Problem, Returned, Task
from impls.contract.setting import Setting

# How torch.compile is called in each mode. Batches all have one size, so that nothing need be traced as dynamic.
_WAYS: dict[str, dict[str, Any]] = {
    "compile": {},
    "cpp-wrapper": {"options": {"cpp_wrapper": True}},
    "reduce-overhead": {"mode": "reduce-overhead"},
    "max-autotune": {"mode": "max-autotune"},
}


class Compiler:
    """`task.compile`: in eager mode a function comes back as it is, in other modes compiled in that way.

    asked  whether it was ever used; an implementation that never does has nothing to compile
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.asked = False

    def __call__(self, function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        """The function as the setting wants it."""
        self.asked = True
        if self.mode == "eager":
            return function
        if self.mode == "aot":
            return _AheadOfTime(function)  # type: ignore[return-value]  # what is exported takes tensors
        return torch.compile(function, dynamic=False, **_WAYS[self.mode])


class _AheadOfTime:
    """A function of tensors as an AOTInductor package, exported at its first call: no tracing and no guards afterwards.

    Export is for inference: what it is given must compute its gradients itself.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._loaded: Callable[..., Any] | None = None

    def __call__(self, *tensors: torch.Tensor) -> Any:
        if self._loaded is None:
            self._loaded = self._load(tensors)
        return self._loaded(*tensors)

    def _load(self, tensors: tuple[torch.Tensor, ...]) -> Callable[..., Any]:
        module = torch.nn.Module()
        module.forward = self._function
        with (
            tempfile.TemporaryDirectory(prefix="looprace-aot-") as folder,
            torch.no_grad(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", FutureWarning)  # torch.export meets a name that torch itself deprecates
            exported = torch.export.export(module, tensors)
            package = torch._inductor.aoti_compile_and_package(exported, package_path=str(Path(folder, "update.pt2")))
            return torch._inductor.aoti_load_package(package)


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
