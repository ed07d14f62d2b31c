"""The commands that repeat one arm of a gate and that go on with it. Apart because they must say what `bench gate` takes."""

import shlex
from itertools import pairwise

from bench.results.gate import GatePlan, Side
from bench.results.record import Arm
from impls.contract.catalogue import workloads
from impls.contract.setting import Setting
from reports.run.commands import SIZES
from reports.text.numbers import plain

PROGRAM = ("python", "-m", "bench", "gate")
PLAIN = ("batch", "dtype", "threads", "seed")  # whose defaults are the setting's
KEPT = ("head", "base-python", "head-python", "project", "folder", "gate", "floor")  # of what was typed: sides, margins


def repeat(plan: GatePlan, arm: Arm) -> str:
    """What to type to race this arm alone on the same two sides; no coordinate that is the workload's own is said."""
    known = workloads().get(arm.workload)  # a gate may be of another project, or older than the catalogue of today
    own = vars(known.setting()) if known else {}
    mine = vars(arm.setting)
    said: dict[str, object] = {"base": _revision(plan.base), **_typed(plan, KEPT)}
    said |= {"workload": arm.workload, "implementation": arm.implementation}
    said |= {name: mine[name] for name in ("device", "mode")}
    said |= {name: mine[name] for name in PLAIN if mine[name] != getattr(Setting, name)}
    said |= {name: mine[name] for name in SIZES if mine[name] != own.get(name)}
    return _command(said, *(["--everything"] if "--everything" in _parts(plan) else []))


def resume(plan: GatePlan) -> str:
    """What to type to go on with it."""
    return _command({"resume": plan.run, **_typed(plan, ("results",))})


def _revision(side: Side) -> str:
    return side.commit[:12] if side.commit else side.name


def _parts(plan: GatePlan) -> list[str]:
    try:
        return shlex.split(plan.command)
    except ValueError:  # nobody typed that into a shell
        return []


def _typed(plan: GatePlan, names: tuple[str, ...]) -> dict[str, object]:
    """These options as the gate's own command has them."""
    parts = _parts(plan)
    found: dict[str, object] = {}
    for part, following in pairwise([*parts, ""]):
        name, equals, value = part.removeprefix("--").partition("=")
        if part.startswith("--") and name in names:
            found[name] = value if equals else following
    return found


def _command(options: dict[str, object], *flags: str) -> str:
    typed = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return plain(shlex.join([*PROGRAM, *typed, *flags]))
