"""What somebody reads who has ten seconds: the finding, whether all answers agree, and whether the machine held still."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.results import statistics
from bench.results.record import Caveat
from bench.results.statistics import Estimate
from reports.run.comparison import Comparison, RaceResult
from reports.run.findings import RESTLESS, answers
from reports.run.rows import Row
from reports.run.sweep import sentence, told
from reports.text import numbers

Kind = Literal["good", "careful", "bad"]
GLYPHS: dict[Kind, str] = {"good": "✓", "careful": "!", "bad": "✗"}
LOUD = "WRONG ANSWERS"
TWIN = "The reference raced against itself"  # how the finding begins that the banner of the machine repeats


@dataclass(frozen=True)
class Banner:
    """A judgement: a word, a sentence, and what to doubt with what to do about it."""

    kind: Kind
    word: str
    text: str
    doubts: tuple[Caveat, ...] = ()

    @property
    def glyph(self) -> str:
        """The kind, for who cannot tell its colour."""
        return GLYPHS[self.kind]


def headline(comparison: Comparison) -> tuple[str, str]:
    """The most important sentence of the run, and what of it can be said more quietly."""
    said, bracket, quiet = _finding(comparison).partition(" (95 %")
    return said, f"{bracket.lstrip()}{quiet}"


def more(comparison: Comparison) -> list[str]:
    """The other findings of a single race, but for those that the banners tell."""
    if len(comparison.races) != 1:
        return []
    result = comparison.races[0]
    told_above = {_finding(comparison), answers(result.rows)}
    return [each for each in result.findings if each not in told_above and not each.startswith(TWIN)]


def _finding(comparison: Comparison) -> str:
    rows = rows_of(comparison)
    if not any(row.seconds for row in rows):
        failed = [row for row in rows if row.status not in ("ok", "interrupted")]
        return (
            f"Nothing could be measured: {len(failed)} of {len(rows)} arms failed."
            if failed
            else "Nothing was measured."
        )
    growth = comparison.growth
    if growth:
        crossings = told(growth)[0]
        leading = next((each for each in crossings if each.leading), crossings[0] if crossings else None)
        return (
            f"{sentence(leading, growth.swept)}."
            if leading
            else f"{growth.title}: no arm is known to overtake another."
        )
    if len(comparison.races) == 1:
        return comparison.races[0].findings[0]
    return _winners(comparison.races)


def _winners(races: Sequence[RaceResult]) -> str:
    """How often each arm was the fastest faithful one of its race, and known to be faster than the reference."""
    found = Counter(
        next((row.arm.name for row in result.rows if row.rank and row.work == "faithful"), "")
        for result in races
        if any(row.verdict == "faster" and row.rank and row.work == "faithful" for row in result.rows)
    )
    if not found:
        return f"In none of {len(races)} races was anything known to be faster than the reference."
    told_often = [f"{name} in {times} of {len(races)} races" for name, times in found.most_common(3)]
    return f"Fastest: {', '.join(told_often)}."


def rows_of(comparison: Comparison) -> list[Row]:
    """The rows of all races."""
    return [row for result in comparison.races for row in result.rows]


def of_answers(rows: Sequence[Row]) -> Banner:
    """Whether every arm computed the same thing."""
    said = answers(rows)
    if said.startswith(LOUD):
        return Banner("bad", LOUD, said.removeprefix(f"{LOUD}: "))
    if not any(row.judgement and row.work != "floor" for row in rows):
        return Banner("careful", "No answers", "No arm came far enough to be judged.")
    return Banner("good", "All answers agree", said)


def of_machine(races: Sequence[RaceResult], doubts: Sequence[Caveat]) -> Banner:
    """How much identical code differed here, in the race where it differed most; and all warnings."""
    twins = [result.twin for result in races if result.twin and result.twin.low and result.twin.high]
    if not twins:
        said = "The reference was not raced against itself often enough to say how far identical code differs here."
        return Banner("careful", "Stability unknown", said, tuple(doubts))
    worst = max(twins, key=_reach)
    low, high = worst.low or 0.0, worst.high or 0.0
    among = f", in the least steady of {len(races)} races" if len(races) > 1 else ""
    said = (
        f"Identical code, raced against itself, came out at {numbers.value(worst)} "
        f"({numbers.percent_off(low)} to {numbers.percent_off(high)}){among}: smaller differences mean nothing here."
    )
    if not low <= 1 <= high and statistics.verdict(worst) != "same":
        return Banner("bad", "The machine was not steady", said, tuple(doubts))
    if _reach(worst) > RESTLESS:
        return Banner("careful", "The machine was restless", said, tuple(doubts))
    if doubts:
        return Banner("careful", "Steady, with warnings", said, tuple(doubts))
    return Banner("good", "The machine was steady", said)


def _reach(twin: Estimate) -> float:
    return max(abs((twin.low or 0.0) - 1), abs((twin.high or 0.0) - 1))
