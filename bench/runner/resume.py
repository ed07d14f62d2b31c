"""Whether a run may go on: only while the new rounds would measure the same code on the same data as the finished ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.processes.arm_process import recipe_of
from bench.processes.worker_process import ROOT
from bench.results.record import Plan, Race, Record
from bench.results.store import Store, StoreError
from impls.contract import catalogue
from impls.contract.dependencies import dependencies, differing
from impls.recipe import steps
from impls.recipe.step_file import sources

RUNNING = ("impls.recipe.live_step", "bench.judge.main")  # what runs a step, and what judges it
INSTRUMENT = ("bench.clock", "bench.runner", "bench.system", "bench.worker")  # the modules that measure
STARTED = ("bench.runner.race", "bench.worker.main")  # the two processes of a run begin here


def files_of(plan: Plan) -> dict[str, str]:
    """The fingerprint of every file that a plan's rounds depend on, by its path from the checkout.

    Those are the files of all its arms, and the part of `bench` that measures them.
    """
    exact = [race for race in plan.races if not race.reference.setting.is_step]
    stepped = [race for race in plan.races if race.reference.setting.is_step]
    names = {arm.implementation for race in exact for arm in race.arms}
    measuring = dependencies(STARTED, (ROOT,), lambda module: module.startswith(INSTRUMENT))
    own = {path.relative_to(ROOT).as_posix(): source.fingerprint for path, source in measuring.items()}
    files = _files_of_steps(stepped, Path(plan.folder) if plan.folder else None)
    return dict(sorted({**catalogue.dependencies_of(*names), **own, **files}.items()))


def _files_of_steps(races: Sequence[Race], folder: Path | None) -> dict[str, str]:
    """The fingerprints of the step files, by name, and of what runs and judges them; nothing where no step is raced.

    What a step file imports from its own repository is followed too.
    """
    if not races:
        return {}
    arms = [arm for race in races for arm in race.arms]
    used = {f"impls.rewrites.{name}" for arm in arms for name in recipe_of(arm).rewrites}
    running = dependencies(
        [*RUNNING, *used], (ROOT,), lambda module: module.startswith(("impls.recipe", "bench.judge", *used))
    )
    files = {path.relative_to(ROOT).as_posix(): source.fingerprint for path, source in running.items()}
    for race in races:
        file = steps.find(race.workload, folder)
        names = {file.path: race.workload}
        own = sources(file.path).items()
        files |= {names.get(path) or steps.shown(path): source.fingerprint for path, source in own}
    return files


def check(store: Store, environment: dict[str, Any]) -> None:
    """Raises StoreError, by name, when machine, packages or files are no longer those that the run was begun with.

    environment  `environment.describe` of this moment

    A run of an older looprace did not keep its files: of those, only the data are compared, by `check_data`.
    """
    store.check_machine(environment)
    plan = store.plan()
    known = set(catalogue.workloads())
    if unknown := [
        each.workload for each in plan.races if not (each.reference.setting.is_step or each.workload in known)
    ]:
        raise StoreError(f"{store.path} races {unknown[0]}, which is no workload here: resume it where there is one.")
    if plan.files and (changed := differing(plan.files, files_of(plan))):
        listed = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        raise StoreError(
            f"{listed} changed since {store.path} was begun, so that old and new rounds would not measure the same: "
            "start a new run, or restore what it was begun with."
        )


def check_data(race: Race, records: Iterable[Record], digest: str) -> None:
    """Raises StoreError when an arm was given other data or starting weights than those that its answers are judged by.

    digest  of the problem as it is now
    """
    for record in records:
        if record.digest and record.digest != digest:
            raise StoreError(
                f"In round {record.round} {record.arm.name} was given other data or starting weights than {race.workload} "
                f"has now: impls/{catalogue.family_of(race.workload)}/workload.py, or what it imports, has changed. "
                "Start a new run, or restore it."
            )
