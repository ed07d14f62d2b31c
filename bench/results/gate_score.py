"""What a sitting of rival gates has shown, as it is kept and published. Apart from score.py, for reports read it."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Arm

FORMAT = 1

Said = Literal["slower", "faster", "passed", "unresolved"]


class Share(Struct, frozen=True, kw_only=True):
    """So many of so many, with the exact 95 % interval of the share (Clopper and Pearson, 1934).

    The interval takes trials as independent. Those of one session are less so than those of different ones.
    """

    count: int
    of: int
    low: float
    high: float


class AtLevel(Struct, frozen=True, kw_only=True):
    """What a method said of all trials with the same slowdown.

    level  the slowdown: 0.05 is 5 %; 0 is no change, where each "slower" is a false alarm
    """

    level: float
    slower: Share
    faster: int = 0
    passed: int = 0
    unresolved: int = 0


class Method(Struct, frozen=True, kw_only=True):
    """One way to gate, over all trials.

    rule        by which it decides, in a sentence
    way         how its data were collected, in a sentence
    levels      in rising order
    faster      at all levels together; every one is wrong, for nothing ever made the head faster
    unresolved  at all levels together
    seconds     median wall time of a comparison, with starting processes
    """

    name: str
    rule: str
    way: str
    levels: tuple[AtLevel, ...]
    faster: Share
    unresolved: Share
    seconds: float


class Score(Struct, frozen=True, kw_only=True):
    """The methods of one sitting, ours first.

    budget    seconds of wall time that each method had for a comparison
    machine   in words
    versions  of what matters: {"python": ..., "torch": ..., "pytest-benchmark": ...}
    """

    format: int = FORMAT
    sessions: int
    trials: int
    budget: float
    arms: tuple[Arm, ...]
    machine: str
    versions: dict[str, str]
    methods: tuple[Method, ...]
