"""Implementations with one fault each, and the claims of the contract that each breaks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.worker.contract_check import UPDATES, _claims
from bench.worker.device import global_flags
from impls.contract import Implementation, Task
from impls.contract.catalogue import ROOT, workloads
from tests.conftest import Checkout

FIRST = "is right after the first update"
LATER = f"is right after {UPDATES} updates"
CUT = "is right however the updates are cut into calls"
AGAIN = "is right again after a reset"
DATA = "leaves data and starting weights alone"
FLAGS = "leaves the global settings of torch alone"
SILENT = "prints nothing"
ANSWERS = {FIRST, LATER, CUT, AGAIN}


class Right(Implementation):
    """Right in every respect; each of the others differs from it in one."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.x, self.y = task.data["x"].clone(), task.data["y"].clone()
        self.reset()

    def reset(self) -> None:
        self.weight, self.bias = self.task.start["weight"].clone(), self.task.start["bias"].clone()
        self.batches = self.task.batches(self.x, self.y)

    def advance(self, updates: int) -> None:
        for _ in range(updates):
            self.update(*next(self.batches))

    def update(self, x: Tensor, y: Tensor) -> None:
        """One update by the rows of a batch."""
        along_weight, along_bias = self.gradient(x, y)
        self.weight = self.weight - self.task.lr * along_weight
        self.bias = self.bias - self.task.lr * along_bias

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient at the present weights."""
        residual = x @ self.weight + self.bias - y
        scale = 2 / len(y) if self.task.loss == "mean" else 2
        return scale * (residual @ x), scale * residual.sum()

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight, "bias": self.bias}


class Accumulating(Right):
    """Never clears the gradient, which the tutorial warns of."""

    def reset(self) -> None:
        super().reset()
        self.kept: tuple[Any, Any] = (0.0, 0.0)

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        along_weight, along_bias = super().gradient(x, y)
        self.kept = (self.kept[0] + along_weight, self.kept[1] + along_bias)
        return self.kept


class TooFast(Right):
    """Uses a learning rate that is a thousandth too large."""

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        along_weight, along_bias = super().gradient(x, y)
        return 1.001 * along_weight, 1.001 * along_bias


class OneTooFew(Right):
    """Makes one update too few in every call."""

    def advance(self, updates: int) -> None:
        super().advance(updates - 1)


class StaleOrder(Right):
    """Reads the first epoch's batches over and over."""

    def reset(self) -> None:
        super().reset()
        batches = self.task.batches(self.x, self.y)
        epoch = [next(batches) for _ in range(self.task.setting.rows // self.task.setting.batch_rows)]
        self.batches = iter(epoch * UPDATES)


class NotRewound(Right):
    """Goes back to the starting weights, but not to the first batch."""

    def reset(self) -> None:
        batches = getattr(self, "batches", None)
        super().reset()
        self.batches = batches or self.batches


class NoReset(Right):
    """Goes back to the start only once, when it is built."""

    def reset(self) -> None:
        if not hasattr(self, "batches"):
            super().reset()


class Elsewhere(Right):
    """Leaves its answer on another device."""

    def weights(self) -> Mapping[str, Tensor]:
        return {name: value.to("meta") for name, value in super().weights().items()}


class NotANumber(Right):
    """Answers with NaN."""

    def weights(self) -> Mapping[str, Tensor]:
        return {name: value * float("nan") for name, value in super().weights().items()}


class OtherKind(Right):
    """Answers in another dtype."""

    def weights(self) -> Mapping[str, Tensor]:
        return {name: value.double() for name, value in super().weights().items()}


class OtherShape(Right):
    """Answers with the right numbers in another shape."""

    def weights(self) -> Mapping[str, Tensor]:
        return {name: value.reshape(1, -1) for name, value in super().weights().items()}


class HalfAnAnswer(Right):
    """Leaves the bias out of its answer."""

    def weights(self) -> Mapping[str, Tensor]:
        return {"weight": self.weight}


class Talkative(Right):
    """Prints while it is timed."""

    def advance(self, updates: int) -> None:
        super().advance(updates)
        print("training")  # noqa: T201 - the fault itself


class Answering(Right):
    """Returns something from advance."""

    def advance(self, updates: int) -> Any:
        super().advance(updates)
        return self.bias


class ThreadChanger(Right):
    """Changes the number of threads."""

    def advance(self, updates: int) -> None:
        super().advance(updates)
        torch.set_num_threads(torch.get_num_threads() + 1)


class DtypeChanger(Right):
    """Changes the default dtype when it is built."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        torch.set_default_dtype(torch.float64)


class GradientChanger(Right):
    """Switches gradients off for the whole process."""

    def advance(self, updates: int) -> None:
        torch.set_grad_enabled(False)
        super().advance(updates)


class Spoiler(Right):
    """Trains on a copy, and writes into the data that it was given."""

    def advance(self, updates: int) -> None:
        super().advance(updates)
        self.task.data["x"].mul_(2)


class StartSpoiler(Right):
    """Trains in the memory of the starting weights."""

    def reset(self) -> None:
        super().reset()
        self.weight, self.bias = self.task.start["weight"], self.task.start["bias"]

    def update(self, x: Tensor, y: Tensor) -> None:
        along_weight, along_bias = self.gradient(x, y)
        self.weight -= self.task.lr * along_weight
        self.bias -= self.task.lr * along_bias


@pytest.fixture
def same_settings_afterwards() -> Iterator[None]:
    """Puts back the process-wide settings of torch that a planted fault may change."""
    threads, dtype, gradients = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    yield
    torch.set_num_threads(threads)
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(gradients)


@pytest.mark.parametrize(
    ("kind", "chosen", "promises", "words"),
    [
        (Right, {}, set(), ""),
        (Right, {"batch": 7}, set(), ""),
        (Accumulating, {}, {LATER, CUT, AGAIN}, "away from the oracle"),
        (TooFast, {}, ANSWERS, "away from the oracle"),
        (OneTooFew, {}, ANSWERS, "away from the oracle"),
        (StaleOrder, {"batch": 7}, {LATER, CUT, AGAIN}, "away from the oracle"),
        (NotRewound, {"batch": 7}, {LATER, CUT, AGAIN}, "away from the oracle"),
        (NoReset, {}, {LATER, CUT, AGAIN}, "away from the oracle"),
        (Elsewhere, {}, ANSWERS, "the answer lies on meta; the setting says cpu"),
        (NotANumber, {}, ANSWERS, "the weights are not finite numbers"),
        (OtherKind, {}, ANSWERS, "the answer is float64; the setting says float32"),
        (OtherShape, {}, ANSWERS, "the answer has shapes"),
        (HalfAnAnswer, {}, ANSWERS, "the answer has shapes"),
        (Talkative, {}, {SILENT}, "printed 'training"),
        (Answering, {}, ANSWERS, "advance returned tensor("),
        (ThreadChanger, {}, {FLAGS}, "changed threads"),
        (DtypeChanger, {}, {FLAGS}, "changed default dtype"),
        (GradientChanger, {}, {FLAGS}, "changed gradient mode"),
        (Spoiler, {}, {DATA}, "changed x"),
        (StartSpoiler, {}, {LATER, CUT, AGAIN, DATA}, ""),
    ],
)
@pytest.mark.usefixtures("same_settings_afterwards")
def test_a_fault_breaks_the_promise_it_should(
    kind: type[Implementation], chosen: dict[str, Any], promises: set[str], words: str
) -> None:
    """A fault breaks exactly the claims that it concerns, and is named; a right implementation breaks none."""
    workload = workloads()["linear/line"]
    claims = dict(_claims(kind, workload, workload.setting(rows=50, **chosen), global_flags()))
    faults = {promise: fault for promise, fault in claims.items() if fault}
    assert promises == set(faults)
    assert [] == [fault for fault in faults.values() if words not in fault]
    assert ANSWERS | {DATA, FLAGS, SILENT} == set(claims)


def test_a_setting_changed_on_import_is_a_fault(checkout: Callable[[Mapping[str, str]], Checkout]) -> None:
    """A file that changes a global setting of torch when it is imported breaks the claim that it leaves them alone."""
    source = (ROOT / "linear" / "analytic.py").read_text(encoding="utf-8")
    rude = source.replace("import torch\n", "import torch\n\ntorch.set_default_dtype(torch.float64)\n", 1)
    done = checkout({"linear/rude.py": rude}).bench("check", "linear/rude")
    assert done.returncode == 3, done.stderr
    assert FLAGS in done.stdout
