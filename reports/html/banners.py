"""The top of the page: the main finding, whether all answers agree, and whether the machine was steady."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.results import statistics
from bench.results.record import Caveat
from bench.results.statistics import Estimate
from reports.run.findings import RESTLESS, Finding, answers, verified_rows, wrong_names
from reports.run.report import RaceResult, RunReport
from reports.run.rows import Row
from reports.run.step_findings import step_answers, wrongness
from reports.run.sweep import finding, telling_crossings
from reports.text import numbers

Kind = Literal["good", "careful", "bad"]
GLYPHS: dict[Kind, str] = {"good": "✓", "careful": "!", "bad": "✗"}


@dataclass(frozen=True)
class Banner:
    """A judgement of the run: a few words, a sentence, and the warnings that go with it."""

    kind: Kind
    word: str
    text: str
    doubts: tuple[Caveat, ...] = ()

    @property
    def glyph(self) -> str:
        """The kind as a sign, for readers who cannot tell its colour."""
        return GLYPHS[self.kind]


def headline(report: RunReport) -> tuple[str, str]:
    """The most important sentence of the run, and what of it can be said more quietly."""
    finding = _headline(report)
    return (finding.statement, finding.quieter) if finding.quieter else (finding.text, "")


def more(report: RunReport) -> list[str]:
    """The other findings of a single race, without those that the banners tell."""
    if len(report.races) != 1:
        return []
    above = _headline(report)
    findings = report.races[0].findings
    return [each.text for each in findings if each != above and each.kind not in ("answers", "wrong answers", "twin")]


def _headline(report: RunReport) -> Finding:
    rows = report.rows
    if not any(row.seconds for row in rows):
        failed = [row for row in rows if row.status not in ("ok", "interrupted")]
        if failed:
            return Finding("fastest", f"Nothing could be measured: {len(failed)} of {len(rows)} arms failed")
        return Finding("fastest", "Nothing was measured")
    sweep = report.sweep
    if sweep:
        crossings = telling_crossings(sweep)[0]
        leading = next((crossing for crossing in crossings if crossing.leading), crossings[0] if crossings else None)
        if leading:
            return finding(leading, sweep.unit)
        return Finding("crossing", f"{sweep.title}: no arm is known to overtake another")
    return report.races[0].findings[0] if len(report.races) == 1 else _winners(report.races)


def _winners(races: Sequence[RaceResult]) -> Finding:
    """How often each arm was the fastest faithful one of its race, and known to be faster than the reference."""
    wins = Counter(
        next((row.arm.name for row in result.rows if row.rank and row.work_class == "faithful"), "")
        for result in races
        if any(row.verdict == "faster" and row.rank and row.work_class == "faithful" for row in result.rows)
    )
    if not wins:
        return Finding("fastest", f"No arm is known to be faster than the reference in any of {len(races)} races")
    often = [f"{name} in {times} of {len(races)} races" for name, times in wins.most_common(3)]
    return Finding("fastest", f"Fastest: {', '.join(often)}")


def of_answers(rows: Sequence[Row]) -> Banner:
    """Whether every arm computed the same thing."""
    if any(row.is_step for row in rows):
        return _of_step_answers(rows)
    if wrong := wrong_names(rows):
        return Banner("bad", "WRONG ANSWERS", f"{', '.join(wrong)}; they are not ranked.")
    if not verified_rows(rows):
        return Banner("careful", "No answers", "No arm got as far as an answer.")
    return Banner("good", "All answers agree", answers(rows).text)


def _of_step_answers(rows: Sequence[Row]) -> Banner:
    said = step_answers(rows).text
    wrong = dict.fromkeys(f"{row.arm.name}: {wrongness(row)}" for row in rows if row.status == "wrong")
    if wrong:
        return Banner("bad", "WRONG ANSWERS", f"{'; '.join(wrong)}. Not ranked. {said}")
    if not any(row.answer for row in rows):
        return Banner("careful", "No answers", said)
    if not all(row.judged for row in rows if row.seconds):
        return Banner("careful", "Some answers could not be judged", said)
    coarser = any(row.work_class == "coarser" for row in rows)
    return Banner("good", "Every answer is judged" if coarser else "Proved to compute the same", said)


def of_machine(races: Sequence[RaceResult], doubts: Sequence[Caveat]) -> Banner:
    """By how much identical code differed, in the race in which it differed most; and all warnings."""
    twins = [result.twin for result in races if result.twin and result.twin.low and result.twin.high]
    if not twins:
        text = "The reference was not raced against itself often enough to say by how much identical code differs here."
        return Banner("careful", "Stability unknown", text, tuple(doubts))
    worst = max(twins, key=_reach)
    low, high = worst.low or 0.0, worst.high or 0.0
    among = f", in the least steady of {len(races)} races" if len(races) > 1 else ""
    text = (
        f"Identical code, raced against itself, came out at {numbers.value(worst)} "
        f"({numbers.percent_off(low)} to {numbers.percent_off(high)}){among}: smaller differences mean nothing here."
    )
    if not low <= 1 <= high and statistics.verdict(worst) != "same":
        return Banner("bad", "The machine was not steady", text, tuple(doubts))
    if _reach(worst) > RESTLESS:
        return Banner("careful", "The machine was restless", text, tuple(doubts))
    if doubts:
        return Banner("careful", "Steady, with warnings", text, tuple(doubts))
    return Banner("good", "The machine was steady", text)


def _reach(twin: Estimate) -> float:
    return max(abs((twin.low or 0.0) - 1), abs((twin.high or 0.0) - 1))
