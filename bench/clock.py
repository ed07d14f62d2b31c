"""The clock. Apart so that it is read in one place, and tests of time can put another one there."""

import time
from datetime import UTC, datetime


def now() -> float:
    """Seconds on the clock that times everything: time.perf_counter, monotonic, with an arbitrary zero."""
    return time.perf_counter()


def worked() -> float:
    """Seconds that this process has had a processor for, over all its threads."""
    return time.process_time()


def today() -> str:
    """The date and time in UTC, ISO 8601 to the second; for records, never for durations."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def pause(seconds: float) -> None:
    """Sleeps without using the processor."""
    if seconds > 0:
        time.sleep(seconds)
