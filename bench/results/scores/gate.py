"""How often this gate and other tools were right in the same trials, as it is published."""

from typing import Literal

from msgspec import Struct

from bench.results.record import Arm

FORMAT = 1

Answer = Literal["slower", "faster", "passed", "unresolved"]


class Share(Struct, frozen=True, kw_only=True):
    """A count out of a total, with the exact 95 % interval of the share (Clopper and Pearson, 1934).

    The interval assumes independent trials. Trials of one session are less independent than those of different sessions.
    """

    count: int
    of: int
    low: float
    high: float


class AtLevel(Struct, frozen=True, kw_only=True):
    """The answers of a method in all trials with the same slowdown.

    level  the slowdown: 0.05 is 5 %; 0 is no change, so that each "slower" is a false alarm
    """

    level: float
    slower: Share
    faster: int = 0
    passed: int = 0
    unresolved: int = 0


class Method(Struct, frozen=True, kw_only=True):
    """One gate, over all trials.

    rule        how it decides, in a sentence
    way         how its data were collected, in a sentence
    levels      in rising order
    faster      at all levels together; each one is wrong, because the head was never made faster
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
    """All methods in the same trials, ours first.

    budget    seconds of wall time that each method had for a comparison
    machine   in words
    versions  of Python and of the packages that matter: {"python": ..., "torch": ..., "pytest-benchmark": ...}
    """

    format: int = FORMAT
    sessions: int
    trials: int
    budget: float
    arms: tuple[Arm, ...]
    machine: str
    versions: dict[str, str]
    methods: tuple[Method, ...]
