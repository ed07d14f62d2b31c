"""The steps that commands share: begin a run, race it, profile it under a progress line, refuse what makes no sense."""

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import typer

from bench import clock
from bench.cli import console, notation
from bench.cli.options import WithArms
from bench.climb import run as climbing
from bench.processes import temporary
from bench.processes.worker_process import ROOT, allowed_cores
from bench.profiler import profile_run
from bench.progress import Progress
from bench.results.record import Plan
from bench.results.store import Store, StoreError, WriteError
from bench.runner import race as racing
from bench.runner import resume
from bench.runner.plan import Choice, make_plan
from bench.runner.referee import UnexaminedError
from bench.runner.step_plan import StepChoice
from bench.system import reservation
from bench.system.environment import describe
from bench.system.gpu_presence import why_no_gpu
from bench.worker.watch import display_is_there
from impls.contract import catalogue
from impls.contract.catalogue import UnknownNameError
from impls.contract.setting import SettingError
from impls.recipe import steps
from reports.exit_status import Exit
from reports.text.terminal import progress_line

A_WAIT = 1.0  # seconds from one look at who else measures to the next
A_LINE = 60.0  # seconds from one line to the next, where there is no terminal
P = TypeVar("P", bound=Progress)


def arms(typed: WithArms, *names: str, folder: str = "") -> dict[str, Any]:
    """The part of a Choice that `run`, `profile` and `gate` share. Raises SettingError.

    names  what was named without an option: steps and implementations
    """
    stepped = tuple(name for name in (*names, *(typed.workload or ())) if steps.is_step(name))
    workloads = tuple(name for name in typed.workload or () if name not in stepped)
    implementations = (*(name for name in names if name not in stepped), *(typed.implementation or ()))
    if stepped and (workloads or implementations):
        raise SettingError(f"A step cannot race with {(*workloads, *implementations)[0]}: name steps only, or none.")
    parameters = notation.parameters(typed.set_ or ())
    if not stepped and (parameters or typed.rewrite or typed.recipe):
        raise SettingError(
            "--set, --rewrite and --recipe are for a step: name one, e.g. my_step.py or steps/digits_mlp."
        )
    return {
        "workload": workloads or Choice.workload,
        "implementation": implementations or Choice.implementation,
        "setting": notation.setting(typed.setting),
        "limit": notation.duration("--limit", typed.limit),
        "steps": StepChoice(
            names=stepped,
            folder=folder,
            parameters=parameters,
            rewrites=tuple(typed.rewrite or ()),
            recipes=tuple(typed.recipe or ()),
        ),
    }


def begin(choice: Choice, results: Path, adapt: Callable[[Plan], Plan] = lambda plan: plan) -> Store:
    """A new run that has its plan and its environment.

    adapt  changes the plan before it is written
    """
    plan = adapt(make_plan(choice, command="python -m bench " + shlex.join(sys.argv[1:])))
    store = Store.create(results)
    store.write_plan(plan.named(store.path.name, resume.files_of(plan)), describe(ROOT, imported(plan)))
    console.warn(plan.notes)
    return store


def imported(plan: Plan) -> set[str]:
    """The top-level packages that the arms of a plan import."""
    entries = catalogue.implementations()
    names = {arm.implementation for race in plan.races for arm in race.arms}
    return {package for name in names & entries.keys() for package in entries[name].needs}


def race(store: Store, *, quiet: bool) -> bool:
    """Carries the run out under a progress line, and the climb that its plan has; True when it was interrupted.

    quiet  whether nothing may be drawn in a window while the arms run
    """
    plan = store.plan()
    console.say(f"looprace {store.path}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    rounds = racing.run(plan, store, live=display_is_there() and not quiet, keep_cache=plan.climb > 0)
    climb = climbing.run(plan, store) if plan.climb else None
    with machine_reserved():
        return carry_out(rounds, _round_in_words) or (climb is not None and carry_out(climb, lambda step: step.doing))


@contextmanager
def machine_reserved() -> Iterator[None]:
    """Waits until no other looprace measures on this process's cores, and keeps others from it; says for whom it waits."""
    temporary.remove_stale()
    names = reservation.names_of(allowed_cores(), gpu=why_no_gpu() is None)
    with ExitStack() as stack:
        said = None
        while reservation.TOGETHER not in os.environ and (holder := reservation.reserve(names, stack)) is not None:
            if holder != said:
                console.say(
                    f"Waiting for {holder}, which measures on the same cores. Ctrl-C ends the wait; "
                    f"{reservation.TOGETHER}=1 measures beside it, and both are disturbed."
                )
            said = holder
            clock.pause(A_WAIT)
        yield


def _round_in_words(step: racing.RoundProgress) -> str:
    """Where a race stands, and which arm is the fastest so far."""
    leader = ""
    if step.leader:
        times, arm = 1 / step.leader.ratio.value, step.leader.arm
        leader = f"fastest so far {arm.name}, {times:.3g} times · "
    return f"{leader}{step.race.workload}, round {step.round}: {step.doing}"


def profile(store: Store, *, native: bool = False) -> bool:
    """Profiles the arms of a run under a progress line; True when it was interrupted."""
    with machine_reserved():
        return under_progress(profile_run.profile(store.plan(), store, native=native), "profile")


def under_progress(steps: Generator[P, None, None], what: str) -> bool:
    """Carries something out to its end under a progress line that begins with a word; True when it was interrupted."""
    return carry_out(steps, lambda step: f"{what}: {step.doing}")


def carry_out(steps: Generator[P, None, None], in_words: Callable[[P], str]) -> bool:
    """Carries something out to its end and shows where it stands; True when a person interrupted it.

    On a terminal it is one line that is drawn over; elsewhere, where each would be kept, a line a minute.
    """
    terminal, due = sys.stderr.isatty(), 0.0
    width = shutil.get_terminal_size().columns if terminal else 0
    try:
        for step in steps:
            if terminal or step.elapsed >= due:
                due = step.elapsed + A_LINE
                line = progress_line(step.elapsed, step.expected, in_words(step), width=width)
                console.say(f"\r\x1b[K{line}" if terminal else line, end="" if terminal else "\n")
    except KeyboardInterrupt:
        steps.close()
        return True
    finally:
        console.say("", end="\r\x1b[K" if sys.stderr.isatty() else "")
    return False


@contextmanager
def refusals(*unmeasured: type[Exception]) -> Iterator[None]:
    """Prints an expected error as one sentence and exits: 2 for what was typed, 5 for what failed besides, as a full disk.

    unmeasured  further errors that end the command with 5
    """
    failures: tuple[type[Exception], ...] = (WriteError, UnexaminedError, *unmeasured)
    try:
        yield
    except (SettingError, UnknownNameError, StoreError) as error:
        console.refuse(error)
        raise typer.Exit(Exit.USAGE) from error
    except failures as error:
        console.refuse(error)
        raise typer.Exit(Exit.UNMEASURED) from error
    except MemoryError as error:
        console.refuse(f"There is not enough memory: {error}. Choose fewer rows or features.")
        raise typer.Exit(Exit.UNMEASURED) from error
