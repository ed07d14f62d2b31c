"""Values as JSON documents write them: estimates, settings."""

from typing import Any

import msgspec

from bench.results.statistics import Estimate
from impls.contract.setting import Setting


def estimate(value: Estimate | None) -> dict[str, float | None] | None:
    """Value and 95 % interval of an estimate; None where there is none."""
    return {"value": value.value, "low": value.low, "high": value.high} if value else None


def of_setting(values: Setting) -> dict[str, Any]:
    """A setting by name; the parameters of a step by theirs."""
    plain: dict[str, Any] = msgspec.to_builtins(values)
    return plain | {"parameters": values.named}
