"""Profiles of planted arms whose costs are known, and of arms that cannot be profiled; with real processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from bench.profiler.py_spy import REFUSED
from bench.results.profile import COUNTERS, Machine, Pass, Profile
from bench.results.record import Arm
from bench.results.store import Store
from bench.runner.plan import Choice, make_plan
from tests.bench.planted import COMPILED, PROFILED, SLEEP
from tests.conftest import Checkout

ROWS = 1000
DOMAIN = '    domain = Domain(modes={"eager": "quick", "compile": "quick"})\n'

SCRIPT = """
import sys
from pathlib import Path
from bench.runner.plan import Choice, make_plan
from bench.profiler import passes
from bench.profiler.profile_run import profile
from bench.results.store import Store

names, mode, limit = sys.argv[1].split(","), sys.argv[2], float(sys.argv[3])
# how precise the times are is no matter here
passes.MOST_LAPS, passes.SESSIONS, passes.SAMPLED_SECONDS = int(sys.argv[4]), 3, 1.0
choice = Choice(
    implementation=tuple(f"linear/{name}" for name in names), limit=limit, effort="quick",
    reference=f"linear/{names[0]}", setting={"mode": (mode,), "rows": (ROWS,), "watch": ("none", "loss")},
)
store = Store.create(Path("results"))
plan = make_plan(choice, command="", run=store.path.name)
store.write_plan(plan, {})
for progress in profile(plan, store):
    print(progress.doing, 0 <= progress.elapsed <= progress.expected)
print(store.path)
""".replace("ROWS", str(ROWS))

Make = Callable[[Mapping[str, str]], Checkout]


@dataclass(frozen=True)
class Profiling:
    """What a profiling of planted arms left: profiles by implementation, the store, and its progress lines."""

    profiles: dict[str, Profile]
    store: Store
    progress: list[str]

    def counter(self, name: str, counter: str) -> float:
        """A counter of a planted arm."""
        return self.profiles[name].counters[counter]


def profiled(checkout: Checkout, names: Mapping[str, str], mode: str, limit: float, laps: int) -> Profiling:
    """Profiles planted arms in a checkout, with at most so many laps."""
    (checkout.path / "conduct.py").write_text(SCRIPT, encoding="utf-8")
    done = checkout.forks.run(checkout.path, "conduct", ",".join(names), mode, str(limit), str(laps), timeout=500)
    assert done.returncode == 0, done.stderr
    *progress, path = done.stdout.splitlines()
    store = Store(checkout.path / path)
    (race,) = store.plan().races
    profiles = {profile.arm.implementation.removeprefix("linear/"): profile for profile in store.profiles(race)[0]}
    return Profiling(profiles, store, progress)


@pytest.fixture(scope="module")
def eager(checkout: Make) -> Profiling:
    """A profiling of eager arms, some of which break."""
    place = checkout({f"linear/{name}.py": source for name, source in PROFILED.items()})
    return profiled(place, PROFILED, "eager", 12, 6)


@pytest.fixture(scope="module")
def compiled(checkout: Make) -> Profiling:
    """A profiling of arms with something to compile."""
    sources = {
        name: source.replace("import Implementation", "import Domain, Implementation").replace(
            "class Planted(Implementation):\n", f"class Planted(Implementation):\n{DOMAIN}"
        )
        for name, source in COMPILED.items()
    }
    return profiled(checkout({f"linear/{n}.py": source for n, source in sources.items()}), COMPILED, "compile", 300, 24)


def full(profiling: Profiling, name: str) -> Pass:
    """The first pass of a planted arm."""
    one = profiling.profiles[name].full
    assert one is not None
    return one


def sampled(profiling: Profiling, name: str) -> Profile:
    """The profile of an arm that py-spy could look at; skips the test where the kernel does not let it."""
    profile = profiling.profiles[name]
    if profile.reasons.get("py-spy") == REFUSED:
        pytest.skip(REFUSED)
    return profile


def seconds(one: Pass, part: str = "") -> float:
    """Of all operations of a pass, or those of a part."""
    return sum(operation.seconds for operation in one.operations if part in ("", operation.part))


def test_every_arm_has_one_profile(eager: Profiling) -> None:
    """All arms have one, whatever became of them, except the twin, which is a copy, and watched arms."""
    assert set(eager.profiles) == set(PROFILED)
    assert {profile.arm.role for profile in eager.profiles.values()} <= {"reference", "arm"}
    assert {profile.arm.setting.watch for profile in eager.profiles.values()} == {"none"}


def test_an_arm_that_nothing_is_wrong_with_has_everything(eager: Profiling) -> None:
    """Both passes with operations, counters by known names, samples, memory, and files."""
    profile = sampled(eager, "right")
    assert (profile.status, profile.reason, profile.reasons) == ("ok", "", {})
    assert profile.full is not None
    assert profile.tiny is not None
    assert (profile.full.rows, profile.tiny.rows) == (ROWS, 2)
    assert all(one.seconds > 0 and one.operations and one.profiled for one in (profile.full, profile.tiny))
    exact = {"operations", "host_reads", "allocations", "allocated_bytes", "peak_bytes", "python_calls"}
    assert exact == set(profile.counters) <= set(COUNTERS)
    assert profile.conditions["dtype"] == "float32"
    assert (profile.peak_resident_bytes or 0) > 50e6
    assert profile.slowdown is not None
    assert all(stack.startswith("Planted.advance (impls/linear/right.py") for stack in profile.stacks)
    (race,) = eager.store.plan().races
    folder = eager.store.profiled(race, profile.arm.slug)
    assert {path.name for path in folder.iterdir()} == {*profile.artifacts, "profile.json"}
    assert set(profile.artifacts) == {"trace.json.gz", "stacks.folded", "stacks.speedscope.json", "flame.svg"}


def test_a_planted_sleep_is_found_outside_of_operations(eager: Profiling) -> None:
    """Time in which the host sleeps is in no operation, and does not shrink with the data."""
    slept, right = full(eager, "sleeps"), full(eager, "right")
    assert slept.seconds >= SLEEP
    assert (slept.outside or 0) >= SLEEP
    assert seconds(slept) < SLEEP
    assert slept.events == right.events
    tiny = eager.profiles["sleeps"].tiny
    assert tiny is not None
    assert (tiny.outside or 0) >= SLEEP  # and it does not shrink with the data


def test_a_planted_operation_is_counted(eager: Profiling) -> None:
    """Exactly one more operation, with memory for its result, and no more calls of Python functions."""
    more = {
        name: eager.counter("adds", name) - eager.counter("right", name) for name in eager.profiles["right"].counters
    }
    expected = {"operations": 1, "allocations": 1, "allocated_bytes": 4 * ROWS, "python_calls": 0, "host_reads": 0}
    assert expected.items() <= more.items()
    assert "aten::neg" in {operation.name for operation in full(eager, "adds").operations}


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("dies", "crashed", "exited with status 5 during profiling (counters)"),
        ("raises", "failed", "ZeroDivisionError"),
        ("hangs", "timeout", "profiling (counters) took longer than 12 s"),
        ("dies_at_once", "crashed", "exited with status 6 during first update"),
        ("refuses", "unsupported", "only on Sundays"),
    ],
)
def test_an_arm_that_ends_while_profiled_says_how(eager: Profiling, name: str, status: str, reason: str) -> None:
    """Its profile keeps what was found before, and the reason why there is no more."""
    profile = eager.profiles[name]
    assert profile.status == status
    assert reason in profile.reason
    assert (profile.full is not None) == (name in ("dies", "raises", "hangs"))
    assert full(eager, "right").operations  # and the others went on


def test_an_arm_that_cannot_shrink_says_so(eager: Profiling) -> None:
    """An arm that fails with next to no data lacks that pass alone."""
    profile = eager.profiles["needs_rows"]
    assert (profile.status, profile.tiny) == ("ok", None)
    assert "too few rows" in profile.reasons["tiny"]
    assert profile.full is not None
    assert profile.full.operations


def test_an_arm_too_short_to_sample_says_so(eager: Profiling) -> None:
    """The profile says why py-spy has no samples, and has everything else."""
    profile = sampled(eager, "does_nothing")
    assert profile.status == "ok"
    assert "too short" in profile.reasons["py-spy"]
    assert (profile.stacks, profile.slowdown) == ({}, None)
    assert profile.counters["operations"] == 0


def test_progress_is_told_and_ends(eager: Profiling) -> None:
    """Each step has a sentence, and the expected time is never less than the time so far."""
    assert all(line.endswith(" True") for line in eager.progress)
    assert any("linear/right" in line for line in eager.progress)


def test_the_machine_is_measured_with_the_race(eager: Profiling) -> None:
    """The bandwidth is measured over as much data as the race has."""
    (race,) = eager.store.plan().races
    machine, _ = eager.store.machine(race)
    assert machine is not None
    assert machine.working_set == 2 * 4 * ROWS
    assert machine.read_bandwidth > 1e8


def test_profiles_leave_no_caches_and_are_small(eager: Profiling) -> None:
    """Only the files that profiles name are kept, in less than 200 kB for each arm."""
    assert not (eager.store.path / "cache").exists()
    size = sum(path.stat().st_size for path in (eager.store.path / "profiles").rglob("*") if path.is_file())
    assert size < 200_000 * len(PROFILED)


def test_a_graph_break_is_counted_and_explained(compiled: Profiling) -> None:
    """There is one break, with the compiler's own reason."""
    profile = compiled.profiles["breaks_the_graph"]
    assert profile.counters["graph_breaks"] == 1
    (reason,) = profile.breaks
    assert "graph_break" in reason
    assert compiled.counter("recompiles", "graph_breaks") == 0


def test_recompilations_are_counted(compiled: Profiling) -> None:
    """A function compiled for three numbers has been recompiled twice, and not while it was timed."""
    assert compiled.counter("recompiles", "graphs") == 3
    assert compiled.counter("recompiles", "recompiles") == 2
    assert compiled.counter("recompiles", "recompiles_in_blocks") == 0
    assert compiled.counter("breaks_the_graph", "recompiles") == 0


def test_a_compilation_in_the_timed_blocks_is_seen(compiled: Profiling) -> None:
    """An arm that compiles again after some hundred updates does so while blocks are timed."""
    assert compiled.counter("compiles_late", "recompiles_in_blocks") >= 1


def test_compiled_arms_have_all_facts(compiled: Profiling) -> None:
    """Kernels that were written, use of the compiler's cache, and only counters that have a description."""
    profile = compiled.profiles["recompiles"]
    assert set(profile.counters) <= set(COUNTERS)
    assert profile.counters["generated_kernels"] >= 3
    assert profile.counters["cache_hits"] + profile.counters["cache_misses"] == 3
    assert any(operation.part == "compiled" for operation in full(compiled, "recompiles").operations)


def test_a_store_keeps_profiles_and_machines(tmp_path: Path) -> None:
    """What was written is read again; a newer format or a broken file is named, and the rest is read."""
    (race,) = make_plan(Choice(), command="").races
    store = Store(tmp_path)
    assert (store.profiles(race), store.machine(race)) == (([], []), (None, []))
    profile = Profile(run="r", arm=race.reference, status="ok", full=Pass(rows=2, batch=2, seconds=1e-6))
    machine = Machine(read_bandwidth=1e9, operations=1e10, working_set=8)
    store.write_profile(race, profile)
    store.write_machine(race, machine)
    assert (store.profiles(race), store.machine(race)) == (([profile], []), (machine, []))
    other = msgspec.structs.replace(profile, arm=race.arms[-1])
    store.write_profile(race, other)
    path = store.profiled(race, race.reference.slug) / "profile.json"
    path.write_bytes(msgspec.json.encode(msgspec.to_builtins(profile) | {"format": 99}))
    profiling, (progress,) = store.profiles(race)
    assert profiling == [other]
    assert "newer looprace" in progress
    path.write_text("{")
    assert "cut short" in store.profiles(race)[1][0]
    (store.profiled(race) / "machine.json").write_text("{")
    machine_found, (progress,) = store.machine(race)
    assert machine_found is None
    assert "machine.json is cut short" in progress


def test_an_arm_of_a_profile_is_an_arm_of_its_race(eager: Profiling) -> None:
    """So reports find the profile of an arm by the arm."""
    arms: list[Arm] = [arm for race in eager.store.plan().races for arm in race.arms]
    assert all(profile.arm in arms for profile in eager.profiles.values())
