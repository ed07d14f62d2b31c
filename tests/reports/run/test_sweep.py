"""How arms grow over a sweep: fits and crossings of made-up costs, and what is missing stays missing."""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from rich.console import Console

from bench.cli.console import show
from bench.results.record import Record, Status
from bench.results.statistics import Estimate
from reports.run import markdown, terminal
from reports.run.report import report_of
from reports.run.sweep import Crossing, Point, Sweep, finding, fit_of, telling_crossings, unit_of_sweep
from tests.reports.records import TWIN, WRONG, arm, grown, plan, race, record, rounds
from tests.reports.steps import DIFFERENT, swept_step

SIZES = (100, 1_000, 10_000, 100_000)


def straight(fixed: float, each: float) -> Callable[[int], float]:
    """A cost of so much, and so much more for each row."""
    return lambda size: fixed + each * size


SGD, C = straight(1e-4, 1e-9), straight(1e-6, 1e-8)  # cross where 9e-9 rows are 9.9e-5: at 11 000
SPEEDS: Mapping[str, Callable[[int], float]] = {"linear/nn_sgd": SGD, "linear/c": C}


def growth(*others: Record, speeds: Mapping[str, Callable[[int], float]] = SPEEDS, **chosen: Any) -> Sweep:
    """The growth of a sweep of these costs."""
    found = grown(speeds, chosen.pop("sizes", SIZES), chosen.pop("swept", "rows"), *others, **chosen).sweep
    assert found is not None
    return found


def points(cost: Callable[[int], float], *sizes: int) -> list[Point]:
    """Exact points of a cost."""
    return [Point(size, Estimate(cost(size), None, None, 1)) for size in sizes]


def sizes(found: Sweep) -> dict[str, list[float]]:
    """The sizes at which each arm has a point."""
    return {course.name: [point.size for point in course.points] for course in found.courses}


@pytest.mark.parametrize(("fixed", "each"), [(1e-5, 2e-9), (3e-4, 0.0), (0.0, 4e-10), (1e-9, 1e-3), (2.0, 1e-12)])
def test_a_straight_line_is_found(fixed: float, each: float) -> None:
    """The fit of exact points of a + b n has that a and that b, however far apart they are, and nothing is left over."""
    fit = fit_of(points(straight(fixed, each), 1, 10, 1_000, 100_000))
    assert fit is not None
    assert fit.fixed == pytest.approx(fixed, rel=1e-6, abs=1e-15)
    assert fit.each == pytest.approx(each, rel=1e-6, abs=1e-20)
    assert fit.off < 1e-6


def test_small_sizes_count_as_much_as_large_ones() -> None:
    """Errors are relative: 10 % more at the largest size does not hide what the smallest sizes cost."""
    found = points(straight(1e-6, 1e-9), 10, 100, 1_000)
    fit = fit_of([*found, Point(1_000_000, Estimate(1.1e-3, None, None, 1))])
    assert fit is not None
    assert fit.fixed == pytest.approx(1e-6, rel=0.05)
    assert 0.01 < fit.off < 0.1


def test_no_part_of_a_fit_is_negative() -> None:
    """Times that fall with size give a fixed part alone, and say how poorly it fits."""
    fit = fit_of(points(lambda size: 1.0 / size, 1, 10, 100))
    assert fit is not None
    assert fit.each == 0
    assert fit.fixed > 0
    assert fit.off > 0.5


def test_a_cache_that_ends_is_said_by_the_fit() -> None:
    """Where rows cost twice as much beyond a size, the line is off by tens of per cent, and says so."""
    fit = fit_of(points(lambda size: 1e-6 + size * (1e-9 if size < 5_000 else 2e-9), 100, 1_000, 10_000, 100_000))
    assert fit is not None
    assert 0.1 < fit.off < 0.6


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_points_have_no_fit(count: int) -> None:
    """Any two points lie on a line, so a fit takes three."""
    assert fit_of(points(SGD, *SIZES[:count])) is None


def test_a_sweep_without_noise_has_known_costs() -> None:
    """From records to fit: an arm of 1 µs and 10 ns a row is found to be one."""
    found = {course.arm.implementation: course for course in growth().courses}
    fit = found["linear/c"].fit
    assert fit is not None
    assert fit.fixed == pytest.approx(1e-6, rel=0.1)
    assert fit.each == pytest.approx(1e-8, rel=0.05)


@pytest.mark.parametrize("swept", ["rows", "features", "batch"])
def test_a_crossing_is_found_where_it_is(swept: str) -> None:
    """Two arms that cost the same at 11 000 cross there: the interval holds it, between the sizes that were measured."""
    (crossing,) = growth(swept=swept).crossings
    assert (crossing.slower.arm.implementation, crossing.faster.arm.implementation) == ("linear/c", "linear/nn_sgd")
    assert 10_000 < crossing.low < 11_000 < crossing.high < 100_000
    assert crossing.low < crossing.size < crossing.high
    assert (crossing.below, crossing.above) == (10_000, 100_000)


def test_a_finer_sweep_finds_the_crossing_more_narrowly() -> None:
    """With sizes a factor 2 apart the interval still holds the crossing, and is at most 15 % wide."""
    (crossing,) = growth(sizes=(2_000, 4_000, 8_000, 16_000, 32_000)).crossings
    assert crossing.low < 11_000 < crossing.high
    assert crossing.high / crossing.low < 1.15


def test_arms_that_never_meet_have_no_crossing() -> None:
    """One arm that is faster at every size overtakes nobody."""
    assert growth(speeds={"linear/nn_sgd": SGD, "linear/c": lambda size: SGD(size) / 2}).crossings == ()


def test_equal_arms_have_no_crossing() -> None:
    """Arms that the races cannot tell apart do not change places."""
    assert growth(speeds={"linear/nn_sgd": SGD, "linear/manual": SGD, "linear/no_grad": SGD}).crossings == ()


def test_one_round_tells_no_crossing() -> None:
    """A single round gives no interval, so no winner is certain."""
    assert growth(count=1).crossings == ()


def test_classes_do_not_cross() -> None:
    """An algorithmic arm and a floor cross no faithful arm; two algorithmic arms cross one another."""
    speeds = {
        "linear/nn_sgd": straight(1e-5, 0),
        "linear/moments": C,
        "linear/closed_form": SGD,
        "linear/floor_read": C,
    }
    works: Any = {"linear/moments": "algorithmic", "linear/closed_form": "algorithmic", "linear/floor_read": "floor"}
    found = growth(speeds=speeds, works=works)
    (crossing,) = found.crossings
    assert {crossing.slower.work, crossing.faster.work} == {"algorithmic"}
    assert [course.work for course in found.courses] == ["faithful", "algorithmic", "algorithmic", "floor"]


def test_the_twin_and_watched_arms_are_left_out() -> None:
    """The twin is the reference once more, and a watched arm does other work: neither has a course."""
    drawn = [each for n in SIZES for each in rounds(arm("linear/c", rows=n, watch="draw"), 1e-3)]
    assert set(sizes(growth(*drawn))) == {"linear/nn_sgd cpu eager", "linear/c cpu eager"}


@pytest.mark.parametrize("status", ["failed", "unsupported", "wrong", "out_of_memory"])
def test_a_size_at_which_an_arm_failed_is_missing(status: Status) -> None:
    """An arm keeps the sizes at which it ran and was right, and is fitted and compared at those."""
    told = [each for n in SIZES[:3] for each in rounds(arm("linear/numpy", rows=n), 5e-5 + 1e-8 * n)]
    last = arm("linear/numpy", rows=SIZES[3])
    bad = record(last, 1, 1e-3 if status == "wrong" else None, status=status, reason="because", judgement=WRONG)
    found = growth(*told, bad)
    assert sizes(found)["linear/numpy cpu eager"] == list(SIZES[:3])
    assert next(c for c in found.courses if c.arm.implementation == "linear/numpy").fit is not None


def test_an_arm_that_never_ran_has_no_course() -> None:
    """An arm without a single time is in no table of a sweep; its reasons are told elsewhere."""
    told = [record(arm("linear/numpy", rows=n), 1, None, status="unsupported", reason="no") for n in SIZES]
    assert "linear/numpy cpu eager" not in sizes(growth(*told))


def test_a_missing_size_is_bridged() -> None:
    """Where an arm failed next to the crossing, it is found between the sizes that are left, and says which."""
    failed = record(arm("linear/numpy", rows=10_000), 1, None, status="failed", reason="broke")
    told = [each for n in (100, 1_000, 100_000) for each in rounds(arm("linear/numpy", rows=n), C(n))]
    found = next(c for c in growth(*told, failed).crossings if c.slower.arm.implementation == "linear/numpy")
    assert (found.below, found.above) == (1_000, 100_000)
    assert found.low < 11_000 < found.high


def test_a_single_size_has_neither_fit_nor_crossing() -> None:
    """A sweep of one size has one point an arm."""
    found = growth(sizes=(100,))
    assert set(map(len, sizes(found).values())) == {1}
    assert ({course.fit for course in found.courses}, found.crossings) == ({None}, ())


def test_a_sweep_in_which_all_failed_is_empty() -> None:
    """Without a single time there is a title and nothing else."""
    broken = [arm("linear/nn_sgd", "reference", rows=n) for n in SIZES]
    records = [record(one, 1, None, status="failed", reason="broken") for one in broken]
    found = report_of(plan(*(race(reference=one, twin=None) for one in broken), swept="rows"), {}, records).sweep
    assert found is not None
    assert (found.courses, found.crossings, found.sizes) == ((), (), SIZES)


def test_a_sweep_stopped_at_once_is_empty() -> None:
    """A sweep without records grows nowhere, but is a sweep."""
    found = report_of(plan(race(twin=TWIN), swept="rows"), {}, []).sweep
    assert found is not None
    assert (found.courses, found.sizes) == ((), (100_000,))


def test_series_are_kept_apart() -> None:
    """Races of the same sizes on one and on two threads are two series: named, fitted apart and not crossed."""
    races, records = [], []
    for threads in (1, 2):
        for n in SIZES:
            one, other = (
                arm("linear/nn_sgd", "reference", rows=n, threads=threads),
                arm("linear/c", rows=n, threads=threads),
            )
            races.append(race(other, reference=one, twin=None))
            for each, cost in ((one, SGD), (other, C)):
                records += rounds(each, cost(n) / threads, salt=[n, threads])
    found = report_of(plan(*races, swept="rows"), {}, records).sweep
    assert found is not None
    assert [course.series for course in found.courses] == ["1 thread"] * 2 + ["2 threads"] * 2
    assert found.title == "linear/line, 1 feature, float32, full batch, 4 sizes from 100 to 100 000 rows"
    assert {(c.slower.series, c.faster.series) for c in found.crossings} == {
        (name, name) for name in ("1 thread", "2 threads")
    }
    assert {finding(crossing, found.unit).text.partition(" becomes ")[0] for crossing in found.crossings} == {
        "1 thread: linear/c cpu eager",
        "2 threads: linear/c cpu eager",
    }


def test_the_crossing_of_the_fastest_leads() -> None:
    """Where the fastest changes the crossing leads; one among slower arms does not; the reference's is told too."""
    speeds = {
        "linear/nn_sgd": straight(1e-3, 1e-9),
        "linear/c": straight(1e-6, 1e-9),
        "linear/numba": straight(3e-6, 5e-10),
        "linear/manual": straight(1e-4, 4e-9),
        "linear/no_grad": straight(8e-5, 5e-9),
    }
    found = growth(speeds=speeds, sizes=(100, 1_000, 10_000, 100_000, 1_000_000))
    leading = {(c.slower.arm.implementation, c.faster.arm.implementation): c.leading for c in found.crossings}
    assert leading == {
        ("linear/c", "linear/numba"): True,
        ("linear/no_grad", "linear/manual"): False,
        ("linear/manual", "linear/nn_sgd"): False,
        ("linear/no_grad", "linear/nn_sgd"): False,
    }
    chosen, others = telling_crossings(found)
    assert (len(chosen), others) == (4, 0)
    assert [c.telling for c in chosen].count(True) == 3
    assert [c.size for c in chosen] == sorted(c.size for c in chosen)


def test_many_crossings_are_counted() -> None:
    """Of more crossings than can be told, those of the fastest come first, and the others are counted."""
    speeds = {"linear/nn_sgd": straight(1e-3, 1e-9)} | {
        f"linear/{n}": straight(1e-6 * n, 1e-7 / n) for n in range(1, 20)
    }
    found = growth(speeds=speeds, sizes=(10, 100, 1_000, 10_000, 100_000, 1_000_000))
    chosen, others = telling_crossings(found)
    assert len(chosen) == 12
    assert len(chosen) + others == len(found.crossings)
    leading = [c for c in found.crossings if c.leading]
    assert len([c for c in chosen if c.leading]) == min(12, len(leading))


def test_a_crossing_is_a_sentence() -> None:
    """It names both arms, the size with its interval, and the sizes at which it was seen, in the swept unit."""
    found = growth()
    (crossing,) = found.crossings
    assert isinstance(crossing, Crossing)
    said = finding(crossing, found.unit).text.removesuffix(".")
    assert re.fullmatch(
        r"linear/c cpu eager becomes slower than linear/nn_sgd cpu eager at 1\d \d00 rows "
        r"\(95 %: 1\d \d00 to 1\d \d00; measured at 10 000 and 100 000\)",
        said,
    )
    for swept, words in (("batch", " rows a batch (95 %"), ("features", " features (95 %")):
        counted = unit_of_sweep(plan(race(), swept=swept))
        assert words in finding(crossing, counted).text


def test_a_parameter_of_a_step_can_be_swept() -> None:
    """Sizes are the values of the parameter, whole or not; title, fit and crossing name it, and nothing says rows."""
    report = swept_step({"plain": straight(1e-4, 1e-7), "fused": straight(1e-5, 3e-7)}, "hidden", (64, 256, 1024))
    found = report.sweep
    assert found is not None
    assert found.title == "my_step.py, float32, 1 thread, batch 64, hidden at 3 sizes from 64 to 1 024"
    assert [point.size for point in found.courses[0].points] == [64, 256, 1024]
    (crossing,) = found.crossings
    assert " becomes slower than plain at hidden 4" in finding(crossing, found.unit).text
    text = markdown.render(report)
    assert "each unit of hidden" in text
    assert "rows" not in text.partition("What the columns say")[0]
    assert swept_step({"plain": straight(1e-4, 1.0)}, "rate", (0.5, 1.5)).races[1].race.slug.count("rate1.5") == 1


def test_a_wrong_answer_in_a_sweep_of_a_step_is_loud() -> None:
    """It is named once for each size at which it was wrong, though the races have no findings of their own there."""
    report = swept_step({"plain": straight(1e-4, 1e-7), "fused": straight(1e-5, 3e-7)}, "hidden", (64, 256), DIFFERENT)
    sink = io.StringIO()
    show(terminal.render(report, 100), Console(file=sink, width=100))
    said = " ".join(sink.getvalue().split())
    assert said.count("WRONG ANSWER of fused: change of 0.weight is off by 21.4 bits") == 1
    assert "oracle" not in said


def test_a_sweep_of_a_step_says_from_which_size_a_rewrite_pays() -> None:
    """And with which exponent each grows, in the table and in the findings of its arms."""
    sizes = (64, 128, 256, 512, 1024)
    costs = {"plain": lambda size: 1e-4 + 1e-9 * size**2, "fused": lambda size: 3e-4 + 2e-10 * size**2}
    report = swept_step(costs, "hidden", sizes)
    assert report.sweep is not None
    found = {course.arm.implementation: course for course in report.sweep.courses}
    assert found["plain"].pays is None
    pays = found["fused"].pays
    assert pays is not None
    assert pays.change is not None
    assert pays.change.begins
    assert 256 < pays.change.low < 500 < pays.change.high < 512  # 8e-10 of a size squared is 2e-4 at 500
    plain = found["plain"].exponent
    assert plain is not None
    assert plain.value == pytest.approx(1.63, abs=0.05)  # of 362 and 1 149 µs
    assert " | from 4" in markdown.render(report) or " | from 5" in markdown.render(report)
