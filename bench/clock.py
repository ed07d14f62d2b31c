"""The clock: the only place where it is read, so that tests can replace it."""

import time
from datetime import UTC, datetime

_elapsed, _worked = time.perf_counter, time.process_time  # taken before any arm is imported, which may replace them


def now() -> float:
    """Seconds by time.perf_counter, which is monotonic and has an arbitrary zero. It times everything."""
    return _elapsed()


def worked() -> float:
    """Seconds for which this process has had a processor, summed over its threads."""
    return _worked()


def worked_by(pid: int) -> float:
    """The same of another process, asked of the kernel; what that process thinks of the time is no matter."""
    return time.clock_gettime(~pid << 3 | 2)  # of clock_getcpuclockid(3), which Python does not have: all its threads


def today() -> str:
    """The date and time in UTC, in ISO 8601 to the second; for records, never for durations."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def since_epoch() -> float:
    """Seconds since 1970, as file systems count them; to tell how old a file is, never for durations."""
    return time.time()


def pause(seconds: float) -> None:
    """Sleeps without using the processor."""
    if seconds > 0:
        time.sleep(seconds)
