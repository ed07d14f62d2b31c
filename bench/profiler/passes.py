"""The two passes that an arm is looked at in: what its workers are asked, and what becomes of it. Apart from who conducts.

    full   as it is
    tiny   the same with next to no data

Each has a worker of its own. Both are timed together and beside those of other arms, lap by lap like a race: so they meet
the same machine, and find the caches as a race leaves them. So are the sessions of PyTorch's profiler: where one arm's came
one after another, a slow moment of the machine spoiled all of them. Whatever else is looked at comes one by one.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench import clock
from bench.profiler import flame_graph
from bench.profiler.py_spy import Sampler, SamplingError
from bench.results.profile import Pass, Profile
from bench.results.record import Arm, Plan, Status
from bench.results.statistics import Estimate
from bench.results.store import Store
from bench.runner.arm_run import MOST_ALGORITHMIC, Block, calibrated
from bench.runner.race import BLOCK_SECONDS
from bench.runner.worker_process import ArmFault, Worker
from bench.system.telemetry import Gauge, spent
from impls.contract import catalogue
from impls.contract.setting import Setting

FEWEST_LAPS, MOST_LAPS, LAP_SECONDS = 3, 72, 0.35  # enough are as many as take so long together, within these
SESSIONS = 7  # of PyTorch's profiler, for each pass
SAMPLED_SECONDS = 2.0  # py-spy looks
MARGIN, BARE_SECONDS = 0.3, 0.2  # it starts and ends; nobody looks, before and after
TINY_ROWS, TINY_BATCH = 2, 2
MOST_STACKS = 200  # in the profile; the file beside it has all
START = Block(1, 1.0)  # until it is known
PASSES = ("full", "tiny")
UNLIKE = 0.05  # beyond the race's interval, a process is not like those that were raced


@dataclass
class Draft:
    """A profile in the making; `folder` is where the files beside it go."""

    arm: Arm
    folder: Path
    found: dict[str, Any] = field(default_factory=dict)
    status: Status = "ok"
    reason: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)

    def written(self, plan: Plan) -> Profile:
        """The profile, of whatever was found."""
        values = {"run": plan.run, "arm": self.arm, "status": self.status, "reason": self.reason}
        return msgspec.convert(
            msgspec.to_builtins(values | self.found | {"reasons": self.reasons, "artifacts": self.artifacts}), Profile
        )


@dataclass
class Look:
    """One of the two passes of an arm: its worker, and what has been seen so far."""

    draft: Draft
    name: str
    setting: Setting
    worker: Worker
    prepared: dict[str, Any] = field(default_factory=dict)
    block: Block = START
    compilations: int = 0  # before the blocks
    blocks: list[float] = field(default_factory=list)
    live: bool = True

    def attempt(self, act: Callable[["Look"], None]) -> None:
        """Does it if there still is a worker. What ends the first pass is what the profile says; the second is only missing.

        A hanging arm is not tried again.
        """
        if self.live and self.draft.status == "timeout":
            self.live = False
            self.worker.kill()  # it may spin, too, on whatever core it likes
        if not self.live:
            return
        try:
            act(self)
        except ArmFault as fault:
            self.live = False
            self.worker.kill()
            if self.name == "full":
                self.draft.status, self.draft.reason = fault.status, fault.reason
            else:
                self.draft.reasons[self.name] = fault.reason

    @property
    def wanting(self) -> bool:
        """Whether it has had too few laps. Short blocks vary most, for each finds other caches: they get the most."""
        enough = FEWEST_LAPS if sum(self.blocks) >= LAP_SECONDS else MOST_LAPS
        return self.live and len(self.blocks) < enough

    @property
    def slow(self) -> bool:
        """Whether it holds the others up."""
        return self.block.seconds > 2 * BLOCK_SECONDS

    @property
    def seconds(self) -> float:
        """Of an update: the median of its blocks, as in a round of a race."""
        return median(self.blocks) / self.block.updates


def setting_for(name: str, arm: Arm) -> Setting:
    """The setting of a pass. Raises SettingError for next to no data where the workload has one size only."""
    if name == "full":
        return arm.setting
    batch = arm.setting.batch
    size = {"rows": TINY_ROWS} if batch == "full" else {"rows": 2 * TINY_BATCH, "batch": min(batch, TINY_BATCH)}
    return catalogue.workloads()[arm.workload].setting(**vars(arm.setting) | size)


def time_together(looks: Sequence[Look], order: random.Random, pause: float) -> None:
    """Blocks of all of them like those of a race: lap by lap, in random order, each after untimed updates of its own.

    pause  seconds before each block, in which the threads of the others fall asleep

    Nothing else may come before: how an arm's memory comes to lie depends on what its process has done, and with it its
    time, by a fifth and more.
    """
    for look in looks:
        if not look.blocks:  # those of an earlier call only keep the others company
            look.attempt(partial(_start, pause=pause))
    while any(look.wanting for look in looks):
        # who has had enough goes on, for the others are to find caches that somebody else has used
        racing = [look for look in looks if look.live and (look.wanting or not look.slow)]
        _lap(racing, order, pause, _visit)
    for look in looks:
        if look.live:
            setting = look.setting
            one = Pass(rows=setting.rows, batch=setting.batch_rows, seconds=look.seconds)
            look.draft.found[look.name] = one


def unlike(look: Look, measured: Estimate | None) -> bool:
    """Whether a process runs at another speed than its like in the race. How memory came to lie is luck of each, worth a sixth.

    measured  seconds of an update in the race; None where it left no time
    """
    if not look.live or look.name != "full" or measured is None or measured.low is None or measured.high is None:
        return False
    return not measured.low * (1 - UNLIKE) <= look.seconds <= measured.high * (1 + UNLIKE)


def _lap(looks: Sequence[Look], order: random.Random, pause: float, act: Callable[[Look], None]) -> None:
    """Does it with each of them once, in random order."""
    for look in order.sample(looks, len(looks)):
        clock.pause(pause)
        look.attempt(act)


def _start(look: Look, pause: float) -> None:
    """Back to the start, with blocks of a known length to come."""
    look.block = calibrated(look.worker.ask, BLOCK_SECONDS, pause, work=look.prepared["work"]) or look.block
    look.compilations = _compilations(look)
    look.worker.ask("reset")
    _visit(look)
    look.blocks.clear()  # lap 0 is not recorded


def _visit(look: Look) -> None:
    found = look.worker.ask("block", updates=look.block.updates, settle=look.block.settle)
    look.blocks.append(found["seconds"])


def _compilations(look: Look) -> int:
    return 0 if look.setting.mode == "eager" else int(look.worker.ask("dissect", look="compiled")["compilations"])


def look_closely(look: Look, gauge: Gauge | None) -> None:
    """What it computes with; energy; what was compiled; the exact counts. Raises ArmFault."""
    draft, worker, found = look.draft, look.worker, look.draft.found
    most = {"most": MOST_ALGORITHMIC} if look.prepared["work"] == "algorithmic" else {}
    clocked = worker.ask("dissect", look="clocked", **most)
    found |= {name: clocked[name] for name in ("peak_resident_bytes", "peak_device_bytes")}
    found["conditions"] = clocked["conditions"] | {"data": look.prepared["digest"][:12]}
    if gauge:
        _metered(look, gauge)
    counters: dict[str, float] = found.setdefault("counters", {})
    if draft.arm.setting.mode != "eager":
        facts = worker.ask("dissect", look="compiled")
        found["breaks"] = facts["breaks"]
        counters |= {**facts["counters"], "recompiles_in_blocks": facts["compilations"] - look.compilations}
    counters |= worker.ask("dissect", look="counted", seconds=found["full"].seconds)


def profile_together(looks: Sequence[Look], order: random.Random, pause: float) -> None:
    """Sessions of PyTorch's profiler, lap by lap like the blocks; what it noted is read when all are made."""
    for _ in range(SESSIONS):
        _lap([look for look in looks if look.live], order, pause, _profile)
    for look in looks:
        look.attempt(_summarise)


def _profile(look: Look) -> None:
    look.worker.ask("dissect", look="profiled", seconds=look.draft.found[look.name].seconds)


def _summarise(look: Look) -> None:
    noted = look.worker.ask("dissect", look="summarised")
    look.draft.found[look.name] = msgspec.convert(msgspec.to_builtins(look.draft.found[look.name]) | noted, Pass)


def look_inside(look: Look, store: Store, *, native: bool) -> None:
    """What disturbs most: a trace, every call of a function, and last of all py-spy. Raises ArmFault."""
    draft, worker = look.draft, look.worker
    trace = draft.folder / "trace.json.gz"
    seconds = draft.found["full"].seconds
    if why := worker.ask("dissect", look="traced", seconds=seconds, target=str(trace)).get("missing"):
        draft.reasons["trace"] = why
    else:
        draft.artifacts[trace.name] = "a few updates as a Chrome trace, for https://ui.perfetto.dev"
    draft.found["counters"] |= worker.ask("dissect", look="called", seconds=seconds)
    try:
        _sampled(look, store, native)
    except ArmFault as fault:
        draft.reasons["py-spy"] = fault.reason


def _repeated(look: Look, seconds: float) -> dict[str, Any]:
    found: dict[str, Any] = look.worker.ask("dissect", look="repeated", updates=look.block.updates, seconds=seconds)
    return found


def _metered(look: Look, gauge: Gauge) -> None:
    """The energy of an update, of blocks that go on for long enough for the device's counter."""
    if gauge.meter.read().joules is None:
        return
    found = spent(gauge, lambda seconds: int(_repeated(look, seconds)["updates"]))
    if found:
        look.draft.found["energy"] = found
    else:
        look.draft.reasons["energy"] = f"the counter of {gauge.meter.device} moves too rarely"


def _sampled(look: Look, store: Store, native: bool) -> None:
    """py-spy on blocks, and how long these took with and without it."""
    draft, worker, folder = look.draft, look.worker, look.draft.folder
    before = float(_repeated(look, BARE_SECONDS)["seconds"])
    try:
        with Sampler(worker.pid, SAMPLED_SECONDS, folder / "stacks.folded", native=native) as sampler:
            seconds = SAMPLED_SECONDS + MARGIN
            worker.begin("dissect", look="repeated", updates=look.block.updates, seconds=seconds)
            stacks = sampler.stacks()
    except SamplingError as error:
        draft.reasons["py-spy"] = str(error)
        return
    looked_at, after = float(worker.finish()["seconds"]), float(_repeated(look, BARE_SECONDS)["seconds"])
    draft.found["slowdown"] = looked_at / ((before + after) / 2)
    draft.found["stacks"] = dict(list(stacks.items())[:MOST_STACKS])
    for name, text, what in (
        ("stacks.folded", flame_graph.folded(stacks), "samples by stack of Python functions, a line each"),
        (
            "stacks.speedscope.json",
            flame_graph.speedscope(stacks, draft.arm.name),
            "the same for https://www.speedscope.app",
        ),
        ("flame.svg", flame_graph.svg(stacks, draft.arm.name), "the same as a flame graph"),
    ):
        store.write(str(folder.relative_to(store.path.resolve()) / name), text.encode())
        draft.artifacts[name] = what
