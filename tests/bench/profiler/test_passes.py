"""The two passes of an arm, with workers that answer from a script: what they are asked, in which order, and what is kept."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from bench import clock
from bench.messages.commands import BlockTimed, Prepared, Reset, TimeBlock
from bench.messages.probes import RecordSession, Repeat, Repeated, SummariseSessions, Summary
from bench.messages.protocol import Done
from bench.processes.worker_process import ArmFault
from bench.profiler import profile_run
from bench.profiler.passes import (
    FEWEST_LAPS,
    MOST_LAPS,
    SESSIONS,
    PassRun,
    ProfileDraft,
    _measure_energy,
    record_sessions,
    setting_for,
    time_together,
    unlike,
)
from bench.results.profile import Pass, Profile
from bench.results.record import Arm
from bench.results.statistics import Estimate
from bench.runner.block import MOST_ALGORITHMIC
from bench.runner.plan import Choice, make_plan
from bench.system.telemetry import Gauge, Idle, Reading
from impls.contract.setting import SettingError
from tests.reports.records import arm

PREPARED = Prepared(
    import_seconds=1.0, build_seconds=1.0, first_seconds=1.0, weights=(), work="faithful", fingerprint="", digest=""
)


class Answering:
    """Stands in for a worker: its updates take a given time, and it ends after a given number of answers."""

    def __init__(self, name: str, order: list[str], update: float, answers: int = 1000) -> None:
        self._name, self._order, self._update, self._left = name, order, update, answers
        self.warm_ups: list[int] = []
        self.killed = False

    def ask(self, command: Reset | TimeBlock) -> Done | BlockTimed:
        """What a worker would answer."""
        self._left -= 1
        if self._left < 0:
            raise ArmFault("crashed", "it was too much")
        if isinstance(command, Reset):
            return Done()
        if command.warm_up:
            self._order.append(self._name)
            self.warm_ups.append(command.warm_up)
        return BlockTimed(seconds=command.updates * self._update)

    def kill(self) -> None:
        """Ends."""
        self.killed = True


def draft_of(arm: Arm) -> ProfileDraft:
    """A profile with nothing in it."""
    return ProfileDraft(Profile(run="", arm=arm, status="ok"), Path())


def passes(order: list[str], *updates: float, answers: int = 1000) -> list[PassRun]:
    """A pass of an arm of its own for each of these times of an update; the last gives so many answers."""
    made = []
    for number, update in enumerate(updates):
        draft = draft_of(arm("linear/manual"))
        worker: Any = Answering(str(number), order, update, answers if number == len(updates) - 1 else 1000)
        made.append(PassRun(draft, "full", draft.profile.arm.setting, worker, prepared=PREPARED))
    return made


def test_passes_are_timed_in_turn() -> None:
    """Every lap samples all passes once, so that all meet the same machine; each keeps the time of its own blocks."""
    order: list[str] = []
    timed = passes(order, 1e-4, 2e-4, 3e-4)
    time_together(timed, random.Random(1), 0.0)
    laps = [order[first : first + 3] for first in range(3, len(order), 3)]  # the first of each is not recorded
    assert len(laps) >= 20
    assert all(["0", "1", "2"] == sorted(lap) for lap in laps)
    assert len({tuple(lap) for lap in laps}) > 1
    assert [one.timed.seconds for one in timed] == pytest.approx([1e-4, 2e-4, 3e-4])


def test_a_block_follows_updates_that_are_not_timed() -> None:
    """Untimed updates take about a millisecond, as in a race, and are at least one."""
    timed = passes([], 1e-4, 1.0)
    time_together(timed, random.Random(1), 0.0)
    assert [{10}, {1}] == [set(one.worker.warm_ups) for one in timed]  # type: ignore[attr-defined]


def test_a_slow_arm_makes_few_blocks() -> None:
    """Where blocks take long, the fewest are enough; the others have their laps without it."""
    quick, slow = passes([], 1e-5, 1.0)
    time_together([quick, slow], random.Random(1), 0.0)
    assert len(quick.blocks) >= 20
    assert FEWEST_LAPS == len(slow.blocks)


def test_short_blocks_are_many_and_never_alone() -> None:
    """An algorithmic arm makes a block in no time: it gets the most laps, with blocks of the others between."""
    long, short = passes([], 1e-5, 1e-9)
    short.prepared = structs.replace(PREPARED, work="algorithmic")
    time_together([long, short], random.Random(1), 0.0)
    assert [MOST_LAPS, MOST_LAPS] == [len(one.blocks) for one in (long, short)]
    assert short.block.updates == MOST_ALGORITHMIC


def test_a_process_that_is_drawn_anew_is_timed_in_company() -> None:
    """It starts anew, and those that were timed before make blocks beside it, so that caches are as in a race."""
    order: list[str] = []
    old, fresh = passes(order, 1e-4, 2e-4)
    time_together([old], random.Random(1), 0.0)
    before = len(old.blocks)
    order.clear()
    time_together([old, fresh], random.Random(1), 0.0)
    assert order[0] == "1"  # only the fresh one has a lap that is not recorded
    assert len(old.blocks) - before == len(fresh.blocks) >= 20
    assert fresh.timed.seconds == pytest.approx(2e-4)


def test_a_process_is_like_those_that_were_raced_or_not() -> None:
    """It is like them within a twentieth of their interval; without an interval, or with next to no data, nothing is said."""
    (one,) = passes([], 1e-4)
    time_together([one], random.Random(1), 0.0)
    strange_at = {
        value: unlike(one, Estimate(value, 0.98 * value, 1.02 * value, 3))
        for value in (0.9e-4, 0.95e-4, 1.06e-4, 1.1e-4)
    }
    assert list(strange_at.values()) == [True, False, False, True]
    assert not unlike(one, None)
    one.name = "tiny"
    assert not unlike(one, Estimate(1.0, 0.9, 1.1, 3))


def test_a_strange_process_is_drawn_anew_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raced at 100 µs: processes at 130 and 80 are replaced, one at 101 is kept as the third. Others stay."""
    strange, usual = passes([], 1.3e-4, 1e-4)
    first, speeds = strange.worker, iter([0.8e-4, 1.01e-4])

    def started(*_: Any) -> Iterator[PassRun]:
        (fresh,) = passes([], next(speeds))
        yield replace(fresh, draft=strange.draft)

    arms = [one.draft.profile.arm for one in (strange, usual)]
    bench: Any = SimpleNamespace(
        store=SimpleNamespace(records=lambda: ([], [])), race=SimpleNamespace(arms=arms), pause=0.0
    )
    monkeypatch.setattr(profile_run, "_started", started)
    monkeypatch.setattr(profile_run, "seconds_per_update", lambda _: Estimate(1e-4, 0.98e-4, 1.02e-4, 3))
    running = [strange, usual]
    time_together(running, random.Random(1), 0.0)
    steps = list(profile_run._drawn_anew(bench, ExitStack(), running, random.Random(1)))
    assert len(steps) == 2
    assert (strange.draft.profile.drawn, usual.draft.profile.drawn) == (3, 1)
    assert strange.draft.profile.full is not None
    assert strange.draft.profile.full.seconds == pytest.approx(1.01e-4)
    assert first.killed  # type: ignore[attr-defined]
    assert running[0] is usual


@pytest.mark.parametrize("answers", [0, 1, 20])
def test_what_dies_while_it_is_timed_ends_alone(answers: int) -> None:
    """Its profile says how it ended, and the others have all their laps."""
    timed = passes([], 1e-5, 1e-5, answers=answers)
    time_together(timed, random.Random(1), 0.0)
    alive, dead = timed
    assert (True, False) == (alive.live, dead.live)
    assert ("ok", "crashed", "it was too much") == (
        alive.draft.profile.status,
        dead.draft.profile.status,
        dead.draft.profile.reason,
    )
    assert len(alive.blocks) >= 20
    assert dead.draft.profile.full is None
    assert dead.worker.killed  # type: ignore[attr-defined]


def test_sessions_of_the_profiler_take_turns() -> None:
    """Each lap has one session of every pass; they are read after the last, since only one is chosen."""
    asked: list[tuple[object, str]] = []

    class Noting:
        """A worker that says how long its updates take under the profiler."""

        def __init__(self, name: str) -> None:
            self._name = name

        def ask(self, command: RecordSession | SummariseSessions) -> Done | Summary:
            """What the profiler saw."""
            asked.append((command, self._name))
            if isinstance(command, RecordSession):
                return Done()
            return Summary(profiled=2e-4, outside=1e-5, events=3.0, device=None, operations=())

    timed = passes([], 1e-4, 1e-4)
    for name, one in enumerate(timed):
        worker: Any = Noting(str(name))
        one.worker = worker
        one.draft.keep(full=Pass(rows=1, batch=1, seconds=1e-4))
    record_sessions(timed, random.Random(1), 0.0)
    expected = [RecordSession(seconds=1e-4)] * 2 * SESSIONS + [SummariseSessions()] * 2
    assert [command for command, _ in asked] == expected
    assert all({name for _, name in asked[2 * lap : 2 * lap + 2]} == {"0", "1"} for lap in range(SESSIONS + 1))
    assert [(one.timed.seconds, one.timed.profiled) for one in timed] == [(1e-4, 2e-4)] * 2


def test_a_hanging_arm_is_not_tried_again() -> None:
    """Its second pass is ended without being asked, and the profile tells of the first."""
    (full,) = passes([], 1e-5)
    tiny = PassRun(full.draft, "tiny", full.setting, full.worker)

    def hang(_: PassRun) -> None:
        raise ArmFault("timeout", "it took too long")

    worker: Any = Answering("tiny", [], 1e-5)
    tiny.worker = worker
    full.attempt(hang)
    tiny.attempt(lambda _: pytest.fail("it was tried again"))
    assert worker.killed  # it may spin, beside others that are timed
    assert (False, "timeout", {}) == (tiny.live, full.draft.profile.status, full.draft.profile.reasons)


def test_the_end_of_the_second_pass_is_no_end_of_the_arm() -> None:
    """The profile lacks that pass, and says why."""
    (full,) = passes([], 1e-5)
    tiny = PassRun(full.draft, "tiny", full.setting, full.worker)

    def die(_: PassRun) -> None:
        raise ArmFault("failed", "too few rows")

    tiny.attempt(die)
    assert ("ok", {"tiny": "too few rows"}) == (full.draft.profile.status, full.draft.profile.reasons)


class Drawing:
    """A device that draws 50 W, and 250 W more while its arm works; its counter moves every so many seconds."""

    device = "scripted"

    def __init__(self, step: float, monkeypatch: pytest.MonkeyPatch, *, counts: bool = True) -> None:
        self.time = self.joules = 0.0
        self._step, self._counts, self._told = step, counts, (0.0, 0.0)
        monkeypatch.setattr(clock, "now", lambda: self.time)

    def ask(self, command: Repeat) -> Repeated:
        """Works for so long, in steps of a millisecond, an update each."""
        for _ in range(round(command.seconds / 1e-3)):
            self.time, self.joules = self.time + 1e-3, self.joules + 0.3
            if self.time - self._told[0] >= self._step:
                self._told = (self.time, self.joules)
        return Repeated(seconds=1e-3, updates=command.updates * round(command.seconds / 1e-3))

    def read(self) -> Reading:
        """As of the counter's last move."""
        return Reading(at=self.time, joules=self._told[1] if self._counts else None)


def metered(step: float, monkeypatch: pytest.MonkeyPatch, *, counts: bool = True, known: bool = True) -> Profile:
    """The profile of an arm on such a device, after its energy has been measured."""
    plan = make_plan(Choice(), command="")
    device: Any = Drawing(step, monkeypatch, counts=counts)
    draft = draft_of(plan.races[0].reference)
    one = PassRun(draft, "full", draft.profile.arm.setting, device)
    _measure_energy(one, Gauge(device, Idle(50.0, step if known else None)))
    return draft.profile


@pytest.mark.parametrize("step", [0.001, 0.02, 0.1])
def test_the_energy_of_an_update_is_within_its_resolution(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """An update takes 250 mJ above idle, whatever the step of the counter; a finer step gives a finer resolution."""
    energy = metered(step, monkeypatch).energy
    assert energy is not None
    assert abs(energy.joules - 0.25) <= 1.01 * energy.resolution
    assert energy.resolution == pytest.approx(0.3 * step / energy.seconds, rel=0.1)
    assert 0.99 <= energy.seconds <= 2.01
    assert ("scripted", 50.0) == (energy.device, energy.idle_watts)


def test_a_device_without_a_counter_has_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reason is given then; one is given for a counter that moves too rarely."""
    silent = metered(0.02, monkeypatch, counts=False)
    assert (None, {}) == (silent.energy, silent.reasons)
    for profile in (metered(1.5, monkeypatch), metered(0.1, monkeypatch, known=False)):
        assert profile.energy is None
        assert "moves too rarely" in profile.reasons["energy"]


@pytest.mark.parametrize(("batch", "rows", "smaller"), [("full", 2, "full"), (256, 4, 2), (1, 4, 1)])
def test_next_to_no_data_is_two_rows(batch: int | str, rows: int, smaller: int | str) -> None:
    """A full batch of two rows, mini-batches of two, single samples of four."""
    (race,) = make_plan(Choice().at(batch=batch), command="").races
    setting = setting_for("tiny", race.reference)
    assert (setting.rows, setting.batch) == (rows, smaller)


def test_a_workload_of_one_size_cannot_shrink() -> None:
    """The reason is the workload's own sentence."""
    (race,) = make_plan(Choice(workload=("linear/five",)), command="").races
    with pytest.raises(SettingError, match="5 fixed points"):
        setting_for("tiny", race.reference)
