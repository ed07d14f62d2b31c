"""Amounts of time and of memory as a person writes them: "90s", "5 ms", "2 GB"."""

import math
import re
from typing import Literal

Kind = Literal["time", "memory"]

SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
BYTES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
UNITS: dict[str, tuple[Kind, float]] = {
    **{name: ("time", factor) for name, factor in SECONDS.items()},
    **{name.lower(): ("memory", factor) for name, factor in BYTES.items()},
}
AMOUNT = re.compile(r"(\d+\.?\d*|\.\d+)\s*([a-zµ]+)", re.IGNORECASE)


def amount(text: str) -> tuple[Kind, float]:
    """Seconds or bytes: ("time", 0.005) for "5 ms". Raises ValueError for anything but a positive amount with its unit."""
    match = AMOUNT.fullmatch(text.strip())
    if match and match[2].lower() in UNITS:
        kind, factor = UNITS[match[2].lower()]
        number = float(match[1]) * factor
        if 0 < number < math.inf:
            return kind, number
    raise ValueError(f"{text!r} is no amount of time or memory")
