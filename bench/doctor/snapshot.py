"""What the checks look at: the machine at two moments. And how they word counts, shares and sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results.finding import Grade
from bench.system.linux import Activity, Host


@dataclass(frozen=True)
class Snapshot:
    """The machine during a quiet second.

    before, after   the running totals at its begin and its end
    allowed, raced  the cores this process may use, and those of them that arms are raced on
    results         where runs are kept
    """

    host: Host
    before: Activity
    after: Activity
    allowed: Sequence[int]
    raced: Sequence[int]
    results: Path

    @property
    def seconds(self) -> float:
        """Between the two moments."""
        return self.after.at - self.before.at

    @property
    def cores(self) -> int:
        """Number of cores, as far as can be seen."""
        return self.after.cores or len(self.allowed)

    def share(self, seconds: float) -> float:
        """These seconds as a share of the time of all cores between the two moments."""
        return seconds / (self.seconds * self.cores)


def grade_of(value: float, caution: float, bad: float) -> Grade:
    """Fine up to the lower limit, bad above the upper one, a caution between them."""
    return "bad" if value > bad else "caution" if value > caution else "fine"


def several(count: int, one: str, more: str = "") -> str:
    """ "1 core", "2 cores"; `more` where the plural is not made with an s."""
    return f"{count} {one if count == 1 else more or f'{one}s'}"


def percent(share: float) -> str:
    """A share in words: "0.4 %"; whole per cents from ten on."""
    return f"{100 * share:.{0 if abs(share) >= 0.1 else 1}f} %"


def size(count: float) -> str:
    """Bytes in the unit that suits: "32 KiB", "23.5 GiB"."""
    unit, name = next(((2**p, n) for p, n in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if count >= 2**p), (1, "bytes"))
    scaled = count / unit
    return f"{scaled:.{1 if scaled < 100 and unit == 2**30 else 0}f} {name}"
