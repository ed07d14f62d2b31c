"""The arms that replay CUDA graphs, tested without a GPU: a replay calls the function that would have been captured."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from bench.runner import verify
from bench.worker.answer import weights_of
from impls.contract import catalogue
from impls.contract.setting import Setting
from impls.contract.task import Compiler, make_task
from impls.linear.analytic import Analytic
from impls.linear.cuda_graph import TOGETHER, WARM_UP, replay_together
from impls.linear.in_place import InPlace


class Again:
    """Stands in for a captured graph."""

    def __init__(self, update: Callable[[], object], times: int) -> None:
        self.update, self.times, self.replays = update, times, 0
        for _ in range(WARM_UP):
            update()

    def replay(self) -> None:
        """Calls the update as often as the graph holds it."""
        self.replays += 1
        for _ in range(self.times):
            self.update()


@pytest.mark.parametrize(
    ("updates", "replays", "left"),
    [(1, 0, 1), (TOGETHER - 1, 0, TOGETHER - 1), (TOGETHER, 1, 0), (3 * TOGETHER + 7, 3, 7)],
)
def test_replays_leave_less_than_a_graph(updates: int, replays: int, left: int) -> None:
    """A graph of many updates is replayed as often as it fits, and the number of remaining updates is returned."""
    graph: Any = Again(lambda: None, TOGETHER)
    assert replay_together(graph, updates) == left
    assert graph.replays == replays


@pytest.mark.parametrize("chosen", [{}, {"rows": 50, "batch": 7, "dtype": "float64"}, {"batch": 1}], ids=str)
@pytest.mark.parametrize("name", ["cuda_graph", "cuda_graph_steps"])
def test_replays_are_updates(name: str, chosen: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Updates that fill several graphs and leave some over train right, from any batch on and after a reset."""
    monkeypatch.setattr(import_module(f"impls.linear.{name}"), "capture", Again)
    workload = catalogue.workloads()["linear/line"]
    setting = workload.setting(**chosen)
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    arm = catalogue.load(f"linear/{name}")(make_task(problem, setting, Compiler("eager")))
    for parts in ((1,), (1, 2 * TOGETHER + 49, TOGETHER)):
        arm.reset()
        for part in parts:
            arm.advance(part)
        assert verify.judge(weights_of(arm, setting, "test", sum(parts)), oracle, setting, None).fault is None


def test_results_that_become_inputs_are_not_compiled_into_cuda_graphs() -> None:
    """A replay writes where the one before it wrote: written out in place that is meant, else it is refused."""
    values: dict[str, Any] = {"rows": 1000, "features": 1, "updates": 100, "lr": 1e-4, "mode": "max-autotune"}
    on_gpu = Setting(**values, device="cuda")
    assert "in_place" in str(Analytic.refuses(on_gpu))
    assert (Analytic.refuses(Setting(**values)), InPlace.refuses(on_gpu)) == (None, None)
