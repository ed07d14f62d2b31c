"""What a climb found: its steps up, what each rewrite is worth in the end, and what added nothing."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.results.climb import Climb, Stage, arm_of
from bench.results.record import Race, Record
from bench.results.statistics import Estimate
from bench.results.store import Store
from reports.run.race_records import RaceRecords, by_arm
from reports.run.rows import BreakEven, Row, rows_of


@dataclass(frozen=True)
class StageRecords:
    """A stage with the race that it was, its records and its rows."""

    stage: Stage
    race: Race
    records: RaceRecords
    rows: Mapping[str, Row]

    def change(self, recipe: str, base: str) -> Estimate | None:
        """Seconds of an update of a recipe over those of another one."""
        return self.records.ratio(arm_of(self.race, recipe), arm_of(self.race, base))


@dataclass(frozen=True)
class StepUp:
    """A stage that changed the recipe.

    recipe  after it
    added   the rewrites that it added, `removed` those that it took out
    change  seconds of an update after it over those before; below 1 is faster
    row     of the recipe, from the stage's own race
    """

    recipe: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    change: Estimate | None
    row: Row


@dataclass(frozen=True)
class LeftOut:
    """The last recipe without some of its rewrites.

    rewrites  that are left out: one, and what needs it
    change    seconds of an update without them over those with them; above 1 they are worth it
    """

    rewrites: tuple[str, ...]
    change: Estimate | None


@dataclass(frozen=True)
class Addition:
    """A recipe that was tried in place of the one so far and not kept.

    base    the recipe so far
    added   the rewrites that it would have added, `removed` those that it would have taken out
    change  seconds of an update over those of the base; None where it was not timed
    alone   of the added rewrite alone over those of the plain step; None for a stack that was put together from several
    row     its row in the stage's race
    """

    recipe: str
    base: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    change: Estimate | None
    alone: Estimate | None
    row: Row


@dataclass(frozen=True)
class ClimbResult:
    """A climb.

    tried      how many recipes were raced in it
    row        of its recipe, from the last race; None where it ended with the plain step. Its start is that of the first
               time, when nothing of it had been compiled
    reference  the row of the plain step beside it
    """

    climb: Climb
    tried: int
    steps_up: tuple[StepUp, ...]
    left_out: tuple[LeftOut, ...]
    additions: tuple[Addition, ...]
    row: Row | None
    reference: Row | None


def read_climb(run: Store, race: Race, records: Sequence[Record]) -> ClimbResult | None:
    """The climb from a race of a stored run; None where there was none. Raises StoreError for a file that cannot be read.

    records  of the run itself
    """
    climb = run.climb(race)
    if climb is None:
        return None
    stages = [_stage(run, climb, stage, records) for stage in climb.stages]
    return climb_result(climb, stages)


def climb_result(climb: Climb, stages: Sequence[StageRecords]) -> ClimbResult:
    """What these stages say."""
    tried = {recipe for stage in climb.stages for recipe in stage.tried}
    last = stages[-1] if stages and stages[-1].stage.kind == "left out" else None
    row = last.rows.get(climb.recipe) if last else None
    reference = last.rows.get("plain") if last else None
    if row and reference and climb.recipe != "plain":
        row = _from_cold(row, reference, climb.recipe, stages)
    return ClimbResult(
        climb=climb,
        tried=len(tried),
        steps_up=tuple(_steps_up(stages)),
        left_out=tuple(sorted(_left_out(last), key=lambda each: -each.change.value if each.change else 0))
        if last
        else (),
        additions=tuple(_additions(stages)),
        row=row if climb.recipe != "plain" else None,
        reference=reference,
    )


def _stage(run: Store, climb: Climb, stage: Stage, records: Sequence[Record]) -> StageRecords:
    race = climb.race
    if stage.folder:
        own = Store(run.path / stage.folder)
        race, records = own.plan().races[0], own.records()[0]
    groups = by_arm(records)
    of_race = RaceRecords({arm: groups.get(arm, ()) for arm in race.arms})
    return StageRecords(stage, race, of_race, {row.arm.implementation: row for row in rows_of(race, of_race)})


def _steps_up(stages: Sequence[StageRecords]) -> Iterator[StepUp]:
    for each in stages:
        stage = each.stage
        if not stage.changed or stage.kept == "plain":
            continue
        added, removed = _difference(stage.base, stage.kept)
        yield StepUp(
            recipe=stage.kept,
            added=added,
            removed=removed,
            change=each.change(stage.kept, stage.base),
            row=each.rows[stage.kept],
        )


def _left_out(last: StageRecords) -> Iterator[LeftOut]:
    """What each rewrite of the last recipe is worth; of a single one, what it is worth beside the plain step."""
    whole = last.stage.base
    for recipe in last.stage.tried or ("plain",):
        _, removed = _difference(whole, recipe)
        yield LeftOut(removed, last.change(recipe, whole))


def _additions(stages: Sequence[StageRecords]) -> Iterator[Addition]:
    singles = stages[0].rows if stages else {}
    for each in stages[1:]:
        if each.stage.kind != "stack":
            continue
        for recipe in each.stage.tried:
            if recipe == each.stage.kept:
                continue
            added, removed = _difference(each.stage.base, recipe)
            alone = next((row for row in singles.values() if added and set(row.rewrites) == set(added)), None)
            yield Addition(
                recipe=recipe,
                base=each.stage.base,
                added=added,
                removed=removed,
                change=each.change(recipe, each.stage.base),
                alone=alone.ratio if alone else None,
                row=each.rows[recipe],
            )


def _from_cold(row: Row, reference: Row, recipe: str, stages: Sequence[StageRecords]) -> Row:
    """The row with the start of the first stage that raced the recipe: later ones find what it had compiled."""
    first = next((stage.rows[recipe] for stage in stages if recipe in stage.rows), row)
    plain = next((stage.rows["plain"] for stage in stages if recipe in stage.rows and "plain" in stage.rows), reference)
    update, ratio = reference.seconds, row.ratio
    if first.cold_seconds is None or plain.cold_seconds is None or not update or not ratio or row.verdict != "faster":
        return replace(row, break_even=None)
    late = first.cold_seconds - plain.cold_seconds
    updates = max(0, math.ceil(late / (update.value * (1 - ratio.value))))
    alone = first.cold_alone and plain.cold_alone
    early = reference.cold_seconds or 0.0
    return replace(
        row,
        cold_seconds=early + late,
        cold_alone=alone,
        first_seconds=first.first_seconds,
        break_even=BreakEven(updates, alone),
    )


def _difference(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts of a recipe's name that another one has not, and those that it lacks, each in their order."""
    old, new = ([part for part in recipe.split("+") if part != "plain"] for recipe in (before, after))
    return tuple(part for part in new if part not in old), tuple(part for part in old if part not in new)
