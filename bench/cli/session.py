"""The steps that the verbs of the door are made of: begin a run, race it, profile it, and refuse what a person can mend."""

import shlex
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from bench.cli import console

if TYPE_CHECKING:
    from bench.results.store import Store
    from bench.runner.plan import Choice

T = TypeVar("T")

USAGE = 2


def begun(chosen: "Choice", results: Path) -> "Store":
    """A new run that has its plan and its environment."""
    from bench.results.store import Store
    from bench.runner.plan import make_plan
    from bench.runner.worker_process import ROOT
    from bench.system.environment import describe

    plan = make_plan(chosen, command="python -m bench " + shlex.join(sys.argv[1:]))
    store = Store.create(results)
    store.write_plan(plan.named(store.path.name), describe(ROOT))
    return store


def race(store: "Store", quiet: bool) -> bool:
    """Carries the run out under a progress display; True when it was interrupted."""
    from bench.runner import race as racing
    from bench.worker.watch import display_is_there

    plan = store.plan()
    console.say(f"looprace {store.path}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = racing.run(plan, store, live=display_is_there() and not quiet)
    return told(progress, lambda event: console.tell(event, plan.rounds[1]))


def profile(store: "Store", *, native: bool = False) -> bool:
    """Profiles the arms of a run under a progress display; True when it was interrupted."""
    from bench.profiler import profile_run

    return told(profile_run.profile(store.plan(), store, native=native), console.tell_profiling)


def told(progress: Generator[T, None, None], tell: Callable[[T], None]) -> bool:
    """Carries something out to its end, telling each step; True when a person stopped it."""
    try:
        for event in progress:
            tell(event)
    except KeyboardInterrupt:
        progress.close()
        return True
    finally:
        console.clear_line()
    return False


@contextmanager
def refusals() -> Iterator[None]:
    """Prints an expected error as one sentence and exits: with 2 for what was typed, with 5 for a full disk."""
    from bench.results.store import StoreError, WriteError
    from impls.contract.catalogue import UnknownNameError
    from impls.contract.setting import SettingError

    try:
        yield
    except (SettingError, UnknownNameError, StoreError) as error:
        console.say(f"looprace: {error}")
        raise typer.Exit(USAGE) from error
    except WriteError as error:
        from reports.exit_status import Exit

        console.say(f"looprace: {error}")
        raise typer.Exit(Exit.UNMEASURED) from error
