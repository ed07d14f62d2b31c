"""The report of a run as one value: everything that page, terminal, summary, figures and exports show, computed once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.examined import Examined
from bench.results.profile import Machine, Profile
from bench.results.record import Arm, Caveat, LossCurve, Plan, Race, Record
from bench.results.statistics import Estimate
from bench.results.store import Store, StoreError
from reports.figures.kit.colours import Palette, palette_of
from reports.profile.attribution import Attribution, attributions
from reports.profile.predictions import predictions
from reports.profile.profiled import Profiled
from reports.run.climb import ClimbResult, read_climb
from reports.run.columns import columns_of
from reports.run.findings import Finding, findings, warnings
from reports.run.precision import of_rounds
from reports.run.race_records import RaceRecords, by_arm
from reports.run.rows import NOT_TRIED, Row, rows_of
from reports.run.step_findings import fastest, step_findings
from reports.run.step_summary import StepSummary, summary_of
from reports.run.sweep import Sweep, sweep_of
from reports.text.columns import Column


@dataclass(frozen=True)
class RaceResult:
    """One race.

    rows        fastest first, class by class, then the floors, the unmeasured last; without the twin
    twin        the ratio of the reference to itself
    records     by arm, the twin's too
    loss_curve  of its job by the oracle, where the run kept it
    profiled    what profiling recorded; None for a race that was not profiled
    examined    what was found out about its step before, where the run kept it
    step        what a report says of a step besides; None for a race of an exact workload
    climb       what the climb that began with it found; None where there was none
    """

    race: Race
    rows: tuple[Row, ...]
    twin: Estimate | None
    warnings: tuple[Caveat, ...]
    findings: tuple[Finding, ...]
    records: RaceRecords
    loss_curve: LossCurve | None = None
    profiled: Profiled | None = None
    examined: Examined | None = None
    step: StepSummary | None = None
    climb: ClimbResult | None = None

    @property
    def listed(self) -> tuple[Row, ...]:
        """The rows that tables show: those of a step without the recipes that cannot run here, of which the step tells."""
        return tuple(row for row in self.rows if not (self.step and row.status in NOT_TRIED))


@dataclass(frozen=True)
class RunReport:
    """A run.

    records     all that could be read, also those of arms that are not in the plan
    warnings    of all races, equal ones once
    sweep       how its arms grow from race to race; None for a run that sweeps nothing
    columns     of the tables of its races
    palette     the colours of its implementations
    complaints  a sentence for each file that could not be read
    """

    plan: Plan
    environment: dict[str, Any]
    races: tuple[RaceResult, ...]
    records: Sequence[Record]
    warnings: tuple[Caveat, ...]
    sweep: Sweep | None
    columns: tuple[Column[Row], ...]
    palette: Palette
    complaints: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """The rows of all races."""
        return [row for result in self.races for row in result.rows]

    @property
    def listed(self) -> list[Row]:
        """The rows of all races that tables show."""
        return [row for result in self.races for row in result.listed]


@dataclass(frozen=True)
class Profiles:
    """What profiling recorded of a race, as it was stored."""

    profiles: Sequence[Profile] = ()
    machine: Machine | None = None


def read(run: Store) -> RunReport:
    """The report of a stored run. What cannot be read is left out and named; raises StoreError without a plan."""
    plan = run.plan()
    records, complaints = run.records()
    loss_curves, profiles, examined, climbs = {}, {}, {}, {}
    for race in plan.races:
        stored, unread = run.profiles(race)
        machine, unread_machine = run.machine(race)
        complaints += unread + unread_machine
        profiles[race] = Profiles(stored, machine)
        try:
            if curve := run.loss_curve(race):
                loss_curves[race] = curve
            if facts := run.examined(race):
                examined[race] = facts
            if climb := read_climb(run, race, records):
                climbs[race] = climb
        except StoreError as error:
            complaints.append(str(error))
    return report_of(plan, run.environment(), records, loss_curves, profiles, complaints, examined, climbs)


def report_of(
    plan: Plan,
    environment: dict[str, Any],
    records: Sequence[Record],
    loss_curves: Mapping[Race, LossCurve] | None = None,
    profiles: Mapping[Race, Profiles] | None = None,
    complaints: Iterable[str] = (),
    examined: Mapping[Race, Examined] | None = None,
    climbs: Mapping[Race, ClimbResult] | None = None,
) -> RunReport:
    """The report of these values, and of nothing else: the same values always give the same report."""
    groups = by_arm(records)
    results = tuple(
        _result(
            plan,
            race,
            groups,
            (loss_curves or {}).get(race),
            (profiles or {}).get(race, Profiles()),
            (examined or {}).get(race),
            (climbs or {}).get(race),
        )
        for race in plan.races
    )
    rows = [row for result in results for row in result.rows]
    return RunReport(
        plan=plan,
        environment=environment,
        races=results,
        records=records,
        warnings=tuple(dict.fromkeys(caveat for result in results for caveat in result.warnings)),
        sweep=sweep_of(
            plan, [(each.rows, each.records, each.examined.numbers if each.examined else 0) for each in results]
        ),
        columns=columns_of(row for result in results for row in result.listed),
        palette=_palette(rows),
        complaints=tuple(complaints),
    )


def _result(
    plan: Plan,
    race: Race,
    groups: Mapping[Arm, Sequence[Record]],
    loss_curve: LossCurve | None,
    stored: Profiles,
    examined: Examined | None,
    climb: ClimbResult | None,
) -> RaceResult:
    records = RaceRecords({arm: groups.get(arm, ()) for arm in race.arms})
    rows = rows_of(race, records)
    twin = next((records.ratio(arm, race.reference) for arm in race.arms if arm.role == "twin"), None)
    is_step = race.reference.setting.is_step
    said = list(step_findings(rows, records, twin) if is_step else findings(rows, twin))
    if climb and climb.row and climb.reference:  # what was measured once more and alone is what is promised
        said = [fastest([climb.row], climb.reference), *(each for each in said if each.kind != "fastest")]
    if (known := of_rounds(plan, race, rows, records)) is not None:
        said.append(known)
    parts = attributions(rows, race.reference, stored.profiles, stored.machine)
    return RaceResult(
        race=race,
        rows=rows,
        twin=twin,
        warnings=tuple(warnings(race, records, twin)),
        findings=tuple(said),
        records=records,
        loss_curve=loss_curve,
        profiled=_profiled(rows, parts, stored.profiles) if stored.profiles else None,
        examined=examined,
        step=summary_of(rows, examined, climb.row if climb else None) if is_step else None,
        climb=climb,
    )


def _profiled(rows: Sequence[Row], parts: Sequence[Attribution], profiles: Sequence[Profile]) -> Profiled:
    seen = [pattern for profile in profiles for pattern in profile.patterns or ()]
    return Profiled({profile.arm: profile for profile in profiles}, tuple(parts), tuple(predictions(rows, parts, seen)))


def _palette(rows: Iterable[Row]) -> Palette:
    """Colours for the references, and for the ranked faithful arms that are not watched."""
    references: list[str] = []
    seconds: dict[str, float] = {}
    for row in rows:
        name = row.arm.implementation
        if row.arm.role == "reference":
            references.append(name)
        if row.rank and row.seconds and row.work_class == "faithful" and row.arm.setting.watch == "none":
            seconds[name] = min(row.seconds.value, seconds.get(name, row.seconds.value))
    return palette_of(list(dict.fromkeys(references)), seconds)
