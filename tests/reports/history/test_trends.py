"""Histories of made-up runs whose true changes are known: levels, changes, and runs left out with a reason."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.special import stdtrit

from bench.results.record import Arm, Record
from bench.results.statistics import Estimate
from bench.results.store import Store, StoreError, pretty
from reports.history.trends import (
    FALSE_ALARMS,
    LEAST_RUNS,
    History,
    Levels,
    PastRun,
    Trend,
    histories,
    levels_of,
    past_run,
    read,
)
from tests.reports.records import ENVIRONMENT, MANUAL, REFERENCE, TWIN, arm, plan, race, rounds

C = arm("linear/c")
ONE = FALSE_ALARMS / 2  # what a single arm may spend of the share of false alarms


def measured(
    generator: np.random.Generator, truth: Sequence[float], noise: float, understated: float = 1.0
) -> dict[int, Estimate]:
    """What runs of five rounds measure of a quantity with these true logarithms, with their intervals."""
    se = noise / understated * np.sqrt(generator.chisquare(4, len(truth)) / 4)
    half = float(stdtrit(4, 0.975)) * se
    middle = np.asarray(truth) + noise * generator.standard_normal(len(truth))
    return {
        at: Estimate(math.exp(mean), math.exp(mean - width), math.exp(mean + width), 5)
        for at, (mean, width) in enumerate(zip(middle.tolist(), half.tolist(), strict=True))
    }


def past(
    number: int,
    speeds: Mapping[Arm, float | None],
    *,
    environment: dict[str, Any] | None = None,
    reference: float = 4e-4,
    count: int = 3,
    **changed: str,
) -> PastRun:
    """A run with this number, of these arms against the reference; None for an arm that failed."""
    return past_run(Path(), *made(number, speeds, environment=environment, reference=reference, count=count, **changed))


def made(
    number: int,
    speeds: Mapping[Arm, float | None],
    *,
    environment: dict[str, Any] | None = None,
    reference: float = 4e-4,
    count: int = 3,
    **changed: str,
) -> tuple[Any, dict[str, Any], list[Record]]:
    """Plan, environment and records of that run. changed: fields of all its records."""
    seen = {REFERENCE: reference, TWIN: reference, **speeds}
    records = [
        each
        for one, speed in seen.items()
        for each in (
            rounds(one, speed, count, salt=[number])
            if speed
            else rounds(one, None, 1, status="failed", reason="out of luck")
        )
    ]
    name, started = f"run-{number:03d}", f"2026-05-{1 + number // 24:02d}T{number % 24:02d}:00:00+00:00"
    fields: dict[str, Any] = {"run": name, "started": started, **changed}
    return (
        plan(race(*speeds)).named(name),
        ENVIRONMENT if environment is None else environment,
        [replace(record, **fields) for record in records],
    )


def only(runs: Sequence[PastRun]) -> History:
    """The one history of runs of one machine, of which none is left out."""
    found = histories(runs)
    assert found.complaints == ()
    (history,) = found.histories
    return history


def of(history: History, arm: Arm) -> Trend:
    """The trend of an arm."""
    return next(trend for trend in history.trends if trend.key == arm.key)


@pytest.mark.parametrize("count", [10, 20, 50])
@pytest.mark.parametrize(("understated", "most"), [(1, 0.01), (3, 0.02)])
def test_what_never_changes_is_seldom_said_to(count: int, understated: float, most: float) -> None:
    """Of 600 constant series at most 1 % has a change; 2 % when the intervals state a third of the real noise."""
    generator = np.random.default_rng(count)
    found = [levels_of(measured(generator, [0.0] * count, 0.01, understated), ONE) for _ in range(600)]
    assert np.mean([bool(each and each.changes) for each in found]) <= most


@pytest.mark.parametrize(("count", "at"), [(10, 5), (20, 10), (20, 18), (50, 25), (50, 10)])
def test_a_step_of_five_per_cent_is_found_where_it_is(count: int, at: int) -> None:
    """Under noise of 1 % it is found in at least 8 of 10 series, mostly at the right run, with its size."""
    generator = np.random.default_rng(count + at)
    truth = [math.log(1.05) if run >= at else 0.0 for run in range(count)]
    found = [levels_of(measured(generator, truth, 0.01), ONE) for _ in range(200)]
    changes = [each.changes for each in found if each and each.changes]
    assert len(changes) >= 160
    assert np.mean([mine[0][0] == at for mine in changes]) >= 0.9
    assert np.median([mine[0][1] for mine in changes]) == pytest.approx(1.05, abs=0.005)


def test_two_steps_are_two_changes() -> None:
    """Up by 20 % and down again: three levels."""
    truth = [math.log(1.2) if 8 <= run < 16 else 0.0 for run in range(24)]
    found = levels_of(measured(np.random.default_rng(1), truth, 0.01), ONE)
    assert found
    assert found.starts == (0, 8, 16)
    assert found.values == pytest.approx((1, 1.2, 1), rel=0.02)
    assert (found.at(3), found.at(8), found.at(99)) == (found.values[0], found.values[1], None)


def test_one_run_that_is_off_is_no_change() -> None:
    """A run 30 % slower than all others leaves one level; so does a slow last run."""
    for odd in (7, 19):
        truth = [math.log(1.3) if run == odd else 0.0 for run in range(20)]
        found = levels_of(measured(np.random.default_rng(2), truth, 0.01), ONE)
        assert found
        assert found.changes == []


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_runs_say_how_many_more_they_want(count: int) -> None:
    """Below five runs there is one level, and the number of runs still needed."""
    found = levels_of(measured(np.random.default_rng(3), [float(run) for run in range(count)], 0.01), ONE)
    assert found
    assert (found.wanted, found.changes) == (LEAST_RUNS - count, [])
    assert levels_of({}, ONE) is None


def test_runs_of_a_single_round_do_not_count() -> None:
    """Runs without an interval make a level where there are no others, and never a change."""
    single = {at: Estimate(1.0 + (at > 5), None, None, 1) for at in range(12)}
    found = levels_of(single, ONE)
    assert found == Levels(tuple(range(12)), (0,), (pytest.approx(2**0.5, rel=0.01),), LEAST_RUNS)  # type: ignore[arg-type]


def test_the_arm_that_changed_comes_first_and_since_its_run() -> None:
    """One arm becomes 10 % slower at the seventh of twelve runs: that arm, that run, and no other."""
    runs = [past(n, {C: 1e-5, MANUAL: 2e-4 * (1.1 if n >= 7 else 1)}) for n in range(12)]
    history = only(runs[::-1])
    assert [run.name for run in history.runs] == [f"run-{n:03d}" for n in range(12)]
    assert history.trends[0].key == MANUAL.key
    assert history.trends[0].ratio
    ((at, factor),) = history.trends[0].ratio.changes
    assert at == 7
    assert factor == pytest.approx(1.1, rel=0.01)
    ratio = of(history, C).ratio
    assert ratio
    assert ratio.changes == []


def test_a_slower_machine_is_no_change_of_a_ratio() -> None:
    """When everything takes twice as long, the reference changes by the clock, and no ratio does."""
    runs = [past(n, {C: 1e-5 * (1 + (n >= 7))}, reference=4e-4 * (1 + (n >= 7))) for n in range(14)]
    history = only(runs)
    ratio, told = of(history, C).ratio, of(history, REFERENCE).levels
    assert ratio
    assert told
    assert ratio.changes == []
    assert [at for at, _ in told.changes] == [7]


def test_failures_keep_their_place() -> None:
    """A run in which the arm failed has a point with its status and reason, and no value."""
    runs = [past(n, {C: None if n in (2, 3) else 1e-5}) for n in range(8)]
    trend = of(only(runs), C)
    statuses = [point.status for point in trend.points if point]
    assert statuses == ["ok", "ok", "failed", "failed", "ok", "ok", "ok", "ok"]
    assert trend.ratio
    assert trend.ratio.runs == (0, 1, 4, 5, 6, 7)
    assert trend.ratio.changes == []


def test_what_never_ran_has_no_level() -> None:
    """An arm that failed in every run is listed without a level."""
    trend = of(only([past(n, {C: None}) for n in range(6)]), C)
    assert (trend.ratio, trend.seconds, trend.last.reason) == (None, None, "out of luck")


def test_other_data_begin_another_quantity() -> None:
    """Runs on other data than the latest's are shown and do not count for the level."""
    runs = [past(n, {C: 1e-5 if n >= 4 else 3e-5}, digest="b" if n >= 4 else "a") for n in range(10)]
    trend = of(only(runs), C)
    assert trend.ratio
    assert (trend.ratio.runs, trend.ratio.changes) == (tuple(range(4, 10)), [])
    assert all(trend.points)


def test_machines_have_histories_of_their_own() -> None:
    """Runs of two machines are two histories, that of the latest run first; a run without a machine is a complaint."""
    elsewhere = ENVIRONMENT | {"machine": ENVIRONMENT["machine"] | {"processor": "Another 1"}}
    runs = [past(n, {C: 1e-5}, environment=elsewhere if n % 2 else None) for n in range(5)]
    found = histories([*runs, past(9, {C: 1e-5}, environment={})])
    assert [(history.machine.partition(",")[0], len(history.runs)) for history in found.histories] == [
        ("Made-up 9000", 3),
        ("Another 1", 2),
    ]
    assert found.complaints == ("run-009 does not say on what machine it ran, so it belongs to no history.",)


def test_a_run_counts_once() -> None:
    """A copy of a run, and a run that was stopped at once, are left out with a complaint."""
    this, environment, _ = made(2, {C: 1e-5})
    found = histories([past(1, {C: 1e-5}), past(1, {C: 1e-5}), past_run(Path(), this, environment, [])])
    assert len(found.histories[0].runs) == 1
    assert len(found.complaints) == 2
    assert "run-001 was found twice" in "".join(found.complaints)
    assert "run-002 has no record" in "".join(found.complaints)


def stored(results: Path, number: int) -> Store:
    """A run in a folder."""
    this, environment, records = made(number, {C: 1e-5})
    store = Store(results / this.run)
    store.write_plan(this, environment)
    store.write_round(this.races[0], 1, [record for record in records if record.round == 1])
    return store


def test_a_folder_of_runs_is_read_and_what_is_spoiled_is_named(tmp_path: Path) -> None:
    """An unreadable plan leaves out its run, an unreadable record only itself."""
    for number in range(4):
        stored(tmp_path, number)
    (tmp_path / "run-001" / "plan.json").write_text("{", encoding="utf-8")
    spoiled = next((tmp_path / "run-002" / "records").rglob("*linear-c*.json"))
    spoiled.write_text("[]", encoding="utf-8")
    (tmp_path / "figures").mkdir()
    found = read(tmp_path)
    assert [run.name for run in found.histories[0].runs] == ["run-000", "run-002", "run-003"]
    assert [point.status if point else "" for point in of(found.histories[0], C).points] == ["ok", "interrupted", "ok"]
    assert len(found.complaints) == 2
    assert "run-001/plan.json is cut short" in "".join(found.complaints)
    assert str(spoiled) in "".join(found.complaints)


def test_runs_of_the_first_format_belong_to_it(tmp_path: Path) -> None:
    """A run of an older format has its place in a history."""
    store = stored(tmp_path, 0)
    plan_ = store.plan()
    (store.path / "plan.json").write_bytes(pretty(replace(plan_, format=1)))
    assert len(read(tmp_path).histories[0].runs) == 1


def test_an_empty_folder_is_refused_with_the_cure(tmp_path: Path) -> None:
    """A folder without a run is refused."""
    with pytest.raises(StoreError, match=r"There is no run in .* yet: `python -m bench run` makes one"):
        read(tmp_path)
