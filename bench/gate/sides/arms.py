"""Which arms a side of a gate has, by its own `impls`; a process in that side answers.

    python -m bench.gate.sides.arms ANSWER CHOICE WHICH

ANSWER is the file for the answer, CHOICE a choice as JSON. With "usual" as WHICH, the side's usual workloads are meant, else
those of the choice. So a gate sees what the head has lost: a file, a mode, a device, or a whole workload.
"""

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench.gate.sides.git import SideError
from bench.gate.sides.preflight import answered
from bench.processes.arm_process import has_ranks
from bench.processes.worker_process import Origin
from bench.results.record import Arm
from bench.runner.plan import Choice, make_plan
from impls.contract import catalogue
from impls.contract.setting import SettingError


def arms_of(choice: Choice) -> list[Arm]:
    """The arms that a run of this choice has in the `impls` of this process, without twins, and floors only if named.

    Raises SettingError or UnknownNameError, with the cure, for what cannot be.
    """
    plan = make_plan(choice, command="", absent_too=True)
    named = set(catalogue.match_implementations(choice.implementation))
    everything = choice.implementation == Choice.implementation
    arms = {
        (arm.key, race.slug): replace(arm, role="arm")
        for race in plan.races
        for arm in race.arms
        if arm.role != "twin"
        and arm.implementation in named
        and not (everything and (has_ranks(arm) or catalogue.implementations()[arm.implementation].work == "floor"))
    }
    refuse_ranks(arms.values())
    return list(arms.values())


def refuse_ranks(arms: Iterable[Arm]) -> None:
    """Raises SettingError for arms that several processes make the updates of: a gate pairs processes one by one."""
    if names := [arm.implementation for arm in arms if has_ranks(arm)]:
        raise SettingError(
            f"A gate pairs single processes, and several make the updates of {', '.join(names)}: leave these out, "
            "and race them with `python -m bench run --threads 2`."
        )


def usual_workloads() -> tuple[str, ...]:
    """What a gate races when no workload was named: the default one, or, in a project without that, all there are.

    Raises SideError for a workload that cannot be loaded: the gate would otherwise leave it out in silence.
    """
    if complaints := catalogue.complaints():
        raise SideError(f"{'; '.join(complaints)}: repair it, or name what is to be raced with --workload")
    known = catalogue.workloads()
    return tuple(name for name in Choice.workload if name in known) or tuple(known)


def arms_of_side(origin: Origin, choice: Choice, *, usual: bool) -> list[Arm]:
    """The arms that a side has for this choice. Raises SideError when its process cannot tell.

    usual  whether no workload was named, so that the side's own usual ones are meant

    The process runs in this interpreter, not in the side's: what an arm declares is read and not run.
    """
    place = dataclasses.replace(origin, python=sys.executable)
    text = msgspec.json.encode(choice).decode()
    try:
        answer = answered(place, "bench.gate.sides.arms", text, "usual" if usual else "named", doing="name the arms")
    except SideError as error:
        raise SideError(
            f"the base's arms cannot be listed, so arms that the head has lost would not be seen: {error}"
        ) from None
    return msgspec.json.decode(answer, type=list[Arm])


def main() -> None:
    """Answers for the side that it was started in; a side that lacks a name has no arms of it."""
    answer, text, which = sys.argv[1:]
    choice = msgspec.json.decode(text, type=Choice)
    try:
        if which == "usual":
            choice = dataclasses.replace(choice, workload=usual_workloads())
        arms = arms_of(choice)
    except catalogue.UnknownNameError:
        arms = []
    Path(answer).write_bytes(msgspec.json.encode(arms))


if __name__ == "__main__":
    main()
