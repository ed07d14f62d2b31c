"""A climb made by hand: channels_last, then whole_graph on top of it, with what each was worth."""

from collections.abc import Mapping, Sequence

from bench.results.climb import Climb, Stage
from bench.results.record import Arm, Race, Record
from reports.run.climb import ClimbResult, StageRecords, climb_result
from reports.run.race_records import RaceRecords
from reports.run.report import RunReport, report_of
from reports.run.rows import rows_of
from tests.reports.records import ENVIRONMENT, plan, race
from tests.reports.steps import EXAMINED, IDENTICAL, PATCH, PLAIN, SAME, STEP, answered

BOTH = "channels_last+whole_graph"
SINGLES = {"channels_last": 0.75, "fused": 0.96, "whole_graph": 0.8, "checkpointing": 1.6}
STACK = {"channels_last": 0.75, BOTH: 0.5, "channels_last+fused": 0.76}
LAST = {BOTH: 0.5, "channels_last": 0.75, "whole_graph": 0.8}


def raced(speeds: Mapping[str, float], cold: Mapping[str, float]) -> tuple[Race, dict[Arm, list[Record]]]:
    """A race of the plain step against recipes, whose times are these shares of its own."""
    runs = [
        answered("plain", PLAIN, IDENTICAL, "", role="reference"),
        answered("plain", PLAIN, IDENTICAL, "", role="twin"),
        *(
            answered(one, PLAIN * share, SAME, f"# {one}\n{PATCH}", cold=cold.get(one, 0.5))
            for one, share in speeds.items()
        ),
    ]
    reference, twin, *arms = (records[0].arm for records in runs)
    return race(*arms, reference=reference, twin=twin), {records[0].arm: records for records in runs}


def stage(kind: Stage, speeds: Mapping[str, float], cold: Mapping[str, float]) -> StageRecords:
    """A stage with the records of its race."""
    this, records = raced(speeds, cold)
    of_race = RaceRecords(records)
    return StageRecords(kind, this, of_race, {row.arm.implementation: row for row in rows_of(this, of_race)})


def stages() -> Sequence[StageRecords]:
    """Singles, one step up, and what each rewrite is worth; the second compiles for 9 s when it is first raced."""
    return [
        stage(Stage(kind="singles", folder="", base="plain", tried=tuple(SINGLES), kept="channels_last"), SINGLES, {}),
        stage(
            Stage(
                kind="stack",
                folder="climb/x/1",
                base="channels_last",
                tried=(BOTH, "channels_last+fused"),
                kept=BOTH,
            ),
            STACK,
            {BOTH: 9.5},
        ),
        stage(
            Stage(
                kind="left out",
                folder="climb/x/2",
                base=BOTH,
                tried=("whole_graph", "channels_last"),
                kept=BOTH,
            ),
            LAST,
            {BOTH: 1.0},
        ),
    ]


def climbed() -> ClimbResult:
    """What these stages say."""
    first, *_ = made = stages()
    climb = Climb(race=first.race, stages=tuple(each.stage for each in made), recipe=BOTH, ended="top")
    return climb_result(climb, made)


def climb_report() -> RunReport:
    """The report of a run with that climb."""
    this, records = raced(SINGLES, {})
    planned = plan(this, command=f"python -m bench climb {STEP}")
    rows = [record for of_arm in records.values() for record in of_arm]
    return report_of(planned, ENVIRONMENT, rows, examined={this: EXAMINED}, climbs={this: climbed()})
