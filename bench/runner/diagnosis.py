"""The main process's half of a diagnosis: has it found out why answers are different, once for each way to run a step."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import structs

from bench.messages.diagnosis import Diagnose, Diagnosed
from bench.processes.arm_process import cores_for, has_ranks, variables_for
from bench.processes.worker_process import ArmFault, Worker
from bench.results.record import Answer, Race
from bench.results.store import Store
from bench.runner.arm_run import ArmRun
from bench.runner.setup import Setup
from impls.recipe.recipe import PLAIN, Recipe

DIAGNOSIS = "bench.diagnosis.main"
SECONDS = 120.0  # for one arm
SEVERAL = "several processes make its updates together, and a diagnosis looks into one"
PATIENCE = 2 * SECONDS  # until a diagnosis that says nothing is ended


class Diagnoses:
    """Diagnoses the arms of one race of a step, after the laps of a round and outside of its time."""

    def __init__(self, store: Store, race: Race, setup: Setup) -> None:
        self._store, self._race, self._setup = store, race, setup
        self._known: dict[str, Diagnosed] = {}  # by implementation

    def complete(self, arm_runs: Sequence[ArmRun]) -> Iterator[str]:
        """Adds to each different answer whose fault it is; yields what is being done."""
        for arm_run in arm_runs:
            answer, implementation = arm_run.answer, arm_run.arm.implementation
            if answer is None or answer.word != "different" or Recipe.read(implementation) == PLAIN:
                continue
            if answer.draws == "own":  # what a diagnosis compares are single updates
                continue
            if has_ranks(arm_run.arm):
                arm_run.answer = with_diagnosis(answer, Diagnosed(undiagnosed=SEVERAL))
                continue
            if implementation not in self._known:
                yield f"finding out why {arm_run.arm.name} is different"
                self._known[implementation] = self._diagnosed(arm_run)
            arm_run.answer = with_diagnosis(answer, self._known[implementation])

    def _diagnosed(self, arm_run: ArmRun) -> Diagnosed:
        arm, setup = arm_run.arm, self._setup
        cores = cores_for(arm, setup.cores, setup.everywhere)
        name = f"scripts/{self._race.slug}/{arm.slug}.py"
        cache = self._store.cache / self._race.slug / f"{arm.slug}-float64"  # has what the judge's arm compiled
        command = Diagnose(
            workload=arm.workload,
            file=setup.file,
            implementation=arm.implementation,
            setting=msgspec.to_builtins(arm.setting),
            cores=tuple(cores),
            seconds=SECONDS,
            script=str(self._store.path / name),
        )
        try:
            with Worker(
                arm,
                everywhere=setup.everywhere,
                variables=variables_for(arm, cores, cache) | dict(setup.variables),
                log=self._store.log(self._race, 0, f"{arm.slug}-diagnosis"),
                limit=PATIENCE,
                origin=setup.origin,
                program=DIAGNOSIS,
            ) as process:
                found = process.ask(command)
        except (ArmFault, OSError) as fault:
            return Diagnosed(undiagnosed=f"the diagnosis ended: {fault}")
        return structs.replace(found, script=name if found.script else "")


def with_diagnosis(answer: Answer, found: Diagnosed) -> Answer:
    """The answer with what a diagnosis found."""
    return structs.replace(answer, **structs.asdict(found))
