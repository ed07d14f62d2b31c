"""Makes a task of tensors on a device from a problem of NumPy arrays. Loads torch."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from impls.contract.contract import Parameters, Problem, Returned, Task
from impls.contract.setting import Setting

# Options of torch.compile in each mode. All batches have one size, so that no size need be traced as dynamic.
_WAYS: dict[str, dict[str, Any]] = {
    "compile": {},
    "cpp-wrapper": {"options": {"cpp_wrapper": True}},
    "reduce-overhead": {"mode": "reduce-overhead"},
    "max-autotune": {"mode": "max-autotune"},
}


class Compiler:
    """`task.compile`: returns a function compiled as the mode says, or unchanged in eager mode.

    asked  whether it was called; an implementation that never calls it has nothing to compile
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.asked = False

    def __call__(self, function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        """The function, compiled as the mode says."""
        self.asked = True
        if self.mode == "eager":
            return function
        if self.mode == "aot":
            return _AheadOfTime(function)  # type: ignore[return-value]  # an exported function takes tensors
        return torch.compile(function, dynamic=False, **_WAYS[self.mode])


class _AheadOfTime:
    """A function of tensors as an AOTInductor package, exported at its first call; later calls trace and check nothing.

    Export is for inference, so the function must compute its gradients itself.
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
    """The problem as a task; its numbers are rounded to float32, so they are exact in either dtype."""
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
