"""Arms in the tests' own process, for the tests of probes."""

from typing import Any

from bench.messages.probes import Summary
from bench.worker import device
from bench.worker.torch_profiler import Subject, record_session, summarise
from impls.contract import catalogue
from impls.contract.task import Compiler, make_task


def subject(implementation: str, kind: Any = None, **chosen: Any) -> Subject:
    """An arm of linear/line with 64 rows, in this process."""
    workload = catalogue.workloads()["linear/line"]
    setting = workload.setting(**{"rows": 64, **chosen})
    task = make_task(workload.problem(setting), setting, Compiler(setting.mode))
    return Subject((kind or catalogue.load(implementation))(task), setting, device.Stopwatch("cpu"))


def changed(update: Any) -> Any:
    """linear/analytic with one more thing in each update, whose result is not used."""
    original: Any = catalogue.load("linear/analytic")

    class Changed(original):  # type: ignore[misc]
        """Does it before each update."""

        def _update(self, weight: Any, bias: Any, x: Any, y: Any) -> Any:
            update(x)
            return super()._update(weight, bias, x, y)

    return Changed


def summary_of(arm: Subject, seconds: float) -> Summary:
    """What one session of PyTorch's profiler sees of it."""
    record_session(arm, seconds)
    return summarise(arm)
