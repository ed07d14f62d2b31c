"""The bounds of the machine, measured in two ways, also without a compiler."""

import pytest

from bench.results.profile import Machine
from bench.worker import roofline
from impls.contract import UnavailableError

SLOWEST, FASTEST = 1e7, 1e14  # bytes or operations a second, of anything that this could ever run on


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures for a short time."""
    monkeypatch.setattr(roofline, "SECONDS", 0.02)


@pytest.mark.parametrize("working_set", [4, 800_000, 40_000_000])
def test_a_machine_is_measured_over_any_size(working_set: int) -> None:
    """From a single number to more than a cache holds, both rates are those of a real machine."""
    machine = roofline.measured(working_set, 1)
    assert machine.working_set == working_set
    assert SLOWEST < machine.read_bandwidth < FASTEST
    assert SLOWEST < machine.operations < FASTEST


def test_without_a_compiler_torch_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine says that torch measured it."""

    def refuse(*_: object, **__: object) -> None:
        raise UnavailableError("needs a C compiler")

    monkeypatch.setattr("bench.worker.roofline.native.build", refuse)
    machine = roofline.measured(800_000, 1)
    assert machine.method == "torch"
    assert SLOWEST < machine.operations < FASTEST


def test_the_faster_of_the_two_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound is the better of the two ways, for each of the two rates."""
    by_c = Machine(read_bandwidth=2.0, operations=5.0, working_set=8, method="C")
    by_torch = Machine(read_bandwidth=3.0, operations=1.0, working_set=8, method="torch")
    monkeypatch.setattr(roofline, "_by_c", lambda *_: by_c)
    monkeypatch.setattr(roofline, "_by_torch", lambda *_: by_torch)
    assert roofline.measured(8, 1) == Machine(read_bandwidth=3.0, operations=5.0, working_set=8, method="torch")


def test_the_best_pass_is_of_passes_long_enough_to_be_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of passes in a call grows until the clock can time them; the fastest pass counts."""
    now, made = 0.0, list[int]()

    def run(passes: int) -> None:
        nonlocal now
        made.append(passes)
        now += passes * 1e-5

    monkeypatch.setattr("bench.worker.roofline.clock.now", lambda: now)
    assert roofline._best(run) == pytest.approx(1e-5)
    assert made[0] == 1
    assert max(made) * 1e-5 >= roofline.PASS_SECONDS
