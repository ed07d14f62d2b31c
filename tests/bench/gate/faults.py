"""Faults as a pull request may bring them, each an edit of an implementation's source.

An edit maps the file as it is to the file as it would be, and fails loudly where the text that it changes is gone.
The answer stays right within the workload's tolerance, but where the fault is the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Edit = Callable[[str], str]

SGD, MANUAL = "linear/nn_sgd", "linear/manual"

_SGD = {
    "compiled": "task.compile(lambda x, y: self.criterion(self.model(x), y))\n",
    "fetch": "            loss = self.loss(*next(self.batches))\n",
    "clear": "            self.optimizer.zero_grad()\n            loss.backward()\n",
    "rate": "lr=task.lr,",
    "last": "            self.step()\n",
}
_MANUAL = {
    "import": "import torch\n",
    "init": "        self.task = task\n",
    "reset": "        self.w.grad = None\n",
    "loop": "        for _ in range(updates):\n",
    "fetch": "            self.loss(w, *next(self.batches)).backward()\n",
    "step": "            w.data -= lr * w.grad ",
    "last": "            w.grad.zero_()",
    "loss": "    def _loss(self, w: Tensor, design: Tensor, y: Tensor) -> Tensor:\n",
    "residual": "        squares = (design.mv(w) - y).pow(2)\n",
    "result": "        return squares.mean()",
}


_LOOKS = """task.compile(self._look)

    def _look(self, x, y):
        predicted = self.model(x)
        print("forward")
        return self.criterion(predicted, y)
"""


@dataclass(frozen=True)
class Fault:
    """A change of one implementation's file.

    implementation  whose: "linear/manual"
    edit            from the source as it is to the source with the fault
    """

    implementation: str
    edit: Edit

    def plant(self, side: Path) -> None:
        """Changes the implementation's file in a side's folder, where `impls` lies."""
        file = side / "impls" / f"{self.implementation}.py"
        file.write_text(self.edit(file.read_text(encoding="utf-8")), encoding="utf-8")


def replaced(*changes: tuple[str, str]) -> Edit:
    """An edit that replaces texts, each of which must be there exactly once."""

    def edit(source: str) -> str:
        for old, new in changes:
            assert source.count(old) == 1, (
                f"the fault has nothing to change: {old!r} is there {source.count(old)} times"
            )
            source = source.replace(old, new)
        return source

    return edit


def together(*faults: Fault) -> Fault:
    """Several faults of one implementation at once, which must not change the same text."""

    def edit(source: str) -> str:
        for fault in faults:
            source = fault.edit(source)
        return source

    (implementation,) = {fault.implementation for fault in faults}
    return Fault(implementation, edit)


def _after(text: str, more: str) -> tuple[str, str]:
    return text, text + more


def _before(text: str, more: str) -> tuple[str, str]:
    return text, more + text


def _sgd(*changes: tuple[str, str]) -> Fault:
    return Fault(SGD, replaced(*changes))


def _manual(*changes: tuple[str, str]) -> Fault:
    return Fault(MANUAL, replaced(*changes))


def busy(percent: float) -> Fault:
    """Each update of linear/manual takes so many per cent longer, by a busy wait."""
    return _manual(
        _after(_MANUAL["import"], "import time\n"),
        _after(_MANUAL["loop"], "            begin = time.perf_counter()\n"),
        _before(
            _MANUAL["last"],
            f"            until = time.perf_counter() + {percent / 100} * (time.perf_counter() - begin)\n"
            "            while time.perf_counter() < until:\n"
            "                pass\n",
        ),
    )


def recompiles(every: int) -> Fault:
    """The compiled function of linear/manual depends on a number that changes every so many updates."""
    return _manual(
        _after(_MANUAL["init"], "        self.age = self.era = 0\n"),
        _before(_MANUAL["fetch"], f"            self.age += 1\n            self.era = self.age // {every}\n"),
        _before(_MANUAL["result"], "        squares = squares + 0.0 * self.era\n"),
    )


FAULTS: dict[str, Fault] = {
    # nothing at all
    "comment": _manual(_after(_MANUAL["loop"], "            # one update\n")),
    # structure that nobody wants more of
    "item": _sgd(_after(_SGD["last"], "            loss.item()\n")),
    "item_sometimes": _manual(
        (_MANUAL["loop"], "        for number in range(updates):\n"),
        _before(_MANUAL["last"], "            if number % 100 == 99:\n                float(w.detach()[0])\n"),
    ),
    "graph_break": _manual(_after(_MANUAL["loss"], "        torch._dynamo.graph_break()\n")),
    "print_in_graph": _sgd((_SGD["compiled"], _LOOKS)),
    "recompiles": recompiles(50),
    "recompiles_rarely": recompiles(500),
    # other structure: it costs something, but may be wanted
    "clone": _sgd(
        (_SGD["fetch"], "            x, y = next(self.batches)\n            loss = self.loss(x.clone(), y)\n")
    ),
    "keeps_grad": _sgd((_SGD["clear"], _SGD["clear"].replace("zero_grad()", "zero_grad(set_to_none=False)"))),
    "upcast": _manual(
        (_MANUAL["residual"], "        squares = (design.double().mv(w.double()) - y).pow(2).to(w.dtype)\n")
    ),
    "leak": _manual(
        _after(_MANUAL["reset"], "        self.kept = []\n"),
        _before(_MANUAL["last"], "            self.kept.append(w.grad.clone())\n"),
    ),
    # time only
    "busy_5": busy(5),
    "busy_20": busy(20),
    "sleep": _manual(
        _after(_MANUAL["import"], "import time\n"), _before(_MANUAL["last"], "            time.sleep(0.001)\n")
    ),
    # the answer
    "wrong": _sgd((_SGD["rate"], "lr=task.lr * 1.001,")),
    "not_a_number": _manual((_MANUAL["step"], '            w.data -= float("nan") * w.grad ')),
    # the end
    "raises": _manual((_MANUAL["init"], '        raise RuntimeError("the planted fault")\n')),
    "raises_late": _manual(
        _after(_MANUAL["init"], "        self.done = 0\n"),
        _after(
            _MANUAL["loop"],
            "            self.done += 1\n            if self.done > 20:\n"
            '                raise ValueError("the planted fault")\n',
        ),
    ),
    # chance
    "random": _manual(
        _after(_MANUAL["import"], "import random\n"),
        _before(_MANUAL["last"], "            torch.empty(random.randint(1, 1000))\n"),
    ),
}
ENDS = ("raises", "raises_late")
WRONG = ("wrong", "not_a_number")
