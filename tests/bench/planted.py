"""Implementations of `linear` that are wrong, break or differ in one way each; tests plant them into checkouts."""

_RIGHT = '''"""Planted: {summary}."""
import ctypes, os, signal, sys, time
import torch
from impls.contract import Implementation, Task

class Planted(Implementation):
    def __init__(self, task):
        self.task = task
        self.x, self.y = task.data["x"], task.data["y"]
        {build}

    def reset(self):
        self.weight = self.task.start["weight"].clone()
        self.bias = self.task.start["bias"].clone()
        self.memory = torch.zeros_like(self.weight)
        self.batches = self.task.batches(self.x, self.y)
        self.done = 0

    def advance(self, updates):
        {before}
        for _ in range({updates}):
            self.done += 1
            x, y = {batch}
            residual = x.mv(self.weight) + (self.bias - y)
            scale = 2 * self.task.lr * {factor} / (len(y) if self.task.loss == "mean" else 1)
            gradient = residual @ x {extra}
            self.weight = self.weight - scale * gradient
            self.bias = self.bias - scale * residual.sum()

    def weights(self):
        return {{"weight": {weight}, "bias": self.bias}}
'''

_PLAIN = {
    "build": "pass",
    "before": "pass",
    "updates": "updates",
    "batch": "next(self.batches)",
    "factor": "1",
    "extra": "",
    "weight": "self.weight",
}


def planted(summary: str, **changes: str) -> str:
    """The source of an implementation that is right but for the given pieces."""
    return _RIGHT.format(summary=summary, **_PLAIN | changes)


RIGHT = planted("right")

# It computes, but not what was asked.
WRONG = {
    "accumulates": planted("the gradient is not cleared", extra="+ self.memory; self.memory = gradient"),
    "wrong_rate": planted("a learning rate one per mille too large", factor="1.001"),
    "one_too_few": planted("one update too few in each call", updates="updates - 1"),
    "elsewhere": planted("the answer is left on another device", weight='self.weight.to("meta")'),
    "not_a_number": planted("the answer is NaN", weight='self.weight * float("nan")'),
    "does_nothing": planted("returns at once", before="return"),
    "other_type": planted("the answer is in another dtype", weight="self.weight.double()"),
}

# Right in the first epoch; then it goes on with the first epoch's order. Needs mini-batches.
STALE = planted(
    "stale batch order",
    batch=(
        "(lambda r: (self.x[r], self.y[r]))(self.task.order[(self.done - 1) % "
        "(len(self.x) // self.task.setting.batch_rows)])"
    ),
)

_HONEST = '''"""Planted: {summary}."""
import os, threading
from bench import clock
from impls.contract import Domain
from impls.linear.no_grad import NoGrad

class Planted(NoGrad):
    domain = Domain(modes={{"eager": "standard"}})
'''

# Its answers are right, and its times are not those of its work.
UNSEEN = {
    "puts_off": _HONEST.format(summary="counts, and computes when the weights are read")
    + """
    def reset(self):
        super().reset()
        self.due = 0

    def advance(self, updates):
        self.due += updates

    def weights(self):
        due, self.due = self.due, 0
        super().advance(due)
        return super().weights()
""",
    "in_a_thread": _HONEST.format(summary="a thread computes, and is waited for when the weights are read")
    + """
    thread = None

    def reset(self):
        self.wait()
        super().reset()

    def advance(self, updates):
        self.thread = threading.Thread(target=self.compute, args=(self.thread, updates))
        self.thread.start()

    def compute(self, before, updates):
        if before:
            before.join()
        super().advance(updates)

    def wait(self):
        if self.thread:
            self.thread.join()
            self.thread = None

    def weights(self):
        self.wait()
        return super().weights()
""",
    "slow_clock": _HONEST.format(summary="makes the clock ten times slower for whatever times it")
    + """
    def __init__(self, task):
        super().__init__(task)
        now, begin = clock.now, clock.now()
        clock.now = lambda: begin + (now() - begin) / 10
""",
    "clock_goes_back": _HONEST.format(summary="the clock goes back to zero")
    + """
    def __init__(self, task):
        super().__init__(task)
        clock.now = float
""",
    "works_ahead": _HONEST.format(summary="does the work of each block in the untimed updates before it")
    + """
    def reset(self):
        super().reset()
        self.sizes, self.ahead = (0, 0), 0

    def advance(self, updates):
        if not self.ahead:
            self.ahead = self.sizes[1] if updates == self.sizes[0] < self.sizes[1] else 0
            super().advance(updates + self.ahead)
        else:
            self.ahead = 0
        self.sizes = (self.sizes[1], updates)
""",
    "moves": _HONEST.format(summary="computes wherever it likes")
    + """
    def advance(self, updates):
        os.sched_setaffinity(0, range(os.cpu_count()))
        super().advance(updates)
""",
}

# It ends in its own way; `race` leaves out the first update and the probe, so that the fault meets the laps.
FAULTS = {
    "raises": planted("raises", before='raise ValueError("the planted fault")'),
    "raises_in_build": planted("raises in build", build='raise RuntimeError("no luck today")'),
    "exits": planted("exits", before="os._exit(7)"),
    "leaves": planted("calls sys.exit", before="sys.exit(3)"),
    "killed": planted("is killed", before="os.kill(os.getpid(), signal.SIGKILL)"),
    "segfaults": planted("reads address 0", before="ctypes.string_at(0)"),
    "hangs": planted("hangs", before="time.sleep(3600)"),
    "hangs_in_build": planted("hangs in build", build="time.sleep(3600)"),
    "hangs_at_import": '"""Planted: hangs when it is imported."""\nimport time\n\ntime.sleep(3600)\n',
    "hangs_late": planted("hangs after the probe", before="self.done > 20 and time.sleep(3600)"),
    "dies_late": planted("dies in the middle of the laps", before="self.done > 200 and os._exit(9)"),
    "eats_memory": planted("asks for too much memory", build="self.hoard = torch.empty(1 << 50)"),
    "needs_more": '"""Planted: needs a package that is not there."""\nimport not_a_package_of_anybody\n',
    "refuses": RIGHT + '\n    @classmethod\n    def supports(cls, setting):\n        return "only on Sundays"\n',
    "chatters": planted("prints all the time", before='print("x" * 100); print("y", file=sys.stderr)'),
    "meddles": planted("changes a global flag", build="torch.set_default_dtype(torch.float64)"),
}

SLEEP = 0.002

# What is known of them is what profiling must find.
PROFILED = {
    "right": RIGHT,
    "sleeps": planted("sleeps in each update", extra=f"; time.sleep({SLEEP})"),
    "adds": planted("has one more operation in each update", extra="; torch.neg(x)"),
    "dies": planted("dies under a profiler", before="torch._C._autograd._profiler_enabled() and os._exit(5)"),
    "raises": planted("raises under a profiler", before="1 / (not torch._C._autograd._profiler_enabled())"),
    "hangs": planted("hangs under a profiler", before="torch._C._autograd._profiler_enabled() and time.sleep(3600)"),
    "does_nothing": planted("returns at once", before="return"),
    "dies_at_once": planted("dies in its first update", before="os._exit(6)"),
    "needs_rows": planted("cannot do with next to no data", build='assert len(self.y) > 100, "too few rows"'),
    "refuses": RIGHT + '\n    @classmethod\n    def supports(cls, setting):\n        return "only on Sundays"\n',
}
COMPILED = {
    "breaks_the_graph": planted(
        "has a break in its graph",
        build="self.part = task.compile(lambda v: (torch._dynamo.graph_break(), v + 0)[1])",
        extra="; gradient = self.part(gradient)",
    ),
    "recompiles": planted(
        "compiles a function for three numbers",
        build="self.part = task.compile(lambda v, number: v + (number - number))",
        extra="; gradient = self.part(gradient, self.done % 3)",
    ),
    "compiles_late": planted(
        "compiles once more after a while",
        build="self.part = task.compile(lambda v, number: v + (number - number))",
        extra="; gradient = self.part(gradient, min(self.done // 500, 5))",
    ),
}
