"""What the doctor finds: things seen of the machine, and the smallest change it can show."""

from typing import Literal

from msgspec import Struct

Grade = Literal["bad", "caution", "unknown", "fine"]
GRADES: tuple[Grade, ...] = ("bad", "caution", "unknown", "fine")  # worst first


class Finding(Struct, frozen=True, kw_only=True):
    """One thing seen of the machine, and what it means for measurements.

    topic    "frequency", "steal", "gpu 0 clocks": one topic may have several findings
    seen     what was seen, with its number; where it is unknown, why
    grade    "fine", "caution", "bad" or "unknown"
    advice   what to do about it; empty when nothing is to be done
    command  what to type to do so, or to see more; the doctor itself changes nothing
    source   where it was read
    """

    topic: str
    seen: str
    source: str
    grade: Grade = "fine"
    advice: str = ""
    command: str = ""

    @staticmethod
    def of(topic: str, seen: str, source: str, grade: Grade = "fine", advice: str = "", command: str = "") -> "Finding":
        """A finding, without advice and command where it is fine."""
        if grade == "fine":
            return Finding(topic=topic, seen=seen, source=source)
        return Finding(topic=topic, seen=seen, source=source, grade=grade, advice=advice, command=command)


class Resolution(Struct, frozen=True, kw_only=True):
    """The smallest change of speed that can be seen on this machine within so many seconds of racing.

    change          the smallest change that is seen in four of five cases, e.g. 0.014
    low, high       the 95 % interval of `change`: a few rounds determine the spread only roughly
    seconds         the time allowed
    rounds          rounds that fit into it
    deviation       root mean square of the logarithm of the twin's ratio over the rounds that were run
    raced           rounds that were run
    ratio           the twin's ratio over those rounds, with its 95 % interval, which should contain 1
    """

    change: float
    low: float
    high: float
    seconds: float
    rounds: int
    deviation: float
    raced: int
    ratio: tuple[float, float, float]

    @property
    def sentence(self) -> str:
        """ "a change of 1.4 % or more is visible in 60 s"."""
        return f"a change of {self.change:.1%} or more is visible in {self.seconds:.0f} s".replace("%", " %")
