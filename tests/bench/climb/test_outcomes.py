"""What a race of a climb says of each recipe."""

from bench.climb.outcomes import outcomes
from tests.reports.records import race
from tests.reports.steps import COARSER, DIFFERENT, IDENTICAL, PLAIN, SAME, answered


def test_the_best_usable_recipe_comes_first() -> None:
    """What is wrong, coarser or was never timed is not used, however fast it is; all are compared with the base."""
    runs = [
        answered("plain", PLAIN, IDENTICAL, role="reference"),
        answered("plain", PLAIN, IDENTICAL, role="twin"),
        answered("fused", PLAIN * 0.8, SAME),
        answered("fused+channels_last", PLAIN * 0.6, IDENTICAL),
        answered("fused+checkpointing", PLAIN * 1.2, SAME),
        answered("bf16_autocast", PLAIN * 0.2, COARSER),
        answered("compile_loss", PLAIN * 0.1, DIFFERENT),
        answered("tcmalloc", None, None, status="failed", reason="it is not installed"),
    ]
    records = {records[0].arm: records for records in runs}
    reference, twin, *arms = records
    told = outcomes(race(*arms, reference=reference, twin=twin), records, "fused")
    assert [(one.recipe, one.usable, one.verdict) for one in told[:2]] == [
        ("fused+channels_last", True, "faster"),
        ("fused+checkpointing", True, "slower"),
    ]
    assert {one.recipe for one in told if not one.usable} == {"bf16_autocast", "compile_loss", "tcmalloc"}
    assert [one.recipe for one in told if one.promising] == ["fused+channels_last"]
    assert abs(told[0].value - 0.75) < 0.02
