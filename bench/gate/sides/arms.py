"""Which arms a side has. Apart from planning.py, which compares the sides: each answers by its own `impls`, in its own process.

    python -m bench.gate.sides.arms ANSWER CHOICE WHICH    a file to answer in; a choice as JSON; "usual": the side's workloads

So what a head no longer offers is seen, be it a file, a mode, a device, or a whole workload.
"""

import dataclasses
import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from bench.gate.sides.git import SideError
from bench.gate.sides.preflight import answered
from bench.results.record import Arm
from bench.runner.plan import Choice, make_plan
from bench.runner.worker_process import Origin
from impls.contract import catalogue


def arms_of(choice: Choice) -> list[Arm]:
    """The arms of a run like this, each once and by itself: no twin, no floor unless it was named, nothing drawn.

    Of the `impls` of this process. Raises SettingError or UnknownNameError, with the cure, for what cannot be.
    """
    plan = make_plan(choice, command="", absent_too=True)
    named = set(catalogue.match_implementations(choice.implementation))
    whole = choice.implementation == Choice.implementation
    found = {
        (arm.key, race.slug): replace(arm, role="arm")
        for race in plan.races
        for arm in race.arms
        if arm.role != "twin"
        and arm.implementation in named
        and not (whole and catalogue.implementations()[arm.implementation].work == "floor")
    }
    return list(found.values())


def usual_workloads() -> tuple[str, ...]:
    """What a gate races where nobody said: the usual one, or all that a project of its own has.

    Raises SideError for a workload that cannot be loaded: without it, what is left would be raced as if it were all.
    """
    if complaints := catalogue.complaints():
        raise SideError(f"{'; '.join(complaints)}: mend it, or say with --workload what is to be raced")
    found = catalogue.workloads()
    return tuple(name for name in Choice.workload if name in found) or tuple(found)


def asked(origin: Origin, choice: Choice, *, usual: bool) -> list[Arm]:
    """The arms that the side there has for this choice; SideError when it cannot say.

    usual  whether nobody named a workload, so that the side's own usual ones are meant

    By this interpreter, whatever the side's own is: what an arm says of itself is read and not run.
    """
    here = dataclasses.replace(origin, python=sys.executable)
    text = msgspec.json.encode(choice).decode()
    try:
        found = answered(here, "bench.gate.sides.arms", text, "usual" if usual else "named", doing="name the arms")
    except SideError as error:
        raise SideError(
            f"the base cannot say which arms it has, so nobody would see what the head lacks: {error}"
        ) from None
    return msgspec.json.decode(found, type=list[Arm])


def main() -> None:
    """Answers for the side that it was started in; of names that the side does not have it has no arms."""
    answer, text, which = sys.argv[1:]
    choice = msgspec.json.decode(text, type=Choice)
    try:
        if which == "usual":
            choice = dataclasses.replace(choice, workload=usual_workloads())
        found = arms_of(choice)
    except catalogue.UnknownNameError:
        found = []
    Path(answer).write_bytes(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
