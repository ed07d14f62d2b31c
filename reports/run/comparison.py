"""What the records of a run allow to be said: rows, twin, findings, warnings. Every report shows this one object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.results import statistics
from bench.results.record import Arm, Caveat, Plan, Race, Record
from bench.results.statistics import Estimate
from reports.run.findings import findings, warnings
from reports.run.rows import Row, by_arm, ranked, read_floors, row_of
from reports.run.sweep import Growth, growth_of


@dataclass(frozen=True)
class RaceResult:
    """A race's rows, fastest first, class by class, then the floors, the unmeasured last; and its built-in A/A."""

    race: Race
    rows: tuple[Row, ...]
    twin: Estimate | None
    warnings: tuple[Caveat, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything there is to show of a run; `growth` where it is a sweep."""

    plan: Plan
    environment: dict[str, Any]
    races: tuple[RaceResult, ...]
    warnings: tuple[Caveat, ...]
    growth: Growth | None


def compare(plan: Plan, environment: dict[str, Any], records: Sequence[Record]) -> Comparison:
    """Reads nothing but its arguments: the same records always give the same comparison."""
    results = []
    seen: dict[Arm, list[Record]] = {arm: [] for race in plan.races for arm in race.arms} | by_arm(records)
    for race in plan.races:
        mine = {arm: seen[arm] for arm in race.arms}
        reference = mine[race.reference]
        floors = read_floors(mine)
        contestants = [arm for arm in race.arms if arm.role != "twin"]
        rows = ranked(
            [row_of(arm, mine[arm], reference, floors.get(arm.setting.device, ())) for arm in contestants], mine
        )
        twin = next((statistics.ratio(mine[arm], reference) for arm in race.arms if arm.role == "twin"), None)
        results.append(
            RaceResult(
                race=race,
                rows=tuple(rows),
                twin=twin,
                warnings=tuple(warnings(race, mine, twin)),
                findings=tuple(findings(rows, twin)),
            )
        )
    return Comparison(
        plan=plan,
        environment=environment,
        races=tuple(results),
        warnings=tuple(dict.fromkeys(caveat for result in results for caveat in result.warnings)),
        growth=growth_of(plan, [result.rows for result in results], seen),
    )
