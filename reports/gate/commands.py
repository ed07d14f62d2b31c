"""The commands that race one arm of a gate again and that go on with the gate, as `bench gate` takes them."""

import shlex

from bench.results.gate import GatePlan, Side
from bench.results.record import Arm
from reports.run.commands import unusual
from reports.text.sanitize import plain

PROGRAM = ("python", "-m", "bench", "gate")
SIDES = (
    "head",
    "base-python",
    "head-python",
    "project",
    "folder",
    "gate",
    "floor",
)  # options that decide what is raced


def repeat(plan: GatePlan, arm: Arm) -> str:
    """The command that races this arm alone on the same two sides; coordinates that are the workload's own are left out.

    A plan that is older than its `options` gives the command of the whole gate.
    """
    if plan.options is None:
        return plain(plan.command)
    options: dict[str, object] = {"base": _revision(plan.base)}
    options |= {name: plan.options[name] for name in SIDES if name in plan.options}
    options |= {"workload": arm.workload, "implementation": arm.implementation}
    options |= {"device": arm.setting.device, "mode": arm.setting.mode}
    options |= {name: value for name, value in unusual(arm).items() if name != "every"}
    options |= {name: True for name in ("everything",) if plan.options.get(name)}
    return _command(options)


def resume(plan: GatePlan) -> str:
    """The command that goes on with the gate."""
    results = (plan.options or {}).get("results")
    return _command({"resume": plan.run} | ({"results": results} if results else {}))


def _revision(side: Side) -> str:
    return side.commit[:12] if side.commit else side.name


def _command(options: dict[str, object]) -> str:
    """The gate's command line with these options; one that is True is a flag."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))[: 1 if value is True else 2]]
    return plain(shlex.join([*PROGRAM, *words]))
