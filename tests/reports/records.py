"""Plans and records made by hand, with blocks drawn from a seeded generator: what the report tests show and compare."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.results.record import Arm, Caveat, Job, Judgement, Plan, Race, Record, Role, Status
from impls.contract import Work
from impls.contract.setting import Setting
from reports.run.race_records import RaceRecords
from reports.run.report import RunReport, report_of
from reports.run.rows import Row, ranked, read_floors, row_of

BLOCK = 40  # updates in a block
LAPS = 12
NOISE = 0.01  # standard deviation of a block's logarithm
DRIFT = 0.2  # the same of a lap's, which all arms of the lap share

ENVIRONMENT: dict[str, Any] = {
    "machine": {"processor": "Made-up 9000", "cores": 2, "threads": 2, "memory_bytes": 2**33, "gpus": []},
    "system": "Linux-6.1",
    "python": "3.11.7",
    "packages": {"torch": "2.13.0+cpu", "numpy": "2.4.6"},
    "revision": {"commit": "0123abc", "changed": False},
}
RIGHT = Judgement(when="job", updates=10_000, loss=0.1234567, distance=2e-6, tolerance=1e-4)
WRONG = Judgement(
    when="job", updates=10_000, loss=0.5, distance=0.3, tolerance=1e-4, fault="a weight is 0.3 away from the oracle"
)


def arm(implementation: str = "linear/manual", role: Role = "arm", **chosen: Any) -> Arm:
    """An arm of linear/line; chosen values go to its setting."""
    values: dict[str, Any] = {"rows": 100_000, "features": 1, "updates": 10_000, "lr": 1e-4}
    return Arm(workload="linear/line", implementation=implementation, setting=Setting(**values | chosen), role=role)


REFERENCE = arm("linear/nn_sgd", "reference")
TWIN = arm("linear/nn_sgd", "twin")
MANUAL = arm("linear/manual")
ANALYTIC = arm("linear/analytic")
MOMENTS = arm("linear/moments")
FLOOR = arm("linear/floor_read")


def race(*contestants: Arm, reference: Arm = REFERENCE, twin: Arm | None = TWIN) -> Race:
    """A race of the reference, its twin and the contestants."""
    return Race(workload=reference.workload, arms=(reference, *([twin] if twin else []), *contestants))


def plan(*races: Race, command: str = "python -m bench run", swept: str = "") -> Plan:
    """A plan of these races."""
    return Plan(
        run="2026-11-23T10-00-00-abcd",
        command=command,
        seed=1,
        races=races,
        rounds=(3, 12),
        precision=0.01,
        budget=320,
        limit=300,
        lap_seconds=10,
        alone=True,
        swept=swept,
    )


def record(
    arm: Arm,
    number: int,
    seconds_per_update: float | None,
    *,
    status: Status = "ok",
    reason: str = "",
    work: Work = "faithful",
    judgement: Judgement | None = RIGHT,
    weights: dict[str, list[float | None] | float | None] | None = None,
    alone: bool = True,
    noise: float = NOISE,
    caveats: Sequence[Caveat] = (),
    salt: Sequence[int] = (),
    cold: float = 0.5,
) -> Record:
    """What round `number` saw of an arm that takes so long an update; None for an arm that was not measured.

    salt  draws other noise
    cold  seconds of the first update

    The first round holds the job. Laps drift for all arms alike, so that only ratios taken inside a lap are narrow.
    """
    measured = seconds_per_update is not None
    own = np.random.default_rng([number, zlib.crc32(f"{arm.role} {arm.name}".encode()), *salt])
    drift = np.random.default_rng(number).normal(0, DRIFT, LAPS)
    blocks = (seconds_per_update or 0.0) * BLOCK * np.exp(drift + own.normal(0, noise, LAPS))
    job = Job(seconds=12.5, updates=10_000, weights=weights or {"weight": [0.9995], "bias": 0.5632})
    return Record(
        run="2026-11-23T10-00-00-abcd",
        arm=arm,
        round=number,
        status=status,
        reason=reason,
        started=f"2026-11-23T10:00:{number:02d}+00:00",
        work=work,
        alone=alone and number == 1,
        import_seconds=1.0 if measured else None,
        build_seconds=0.25 if measured else None,
        first_seconds=cold if measured else None,
        job=job if measured and number == 1 and arm.role != "twin" else None,
        judgements=(judgement,) if measured and judgement else (),
        updates_per_block=BLOCK if measured else None,
        laps=tuple(range(1, LAPS + 1)) if measured else (),
        blocks=tuple(blocks.tolist()) if measured else (),
        peak_resident_bytes=300 * 2**20 if measured else None,
        caveats=tuple(caveats),
    )


def rounds(arm: Arm, seconds_per_update: float | None, count: int = 5, **chosen: Any) -> list[Record]:
    """The records of an arm over so many rounds."""
    return [record(arm, number, seconds_per_update, **chosen) for number in range(1, count + 1)]


def compared(
    speeds: Mapping[Arm, float], *others: Record, environment: dict[str, Any] | None = None, **planned: Any
) -> RunReport:
    """The report of a race of the reference (400 µs) and its twin against arms of the given speeds.

    others  records of arms that are told otherwise, in the race too
    """
    seen = {REFERENCE: 400e-6, TWIN: 400e-6, **speeds}
    records = [*(each for one, speed in seen.items() for each in rounds(one, speed)), *others]
    contestants = dict.fromkeys([*speeds, *(other.arm for other in others)])
    this = plan(race(*contestants), **planned)
    return report_of(this, ENVIRONMENT if environment is None else environment, records)


def floored(speeds: Mapping[Arm, float], *others: Record, floor: float = 1e-5) -> RunReport:
    """The same race with an arm that only reads the data."""
    return compared(speeds, *rounds(FLOOR, floor, work="floor", judgement=None), *others)


def grown(
    speeds: Mapping[str, Callable[[int], float]],
    sizes: Sequence[int] = (100, 1_000, 10_000, 100_000),
    swept: str = "rows",
    *others: Record,
    works: Mapping[str, Work] | None = None,
    count: int = 5,
) -> RunReport:
    """The report of a sweep.

    speeds  seconds an update at a size, by implementation; the first is the reference
    others  records of arms that are told otherwise; in the race of their size
    works   of the implementations that are not faithful
    """
    first, *rest = speeds
    races, records = [], list(others)
    for size in sizes:
        fixed: dict[str, Any] = {swept: size}
        reference, twin = arm(first, "reference", **fixed), arm(first, "twin", **fixed)
        contestants = [arm(name, **fixed) for name in rest]
        for one in (reference, twin, *contestants):
            work = (works or {}).get(one.implementation, "faithful")
            judgement = None if work == "floor" else RIGHT
            seconds = speeds[one.implementation](size)
            records += rounds(one, seconds, count, work=work, judgement=judgement, salt=[size])
        told = [other.arm for other in others if getattr(other.arm.setting, swept) == size]
        races.append(race(*dict.fromkeys([*contestants, *told]), reference=reference, twin=twin))
    return report_of(plan(*races, swept=swept), ENVIRONMENT, records)


def placed(records: Mapping[Arm, Sequence[Record]]) -> list[Row]:
    """The ranked rows of arms, of which the first is the reference."""
    of_race = RaceRecords(records)
    reference = next(iter(records))
    floors = read_floors(of_race)
    return ranked([row_of(one, reference, of_race, floors.get(one.setting.device)) for one in records], of_race)


def row(arm: Arm, own: Sequence[Record], reference: Sequence[Record], read_floor: Sequence[Record] = ()) -> Row:
    """The row of an arm with these records beside a reference, and beside an arm that only reads the data."""
    base = reference[0].arm if reference else REFERENCE
    floor = read_floor[0].arm if read_floor else None
    by_arm = {base: reference, **({floor: read_floor} if floor else {}), arm: own}
    return row_of(arm, base, RaceRecords(by_arm), floor)
