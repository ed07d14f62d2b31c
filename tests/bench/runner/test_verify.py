"""How answers are judged, right and wrong; the oracle is the workload's own."""

from typing import Any

import pytest
from msgspec.structs import replace

from bench.messages.commands import ArmWeights
from bench.results.record import Judgement
from bench.runner import verify
from impls.contract.catalogue import workloads

LINE = workloads()["linear/line"]
SETTING = LINE.setting(rows=300)
ORACLE = LINE.oracle(LINE.problem(SETTING), SETTING)


def judged(updates: int = 100, shift: float = 0.0, own: float | None = None, **changed: Any) -> Judgement:
    """The judgement of the exact answer, shifted and changed."""
    exact = ORACLE.weights(updates)
    answer = ArmWeights(
        when="job",
        updates=updates,
        weights={"weight": (exact["weight"] + shift).tolist(), "bias": float(exact["bias"])},
        devices=("cpu",),
        dtypes=("float32",),
    )
    return verify.judge(replace(answer, **changed), ORACLE, SETTING, own)


def test_the_exact_answer_is_right() -> None:
    """The oracle's own answer has no fault, no distance and the exact loss."""
    judgement = judged()
    assert (None, 0.0) == (judgement.fault, judgement.distance)
    assert judgement.loss == pytest.approx(ORACLE.loss(ORACLE.weights(100)))


def test_what_rounding_explains_is_right_and_what_it_does_not_is_wrong() -> None:
    """An answer within the tolerance is right, one outside of it is wrong, and the reason has both numbers."""
    tolerance = float(ORACLE.tolerance(100)["weight"][0])
    assert judged(shift=0.9 * tolerance).fault is None
    fault = judged(shift=1.1 * tolerance).fault
    assert fault is not None
    assert "after 100 updates a weight is" in fault


def test_one_update_more_is_wrong() -> None:
    """Weights of 101 updates are not those of 100, early in training, where rounding explains little."""
    late = {name: value.tolist() for name, value in ORACLE.weights(101).items()}
    assert judged(weights=late).fault is not None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"devices": ("cuda",), "weights": {}}, "lies on cuda; the setting says cpu"),
        ({"dtypes": ("float64",)}, "is float64; the setting says float32"),
        ({"weights": {"weight": [[1.0]], "bias": 0.0}}, "has shapes"),
        ({"weights": {"bias": 0.0}}, "has shapes"),
        ({"weights": {"weight": [float("nan")], "bias": 0.0}}, "not finite"),
        ({"weights": {"weight": [1.0], "bias": float("inf")}}, "not finite"),
        ({"weights": {"weight": [None], "bias": 0.0}}, "not finite"),  # as it arrives from a worker
    ],
)
def test_a_fault_is_named(changed: dict[str, Any], words: str) -> None:
    """An answer in the wrong place, type or shape, or without a value, is wrong, and a sentence says why."""
    judgement = judged(**changed)
    assert judgement.fault is not None
    assert words in judgement.fault
    assert (None, None) == (judgement.loss, judgement.distance)


def test_an_approximate_method_is_judged_by_its_own_tolerance() -> None:
    """A relative tolerance of its own replaces the derived one, and has a limit, too."""
    shift = 50 * float(ORACLE.tolerance(100)["weight"][0])
    assert judged(shift=shift).fault is not None
    assert judged(shift=shift, own=0.01).fault is None
    assert judged(shift=0.1, own=0.01).fault is not None
