"""The rules of other gates, on made-up data whose true change is known and beside the real tools where these are installed."""

import json
import math
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from bench.results.gate import ROLES, Role
from bench.results.scores.gate import Answer
from bench.selfbench import other_gates
from bench.selfbench.other_gates import OTHER_GATES, ProcessRun


def turns(role: Role, *blocks: Sequence[float]) -> list[ProcessRun]:
    """One process after the other, each with its blocks."""
    return [ProcessRun(role=role, began=0.0, seconds=1.0, blocks=tuple(each)) for each in blocks]


def both(base: Sequence[float], head: Sequence[float]) -> tuple[list[ProcessRun], list[ProcessRun]]:
    """One process of each side."""
    return turns("base", base), turns("head", head)


def noisy(seed: int, center: float = 1.0, spread: float = 0.02, count: int = 30) -> list[float]:
    """Times scattered about a center, by the logarithm."""
    noise = random.Random(seed)
    return [center * noise.lognormvariate(0, spread) for _ in range(count)]


@pytest.mark.parametrize(
    ("expression", "base", "head", "said"),
    [
        ("mean:10%", [1.0, 3.0], [1.0, 3.3], "passed"),
        ("mean:10%", [1.0, 3.0], [1.2, 3.3], "slower"),
        ("mean:10%", [1.0, 3.0], [0.5, 0.5], "passed"),
        ("min:5%", [1.0, 3.0], [1.04, 9.0], "passed"),
        ("min:5%", [1.0, 3.0], [1.06, 1.07], "slower"),
    ],
)
def test_pytest_benchmark_compares_one_statistic(
    expression: str, base: list[float], head: list[float], said: Answer
) -> None:
    """A threshold on mean or min; what is faster passes."""
    assert other_gates.compare_fail(expression, *both(base, head)) == said


MADE_UP = """
import json, os
import pytest

class Clock:
    seconds = 0.0

def made_up():
    return Clock.seconds

@pytest.mark.benchmark(timer=made_up)
def test_arm(benchmark):
    times = iter(json.loads(os.environ["TIMES"]))
    def reset():
        Clock.seconds = 0.0
    def visit():
        Clock.seconds += next(times)
    benchmark.pedantic(visit, setup=reset, rounds=20, iterations=1)
"""


def test_pytest_benchmark_itself_decides_so(tmp_path: Path) -> None:
    """The command fails on exactly the heads that the rule calls slower, files and all."""
    (tmp_path / "test_made_up.py").write_text(MADE_UP, encoding="utf-8")
    base = noisy(1, count=20)

    def fails(times: list[float], *arguments: str) -> bool:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir=."]
        done = subprocess.run(
            [*command, *arguments, "test_made_up.py"],
            cwd=tmp_path,
            env={"TIMES": json.dumps(times), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "[100%]" in done.stdout, done.stdout + done.stderr
        regressed = "Performance has regressed" in done.stderr
        assert regressed == (done.returncode != 0), done.stderr
        return regressed

    assert not fails(base, "--benchmark-save=base")
    for factor, said in ((1.095, "passed"), (1.105, "slower")):
        head = [factor * each for each in base]
        failed = fails(head, "--benchmark-compare=0001", "--benchmark-compare-fail=mean:10%")
        assert ("slower" if failed else "passed") == said == other_gates.compare_fail("mean:10%", *both(base, head))


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        (noisy(1), noisy(2, 1.15), "slower"),
        (noisy(1), noisy(2, 1.05), "passed"),  # significant, and less than the factor
        (noisy(1), noisy(2, 0.85), "faster"),
        (noisy(1, spread=1.0), noisy(4, 1.3, spread=1.0), "passed"),  # more than the factor, and not significant
        ([1.0, 1.1, 1.2], [3.0, 3.1, 3.2], "passed"),  # three samples cannot reach the threshold
        (noisy(1, count=10), noisy(2, 1.15, count=10), "slower"),
    ],
)
def test_asv_wants_both_the_factor_and_the_test(base: list[float], head: list[float], said: Answer) -> None:
    """Either of them alone passes."""
    assert other_gates.asv(*both(base, head)) == said


def test_asv_has_the_p_value_of_its_own_formula() -> None:
    """The normal one without corrections: 2 Phi(z), z = (min(U, mn - U) - mn / 2) / sqrt(mn (m + n + 1) / 12)."""
    said = []
    for seed in range(600):
        base, head = noisy(seed, spread=0.5, count=22), noisy(5000 + seed, 1.6, spread=0.5, count=22)
        u, every = sum(x > y for x in base for y in head), len(base) * len(head)
        z = (min(u, every - u) - every / 2) / math.sqrt(every * (len(base) + len(head) + 1) / 12)
        differs = math.erfc(-z / math.sqrt(2)) < 0.002 and median(head) > 1.1 * median(base)
        assert other_gates.asv(*both(base, head)) == ("slower" if differs else "passed")
        said.append(differs)
    assert 100 < sum(said) < 500


def test_pyperf_itself_decides_so(tmp_path: Path) -> None:
    """`compare_to` hides exactly the benchmarks that the rule passes, and calls the others slower or faster as it does."""
    pyperf = pytest.importorskip("pyperf", reason="pyperf is not installed: pip install -e .[consumers]")
    sides: dict[Role, list[list[ProcessRun]]] = {"base": [], "head": []}
    centers: dict[Role, list[float]] = {"base": [1e-3] * 12, "head": [0.97e-3] * 4 + [1.015e-3] * 8}
    for role in ROLES:
        suite = []
        for number, center in enumerate(centers[role]):
            values = [noisy(100 * number + process + 7 * (role == "head"), center, count=3) for process in range(6)]
            sides[role].append(turns(role, *values))
            metadata = {"name": f"b{number}.", "loops": 1}
            runs = [pyperf.Run(each, metadata=metadata, collect_metadata=False) for each in values]
            suite.append(pyperf.Benchmark(runs))
        pyperf.BenchmarkSuite(suite).dump(str(tmp_path / f"{role}.json"))
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", "compare_to", "base.json", "head.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = {line.partition(":")[0]: line for line in done.stdout.splitlines()}
    ours = [other_gates.pyperf(*pair) for pair in zip(sides["base"], sides["head"], strict=True)]
    theirs = [
        next((word for word in ("slower", "faster") if word in lines.get(f"b{number}.", "")), "passed")
        for number in range(12)
    ]
    assert ours == theirs
    assert {"slower", "faster", "passed"} == set(ours)


def test_pyperf_is_not_asked_about_unequal_numbers() -> None:
    """Of a side with a process more, the last is left out: the same data twice differ in nothing."""
    values = [noisy(seed, count=3) for seed in range(5)]
    longer = [*values, [9.0, 9.0, 9.0]]
    assert other_gates.pyperf(turns("base", *values), turns("head", *longer)) == "passed"


@pytest.mark.parametrize(
    ("threshold", "factor", "said"), [(1.1, 1.09, "passed"), (1.1, 1.11, "slower"), (2.0, 1.9, "passed")]
)
def test_a_stored_baseline_is_a_threshold_on_the_mean(threshold: float, factor: float, said: Answer) -> None:
    """Of all blocks."""
    base = noisy(1)
    assert other_gates.alert(threshold, *both(base, [factor * each for each in base])) == said


@pytest.mark.parametrize("gate", OTHER_GATES, ids=lambda gate: gate.name)
def test_no_gate_tells_a_side_from_itself(gate: other_gates.OtherGate) -> None:
    """On equal data all pass, and three times slower all see."""
    values = [noisy(seed, count=12) for seed in range(4)]
    thrice = [[3 * each for each in every] for every in values]
    assert gate.decide(turns("base", *values), turns("head", *values)) == "passed"
    assert gate.decide(turns("base", *values), turns("head", *thrice)) == "slower"
