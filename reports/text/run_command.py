"""The command that repeats one arm of a run, with no more options than it needs."""

import shlex

from bench.results.record import Arm, Race
from impls.contract.catalogue import workloads
from impls.contract.coordinates import COORDINATES, DEFAULTS
from reports.text.sanitize import plain

PROGRAM = ("python", "-m", "bench", "run")
WORKLOAD = "linear/line"  # what is raced when nobody says


def command(arm: Arm, race: Race) -> str:
    """The command that races this arm against the same reference; the reference, its twin and the floors join by themselves.

    Of several devices, modes or watches the reference takes the first, so its own stands before the arm's.
    """
    if arm.setting.is_step:
        return _of_step(arm)
    known = workloads().get(arm.workload)  # a run may be older than the catalogue of today
    reference = race.reference
    options: dict[str, object] = {}
    if arm.workload != WORKLOAD:
        options["workload"] = arm.workload
    options["implementation"] = arm.implementation
    if known is None or reference.implementation != known.reference:
        options["reference"] = reference.implementation
    pairs = {
        name: (str(getattr(reference.setting, name)), str(getattr(arm.setting, name)))
        for name in ("device", "mode", "watch")
    }
    options |= {name: ",".join(dict.fromkeys(pair)) for name, pair in pairs.items() if pair != ("none", "none")}
    options |= unusual(arm)
    typed = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return plain(shlex.join([*PROGRAM, *typed]))


def _of_step(arm: Arm) -> str:
    """The command that races one recipe against the step as it is written, at the same parameters."""
    setting = arm.setting
    typed = [arm.workload, "--rewrite", "none"]
    typed += ["--recipe", arm.implementation] if arm.role == "arm" else []
    typed += [part for name, value in setting.parameters for part in ("--set", f"{name}={value}")]
    for name in ("device", "dtype", "threads", "seed"):
        if getattr(setting, name) != DEFAULTS[name]:
            typed += [f"--{name}", str(getattr(setting, name))]
    return plain(shlex.join([*PROGRAM, *typed]))


def unusual(arm: Arm) -> dict[str, object]:
    """The coordinates besides device, mode and watch whose values are not the defaults, by name."""
    known = workloads().get(arm.workload)
    own = vars(known.setting()) if known else DEFAULTS
    values = {
        each.name: getattr(arm.setting, each.name)
        for each in sorted(COORDINATES, key=lambda each: each.default is None)  # the workload's own last
        if each.help and not (each.raced and each.several)
    }
    return {name: value for name, value in values.items() if value != own.get(name)}
