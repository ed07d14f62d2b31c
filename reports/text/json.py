"""Values of the statistics as JSON documents write them."""

from bench.results.statistics import Estimate


def estimate(value: Estimate | None) -> dict[str, float | None] | None:
    """Value and 95 % interval of an estimate; None where there is none."""
    return {"value": value.value, "low": value.low, "high": value.high} if value else None
