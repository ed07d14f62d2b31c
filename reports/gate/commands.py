"""The commands that race one arm of a gate again and that go on with the gate, as `bench gate` takes them."""

import shlex
from collections.abc import Mapping, Sequence

from bench.results.gate import GatePlan, Side
from bench.results.record import Arm
from impls.contract.coordinates import DEFAULTS
from reports.text.run_command import unusual
from reports.text.sanitize import plain

PROGRAM = ("python", "-m", "bench", "gate")
OF_STEPS = ("dtype", "threads", "seed")  # coordinates of a step, besides its device and its parameters
SIDES = (
    "head",
    "base-python",
    "head-python",
    "project",
    "folder",
    "gate",
    "floor",
    "at-most",
)  # options that decide what is raced


def repeat(plan: GatePlan, arm: Arm) -> str:
    """The command that races this arm alone on the same two sides; coordinates that are the workload's own are left out.

    A plan that is older than its `options` gives the command of the whole gate.
    """
    if plan.options is None:
        return plain(plan.command)
    options: dict[str, object] = {"base": _revision(plan.base)}
    options |= {name: plan.options[name] for name in SIDES if name in plan.options}
    everything = {name: True for name in ("everything",) if plan.options.get(name)}
    if arm.setting.is_step:
        return _command(options | _of_step(arm, str(plan.options.get("set", "")).split()) | everything, arm.workload)
    options |= {"workload": arm.workload, "implementation": arm.implementation}
    options |= {"device": arm.setting.device, "mode": arm.setting.mode}
    options |= {name: value for name, value in unusual(arm).items() if name != "every"}
    return _command(options | everything)


def _of_step(arm: Arm, typed: Sequence[str]) -> dict[str, object]:
    """The options that mean this arm of a step, besides the plain step and its ways, which are always raced.

    typed  the names of the parameters that a person set: the others have each side's own defaults
    """
    setting = arm.setting
    options: dict[str, object] = {"device": setting.device}
    options |= {name: getattr(setting, name) for name in OF_STEPS if getattr(setting, name) != DEFAULTS[name]}
    options |= {"set": [f"{name}={setting.named[name]}" for name in typed if name in setting.named]}
    rewritten = [part for part in arm.implementation.split("+") if part != "plain" and not part.startswith("way_")]
    return options | ({"recipe": arm.implementation} if rewritten else {})


def resume(plan: GatePlan) -> str:
    """The command that goes on with the gate."""
    results = (plan.options or {}).get("results")
    return _command({"resume": plan.run} | ({"results": results} if results else {}))


def _revision(side: Side) -> str:
    return side.commit[:12] if side.commit else side.name


def _command(options: Mapping[str, object], *names: str) -> str:
    """The gate's command line with these names and options; one that is True is a flag, a list is typed once for each."""
    pairs = [(name, one) for name, value in options.items() for one in (value if isinstance(value, list) else [value])]
    words = [word for name, value in pairs for word in (f"--{name}", str(value))[: 1 if value is True else 2]]
    return plain(shlex.join([*PROGRAM, *names, *words]))
