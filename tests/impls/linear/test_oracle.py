"""The oracle of the linear family, compared with loops that are written out here."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from impls.contract import Oracle, Problem
from impls.contract.catalogue import workloads
from impls.contract.setting import Setting

Floats = NDArray[np.float64]

CHECKPOINTS = (1, 2, 1000, 10_000)
SMALL = {"rows": 200}


def judged(name: str, **chosen: Any) -> tuple[Problem, Oracle, Setting]:
    """A workload's problem and oracle at the chosen values."""
    workload = workloads()[name]
    setting = workload.setting(**chosen)
    problem = workload.problem(setting)
    return problem, workload.oracle(problem, setting), setting


def descended(problem: Problem, checkpoints: Sequence[int], kind: type[np.floating] = np.float64) -> dict[int, Floats]:
    """Weights, then bias, after so many updates: the tutorial's loop in one kind of numbers, gradient written out."""
    x, y = problem.data["x"].astype(kind), problem.data["y"].astype(kind)
    weight, bias = problem.start["weight"].astype(kind), kind(problem.start["bias"])
    order, found = problem.schedule.order, {}
    for number in range(max(checkpoints)):
        rows: Any = slice(None) if order is None else order[number % len(order)]
        residual = x[rows] @ weight + bias - y[rows]
        step = kind(2 * problem.lr / (len(residual) if problem.loss == "mean" else 1))
        weight = weight - step * (residual @ x[rows])
        bias = bias - step * residual.sum()
        if number + 1 in checkpoints:
            found[number + 1] = np.append(weight, bias)
    return found


def answered(oracle: Oracle, updates: int) -> Floats:
    """The oracle's weights, then its bias."""
    found = oracle.weights(updates)
    return np.append(found["weight"], found["bias"])


def allowed(oracle: Oracle, updates: int) -> Floats:
    """The oracle's tolerance of the weights, then of the bias."""
    found = oracle.tolerance(updates)
    return np.append(found["weight"], found["bias"])


@pytest.mark.parametrize(
    ("name", "chosen"),
    [("linear/five", {}), ("linear/line", SMALL), ("linear/line", SMALL | {"features": 3})],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_full_batches_agree_with_the_loop(name: str, chosen: dict[str, Any], dtype: str) -> None:
    """The closed form is what the loop arrives at after 1, 2, 1000 and 10 000 updates, to 12 digits."""
    problem, oracle, _ = judged(name, **chosen, dtype=dtype)
    for updates, expected in descended(problem, CHECKPOINTS).items():
        np.testing.assert_allclose(answered(oracle, updates), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("batch", [7, 1, 200])
@pytest.mark.parametrize("features", [1, 3])
def test_mini_batches_agree_with_the_loop(batch: int, features: int) -> None:
    """The replay reads the rows that the loop reads, whatever was asked for before: more updates, or fewer."""
    problem, oracle, _ = judged("linear/line", **SMALL, features=features, batch=batch)
    asked = (2500, 1, 999, 1000, 1001, 2000, 3600, 2, 2500)
    expected = descended(problem, asked)
    for updates in asked:
        np.testing.assert_allclose(answered(oracle, updates), expected[updates], rtol=1e-12, atol=0)


def test_mini_batches_of_a_sum_agree_with_the_loop() -> None:
    """With the sum of squares a mini-batch's step is not divided by its size."""
    problem, oracle, _ = judged("linear/five", batch=2)
    for updates, expected in descended(problem, (1, 30, 1500)).items():
        np.testing.assert_allclose(answered(oracle, updates), expected, rtol=1e-12, atol=0)


def test_all_the_tutorials_rows_agree_with_the_loop() -> None:
    """At 100 000 rows the closed form is what 200 updates over all rows arrive at, to 12 digits."""
    problem, oracle, _ = judged("linear/line")
    assert len(problem.data["y"]) == 100_000
    for updates, expected in descended(problem, (1, 2, 200)).items():
        np.testing.assert_allclose(answered(oracle, updates), expected, rtol=1e-12, atol=0)


def test_the_whole_job_agrees_with_a_loop_in_extended_precision() -> None:
    """10 000 updates over 100 000 rows agree with a loop over the moments in 80-bit numbers, to 13 digits."""
    problem, oracle, _ = judged("linear/line")
    x, y = problem.data["x"][:, 0].astype(np.longdouble), problem.data["y"].astype(np.longdouble)
    mean_x, mean_xx, mean_y, mean_xy = x.mean(), (x * x).mean(), y.mean(), (x * y).mean()
    weight, bias = np.longdouble(problem.start["weight"][0]), np.longdouble(problem.start["bias"])
    step = 2 * np.longdouble(problem.lr)
    for _ in range(10_000):
        along_weight = mean_xx * weight + mean_x * bias - mean_xy
        along_bias = mean_x * weight + bias - mean_y
        weight, bias = weight - step * along_weight, bias - step * along_bias
    expected = np.array([weight, bias]).astype(np.float64)
    np.testing.assert_allclose(answered(oracle, 10_000), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("features", [1, 3])
def test_steps_that_overshoot_agree_with_the_loop(features: int) -> None:
    """A learning rate whose product with the largest eigenvalue lies between 1 and 2 overshoots, and still agrees."""
    problem, oracle, _ = judged("linear/line", **SMALL, features=features, lr=0.25)
    design = np.c_[problem.data["x"].astype(np.float64), np.ones(200)]
    assert 1 < 0.25 * np.linalg.eigvalsh(2 * design.T @ design / 200)[-1] < 2
    for updates, expected in descended(problem, (1, 2, 3, 50, 1000)).items():
        np.testing.assert_allclose(answered(oracle, updates), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("lr", [1e-4, 1e-2])
def test_redundant_columns_agree_with_the_loop(lr: float) -> None:
    """With more columns than rows many weights fit equally well; the oracle has those that gradient descent reaches."""
    problem, oracle, _ = judged("linear/line", rows=3, features=5, lr=lr)
    for updates, expected in descended(problem, CHECKPOINTS).items():
        np.testing.assert_allclose(answered(oracle, updates), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("chosen", [{}, {"batch": 7}, {"features": 4}])
def test_no_update_is_the_start(chosen: dict[str, Any]) -> None:
    """After 0 updates the answer is the stated start, in the start's shapes."""
    problem, oracle, _ = judged("linear/line", **SMALL, **chosen)
    for name, value in oracle.weights(0).items():
        np.testing.assert_array_equal(value, problem.start[name])
        assert problem.start[name].shape == value.shape == oracle.tolerance(3)[name].shape


def test_answers_are_not_shared() -> None:
    """Changing an answer in place does not change the next one."""
    for batch in ("full", 7):
        _, oracle, _ = judged("linear/line", **SMALL, batch=batch)
        for updates in (0, 1000, 1001):
            first = answered(oracle, updates)
            oracle.weights(updates)["weight"][:] = 99.0
            np.testing.assert_array_equal(answered(oracle, updates), first)


@pytest.mark.parametrize("chosen", [{}, SMALL, {"batch": 256}, SMALL | {"batch": 1}])
@pytest.mark.parametrize("other", [0, 2])
def test_one_update_more_or_fewer_is_outside_the_tolerance(chosen: dict[str, Any], other: int) -> None:
    """After one update, an answer that is one update off is further away than rounding explains."""
    _, oracle, _ = judged("linear/line", **chosen)
    assert (np.abs(answered(oracle, other) - answered(oracle, 1)) > allowed(oracle, 1)).any()


@pytest.mark.parametrize("name", ["linear/five", "linear/line"])
@pytest.mark.parametrize("other", [9_999, 10_001])
def test_one_update_off_shows_at_the_end_in_float64(name: str, other: int) -> None:
    """In float64 even the last of 10 000 updates shows when it is left out or made twice."""
    _, oracle, _ = judged(name, dtype="float64")
    assert (np.abs(answered(oracle, other) - answered(oracle, 10_000)) > allowed(oracle, 10_000)).any()


@pytest.mark.parametrize("chosen", [{"batch": 256}, {"rows": 50, "batch": 7}])
def test_a_stale_order_is_outside_the_tolerance(chosen: dict[str, Any]) -> None:
    """One and a half epochs by the first epoch's order alone are further away than rounding explains."""
    _, oracle, setting = judged("linear/line", **chosen)
    problem = workloads()["linear/line"].problem(setting)
    order, epoch = problem.schedule.order, problem.schedule.updates_per_epoch
    assert order is not None
    order[epoch : 2 * epoch] = order[:epoch]
    updates = 3 * epoch // 2
    stale = descended(problem, (updates,))[updates]
    assert (np.abs(stale - answered(oracle, updates)) > allowed(oracle, updates)).any()


@pytest.mark.parametrize(("dtype", "least", "most"), [("float32", 2e-5, 1e-3), ("float64", 0.0, 1e-11)])
def test_the_tolerance_is_what_rounding_explains(dtype: str, least: float, most: float) -> None:
    """For the tutorial's whole job the tolerance is about 1e-4 in float32, and below 1e-11 in float64."""
    _, oracle, _ = judged("linear/line", dtype=dtype)
    assert (allowed(oracle, 10_000) > least).all()
    assert (allowed(oracle, 10_000) < most).all()


@pytest.mark.parametrize(
    ("name", "chosen"), [("linear/five", {}), ("linear/line", {}), ("linear/line", SMALL | {"batch": 7})]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_tolerance_grows_with_the_updates(name: str, chosen: dict[str, Any], dtype: str) -> None:
    """Every further update may add rounding, so no tolerance is smaller than one of fewer updates."""
    _, oracle, _ = judged(name, **chosen, dtype=dtype)
    allowances = [allowed(oracle, updates) for updates in (1, 2, 10, 100, 1000, 3000)]
    assert (np.diff(allowances, axis=0) >= 0).all()
    assert (allowances[-1] > 10 * allowances[0]).all()


@pytest.mark.parametrize(
    ("name", "chosen"),
    [("linear/five", {}), ("linear/line", SMALL), ("linear/line", SMALL | {"batch": 7}), ("linear/five", {"batch": 1})],
)
def test_a_loop_in_float32_is_within_the_tolerance(name: str, chosen: dict[str, Any]) -> None:
    """The rounding error of a float32 loop is within the float32 tolerance, and outside of the float64 one."""
    problem, oracle, _ = judged(name, **chosen)
    _, strict, _ = judged(name, **chosen, dtype="float64")
    for updates, found in descended(problem, CHECKPOINTS, np.float32).items():
        assert (np.abs(found - answered(oracle, updates)) <= allowed(oracle, updates)).all()
        assert (np.abs(found - answered(strict, updates)) > allowed(strict, updates)).any()


def test_five_points_end_where_the_tutorial_says() -> None:
    """Five points end between the least-squares optimum, 8.1318, and 8.30: not converged, as the tutorial printed."""
    problem, oracle, _ = judged("linear/five")
    loss = oracle.loss(oracle.weights(10_000))
    assert 8.1318 < loss < 8.30
    design = np.c_[problem.data["x"].astype(np.float64), np.ones(5)]
    best = np.linalg.lstsq(design, problem.data["y"].astype(np.float64), rcond=None)[0]
    assert pytest.approx(oracle.loss({"weight": best[:1], "bias": best[1]}), abs=5e-5) == 8.1318
    np.testing.assert_allclose(best, [5.0664, 5.8574], atol=1e-4)


def test_the_line_ends_where_the_tutorial_says() -> None:
    """100 000 points end with a loss near the tutorial's 0.12094, a weight near 1 and a bias short of 0.6."""
    _, oracle, _ = judged("linear/line")
    weight, bias = answered(oracle, 10_000)
    assert 0.115 < oracle.loss(oracle.weights(10_000)) < 0.127
    assert (0.99 < weight < 1.01, 0.53 < bias < 0.59) == (True, True)


@pytest.mark.parametrize("name", ["linear/five", "linear/line"])
def test_the_loss_is_that_of_all_rows(name: str) -> None:
    """The oracle's loss is the sum, or the mean, of the squared residuals of all rows, even in mini-batches."""
    problem, oracle, _ = judged(name, batch=2)
    residual = problem.data["x"].astype(np.float64)[:, 0] * 2.0 + 3.0 - problem.data["y"].astype(np.float64)
    expected = (residual**2).mean() if name == "linear/line" else (residual**2).sum()
    assert expected == pytest.approx(oracle.loss({"weight": np.array([2.0]), "bias": np.array(3.0)}), rel=1e-12)


@pytest.mark.parametrize(
    "chosen", [{"rows": 50, "batch": 7, "features": 3}, {"rows": 90, "batch": 1}, {"rows": 64, "batch": 32}]
)
def test_many_cycles_at_once_equal_update_after_update(chosen: dict[str, Any]) -> None:
    """Whole cycles of the schedule taken as powers of one map end where the replay of every update ends."""
    workload = workloads()["linear/line"]
    setting = workload.setting(**chosen)
    problem = workload.problem(setting)
    assert problem.schedule.order is not None
    updates = 9 * len(problem.schedule.order) + 5
    at_once = workload.oracle(problem, setting).weights(updates)
    a = np.concatenate([problem.data["x"], np.ones((setting.rows, 1))], axis=1).astype(np.float64)
    w = np.append(problem.start["weight"], problem.start["bias"]).astype(np.float64)
    for number in range(updates):
        rows = problem.schedule.order[number % len(problem.schedule.order)]
        w -= problem.lr * 2 / len(rows) * a[rows].T @ (a[rows] @ w - problem.data["y"][rows])
    np.testing.assert_allclose(np.append(at_once["weight"], at_once["bias"]), w, rtol=0, atol=1e-13)


def test_an_answer_after_a_billion_single_samples_takes_no_billion_steps() -> None:
    """The oracle of single samples answers for any number of updates, and has converged to one answer a cycle."""
    workload = workloads()["linear/line"]
    setting = workload.setting(rows=1000, batch=1)
    oracle = workload.oracle(workload.problem(setting), setting)
    late, later = oracle.weights(10**9), oracle.weights(10**9 + 3000)
    np.testing.assert_allclose(late["weight"], later["weight"], rtol=0, atol=1e-13)
