"""The command that repeats an arm, with no more than it needs. Apart because it must say what `bench run` understands."""

import shlex

from bench.results.record import Arm, Race
from impls.contract.catalogue import workloads
from impls.contract.setting import Setting
from reports.text.sanitize import plain

PROGRAM = ("python", "-m", "bench", "run")
WORKLOAD = "linear/line"  # what is raced when nobody says
PLAIN = ("batch", "dtype", "threads", "seed", "every")  # whose defaults are the setting's
SIZES = ("rows", "features", "updates")  # whose defaults are the workload's


def command(arm: Arm, race: Race) -> str:
    """What to type to race this arm against the same reference, which joins by itself, with its twin and the floors.

    Of a list of devices, modes or watches the reference takes the first: so its own is named before the arm's.
    """
    known = workloads().get(arm.workload)  # a run may be older than the catalogue of today
    own = vars(known.setting()) if known else {}
    mine, its = vars(arm.setting), vars(race.reference.setting)
    said: dict[str, object] = {}
    if arm.workload != WORKLOAD:
        said["workload"] = arm.workload
    said["implementation"] = arm.implementation
    if known is None or race.reference.implementation != known.reference:
        said["reference"] = race.reference.implementation
    said |= {name: ",".join(dict.fromkeys((its[name], mine[name]))) for name in ("device", "mode", "watch")}
    if said["watch"] == Setting.watch:
        del said["watch"]
    said |= {name: mine[name] for name in PLAIN if mine[name] != getattr(Setting, name)}
    said |= {name: mine[name] for name in SIZES if mine[name] != own.get(name)}
    typed = [part for name, value in said.items() for part in (f"--{name}", str(value))]
    return plain(shlex.join([*PROGRAM, *typed]))
