"""The arms of a gate in the order they are told in, each by a name that no other has. Apart: every report needs it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.gate import CellVerdict, GateVerdict, Word
from reports.text.numbers import plain

ORDER: tuple[Word, ...] = (
    "regressed",
    "wrong",
    "failed",
    "unmeasured",
    "missing",
    "unresolved",
    "improved",
    "ok",
    "new",
    "unavailable",
    "identical",
)
CLOCKED: tuple[Word, ...] = ("regressed", "unresolved", "improved", "ok")
RUN: tuple[Word, ...] = (*CLOCKED, "wrong", "failed", "unmeasured")  # what was started


LONG = 600  # letters of a reason; the log of its round has all
NAME = 160  # letters of an arm


@dataclass(frozen=True)
class Row:
    """What was found of one arm.

    name  "linear/manual cpu eager", with workload and coordinates where there are others of that name
    """

    name: str
    found: CellVerdict

    @property
    def again(self) -> bool:
        """Whether somebody may want to race it once more."""
        return self.found.stops or self.found.word in ("regressed", "wrong", "failed", "unmeasured", "unresolved")

    @property
    def telling(self) -> bool:
        """Whether there is more to say of it than the table does, and the notes, where those that cannot run stand together."""
        if self.found.word == "unavailable":
            return False
        counts = self.found.counts
        differing = counts and (counts.reason or any(each.base != each.head for each in counts.counters.values()))
        return self.found.word != "ok" or bool(differing) or self.found.screened is not None


def rows(verdict: GateVerdict) -> tuple[Row, ...]:
    """All arms: what stops the merge first, then as ORDER says, the slowest of a kind first."""
    arms = [found.cell.arm for found in verdict.cells]
    shared = Counter(arm.name for arm in arms)
    called = [cut(arm.label if shared[arm.name] > 1 else arm.name, NAME) for arm in arms]
    made = (Row(name, found) for name, found in zip(called, verdict.cells, strict=True))
    return tuple(sorted(made, key=_gravity))


def of(found: Sequence[Row], *words: Word) -> list[Row]:
    """Those that one of the words is said of."""
    return [row for row in found if row.found.word in words]


def cut(text: str, most: int = LONG) -> str:
    """The beginning of a text that is too long to read; without what steers a terminal or a log of CI."""
    tame = re.sub(r"(?<!\S)::", ": :", " ".join(plain(text).split())).replace("##[", "## [")
    return tame if len(tame) <= most else f"{tame[: most - 1]}…"


def _gravity(row: Row) -> tuple[bool, int, float]:
    clocked = row.found.clocked
    return not row.found.stops, ORDER.index(row.found.word), -clocked.change if clocked else 0.0
