"""The tutorial's two training jobs, and their exact answers in float64. Loads no torch, because the referee must not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from impls.contract import Oracle, Problem, Quadratic
from impls.contract.schedule import draw_schedule
from impls.contract.setting import Setting, SettingError

Floats = NDArray[np.float64]

FIVE_X = (1.4, 5.0, 11.0, 16.0, 21.0)
FIVE_Y = (14.4, 29.6, 62.0, 85.5, 113.4)
START_WEIGHT, START_BIAS = 0.5, 0.25  # not random: the jobs end before they converge, so the answer depends on it
NOISE = 1.2
KEPT = 100  # every so many updates of a replay the answer is kept


@dataclass(frozen=True)
class LinearRegression:
    """Fit y = x @ weight + bias by gradient descent; weight has shape (features,), bias has shape ().

    rows, features  the job's own size
    resizable       whether rows and features can be chosen
    loss            "sum" or "mean" of the squared residuals of a batch
    """

    name: str
    summary: str
    rows: int
    loss: Literal["mean", "sum"]
    resizable: bool
    reference: str = "linear/nn_sgd"

    def setting(self, **chosen: Any) -> Setting:
        setting = Setting(**{"rows": self.rows, "features": 1, "updates": 10_000, "lr": 1e-4} | chosen)
        if not self.resizable and (setting.rows, setting.features) != (self.rows, 1):
            raise SettingError(
                f"{self.name} is {self.rows} fixed points: rows must be {self.rows} and features 1; "
                f"got {setting.rows} and {setting.features}. linear/line takes any size."
            )
        return setting

    def problem(self, setting: Setting) -> Problem:
        x, y = self._data(setting) if self.resizable else (np.array(FIVE_X)[:, None], np.array(FIVE_Y))
        data = {"x": x.astype(np.float32), "y": y.astype(np.float32)}
        start = {
            "weight": np.full(setting.features, START_WEIGHT, np.float32),
            "bias": np.array(START_BIAS, np.float32),
        }
        digest = hashlib.sha256(b"".join(a.tobytes() for a in (*data.values(), *start.values()))).hexdigest()
        dtype = np.dtype(setting.dtype)
        return Problem(
            data={name: array.astype(dtype) for name, array in data.items()},
            start={name: array.astype(dtype) for name, array in start.items()},
            lr=setting.lr,
            loss=self.loss,
            schedule=draw_schedule(setting.rows, setting.batch, setting.seed),
            digest=digest,
        )

    @staticmethod
    def _data(setting: Setting) -> tuple[Floats, Floats]:
        """The tutorial's line with uniform noise, x from -3 to 3; further features are uniform over the same range."""
        generator = np.random.default_rng([setting.seed, 0])
        first = np.linspace(-3, 3, setting.rows)[:, None]
        noise = NOISE * generator.random(setting.rows)
        rest = generator.uniform(-3, 3, (setting.rows, setting.features - 1))
        x = np.concatenate([first, rest], axis=1)
        return x, x.sum(axis=1) / np.sqrt(setting.features) + noise

    def oracle(self, problem: Problem, setting: Setting) -> Oracle:
        return _Oracle(problem, setting)

    def predict(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        return data["x"] @ weights["weight"] + weights["bias"]

    def total_loss(self, data: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        residual = self.predict(data, weights) - data["y"]
        squares = (residual * residual).sum()
        return squares / len(residual) if self.loss == "mean" else squares


class _Oracle:
    """Exact gradient descent on least squares, and how far rounding can move an arm from it.

    With A = [x, 1], one update is w <- w - lr * (H w - c), where H = s A'A, c = s A'y over the rows of the batch and
    s is 2 for the sum of squares, 2 / batch for their mean.
    """

    def __init__(self, problem: Problem, setting: Setting) -> None:
        x = problem.data["x"].astype(np.float64)
        self._a = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        self._y = problem.data["y"].astype(np.float64)
        self._start = np.append(problem.start["weight"], problem.start["bias"]).astype(np.float64)
        self._lr, self._mean = problem.lr, problem.loss == "mean"
        self._order = problem.schedule.order
        self._unit = 2.0**-24 if setting.dtype == "float32" else 2.0**-53
        self._batch = setting.batch_rows
        self._gamma = np.sqrt(self._batch) + np.log2(self._batch)
        self._scale = 2 / self._batch if self._mean else 2.0
        self._average = average = (
            self._scale * self._batch / setting.rows
        )  # so that the average update is  lr * average * A'(A w - y)
        self._lambda, self._basis = np.linalg.eigh(average * (self._a.T @ self._a))
        self._gradient = average * (self._a.T @ (self._a @ self._start - self._y))
        self._noise = self._gradient_noise(average, self._unit) + self._own_noise(average)
        self._replayed = {0: self._start}
        self._cycle: Floats | None = None

    def weights(self, updates: int) -> dict[str, Floats]:
        found = self._closed_form(updates) if self._order is None else self._replay(updates)
        return self._named(found)

    def loss(self, weights: Mapping[str, Floats]) -> float:
        residual = self._a @ np.append(weights["weight"], weights["bias"]) - self._y
        squares = float(residual @ residual)
        return squares / len(residual) if self._mean else squares

    def quadratic(self) -> Quadratic:
        """From the eigenvectors of H. Along one whose eigenvalue is lost in rounding, the optimum equals the start."""
        known = self._lambda > 1e-14 * self._lambda[-1]
        down = np.divide(self._basis.T @ self._gradient, self._lambda, out=np.zeros_like(self._lambda), where=known)
        optimum = self._start - self._basis @ down
        minimum = self.loss(self._named(optimum))
        squares = (self._basis * self._lambda) @ self._basis.T / self._average  # A'A
        return Quadratic(minimum, optimum, squares / (len(self._y) if self._mean else 1))

    def tolerance(self, updates: int) -> dict[str, Floats]:
        """The worst rounding error of each update, carried through the later updates.

        Along an eigenvector of H with eigenvalue l, an error made in one update shrinks by 1 - lr*l in each later one,
        so T equal errors e add up to G*e with G = (1 - (1 - lr*l)^T) / (lr*l). In each update the parameter is rounded
        once (half a unit in its last place, at most u*|w|) and the gradient carries lr*noise. Rounding errors of
        different weights are independent: they are combined in quadrature.
        """
        size = np.maximum(np.abs(self._start), np.abs(np.append(*self.weights(updates).values())))
        per_update = self._unit * size + self._lr * self._noise
        along = np.sqrt((self._basis.T**2) @ per_update**2)
        return self._named(np.sqrt((self._basis**2) @ (self._growth(updates) * along) ** 2))

    def _closed_form(self, updates: int) -> Floats:
        """w_T = w_0 - lr * V G V' g_0; as a difference from the start, which is exact, so that little rounding is added."""
        along = self._growth(updates) * (self._basis.T @ self._gradient)
        return np.asarray(self._start - self._lr * self._basis @ along)

    def _growth(self, updates: int) -> Floats:
        """sum of (1 - lr*lambda)^k for k < updates, along each eigenvector; `updates` itself where lambda is 0."""
        grown = np.full_like(self._lambda, updates)
        for index, step in enumerate(self._lr * self._lambda):
            if step >= 1:
                grown[index] = (1 - (1 - step) ** updates) / step
            elif abs(step) > 1e-14:
                grown[index] = -np.expm1(updates * np.log1p(-step)) / step  # (1 - step)^T would lose T units
        return grown

    def _gradient_noise(self, average: float, unit: float) -> Floats:
        """Rounding error of one gradient in arithmetic of the given unit, for each weight.

        The sum over a batch carries gamma = (sqrt(batch) + log2(batch)) * u times the sum of the magnitudes: the
        probabilistic bound of Higham and Mary (2019), which holds for sums in any order. A residual carries
        sqrt(features + 1) * u times the magnitudes it is made of. Magnitudes are those at the start, the largest.
        """
        residual = np.abs(self._a @ self._start - self._y)
        error = self._gamma * unit * residual + np.sqrt(len(self._start)) * unit * self._made_of()
        return np.asarray(average * np.abs(self._a).T @ error)

    def _own_noise(self, average: float) -> Floats:
        """The oracle's own rounding, as an error of each gradient: that of the sums H and c, which are computed separately,
        and 4 units of |H| for the eigensolver."""
        size = np.linalg.norm(self._start) + np.linalg.norm(self._gradient) / max(self._lambda[-1], 1e-300)
        moments = average * np.abs(self._a).T @ (self._gamma * self._made_of())
        return np.asarray(2.0**-53 * (moments + 4 * self._lambda[-1] * size))

    def _made_of(self) -> Floats:
        return np.asarray(np.abs(self._a) @ np.abs(self._start) + np.abs(self._y))

    def _replay(self, updates: int) -> Floats:
        """The same schedule in float64, update by update; every hundredth answer is kept for later calls.

        For an arm with a million updates a second that is too slow. One update maps w to M w + c, and so does a cycle of
        the schedule: where it is less work, all complete cycles are a power of that map, and only the rest is replayed.
        """
        assert self._order is not None
        cycle = len(self._order)
        if updates > cycle * (len(self._start) + 2):
            return self._steps(self._whole_cycles(updates // cycle), range(updates % cycle))
        kept = updates - updates % KEPT
        for number in range(max(n for n in self._replayed if n <= kept), kept, KEPT):
            self._replayed[number + KEPT] = self._steps(self._replayed[number], range(number, number + KEPT))
        return self._steps(self._replayed[kept], range(kept, updates))

    def _whole_cycles(self, count: int) -> Floats:
        """The weights after this many cycles: the map [M, c] of one cycle, raised to a power by repeated squaring."""
        if self._cycle is None:
            size = len(self._start)
            assert self._order is not None
            self._cycle = self._steps(np.eye(size, size + 1), range(len(self._order)))
        w, (matrix, shift) = self._start, (self._cycle[:, :-1], self._cycle[:, -1])
        while count:
            if count % 2:
                w = matrix @ w + shift
            matrix, shift = matrix @ matrix, matrix @ shift + shift
            count //= 2
        return w

    def _steps(self, w: Floats, numbers: range) -> Floats:
        """Applies the updates with these numbers to w, or to the columns of w, of which only the last includes the targets."""
        assert self._order is not None
        columns = w.reshape(len(self._start), -1).copy()
        for number in numbers:
            rows = self._order[number % len(self._order)]
            a = self._a[rows]
            residual = a @ columns
            residual[:, -1] -= self._y[rows]
            columns -= self._lr * self._scale * (a.T @ residual)
        return columns.reshape(w.shape)

    @staticmethod
    def _named(w: Floats) -> dict[str, Floats]:
        return {"weight": w[:-1], "bias": w[-1]}


WORKLOADS = (
    LinearRegression(
        name="linear/five",
        summary="five points, sum of squares: the tutorial's loop by hand",
        rows=5,
        loss="sum",
        resizable=False,
    ),
    LinearRegression(
        name="linear/line",
        summary="100 000 points on a noisy line, mean of squares: the tutorial's loop with nn.Linear",
        rows=100_000,
        loss="mean",
        resizable=True,
    ),
)
