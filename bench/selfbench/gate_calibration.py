"""Our gate's own exam: what it says where the truth is known, and how often its promises are kept. Prints nothing itself.

Apart from score.py, which sets it beside others: here our gate is alone, and has as many trials as patience allows.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from bench.gate.plan import MOST
from bench.results.gate import Margins
from bench.selfbench.figure import Figure
from bench.selfbench.gate_score import Outcome, Trial, share, trials
from bench.selfbench.gate_session import sitting
from bench.selfbench.own_gate import entrant

# Those that start in half the time of one with an optimizer: what counts here is how many comparisons there are.
ARMS = ("linear/manual", "linear/no_grad", "linear/in_place", "linear/analytic")
NARROW = Margins(gate=0.015, floor=0.005)
MOST_SECONDS = 240.0  # of a trial; a cell that needs more stays unresolved
FEWER = 60  # of so many sessions without a change there is one of each slowdown: false alarms are rarer
REPLAYS = 4000  # drawn from the rounds without a change, for each arm


@dataclass(frozen=True)
class Part:
    """Trials of one planted slowdown with the same margins; each part is a sitting in a folder of its own."""

    folder: str
    level: float
    margins: Margins

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.level:.0%} planted, gate {self.margins.gate:.1%}" if self.level else "no change"


NO_CHANGE = Part("no-change", 0.0, Margins())
PLANTED = {
    Part("five-percent", 0.05, Margins()): 0.99,
    Part("two-percent", 0.02, NARROW): 0.95,
}  # the least share caught
NO_CHANGE_PROMISED = (  # in the order of without_change
    ("at most 1 in 10 000", 0.0, 0.0001),
    ("at most 1 in 100", 0.0, 0.01),
    ("at most 5 %", 0.0, 0.05),
    ("at most 5 %", 0.0, 0.05),
    ("93 to 97 %", 0.93, 0.97),
)


@dataclass(frozen=True)
class Share:
    """So many of so many trials, with the interval of the share."""

    name: str
    count: int
    of: int

    @property
    def said(self) -> str:
        """With the exact 95 % binomial interval."""
        found = share(self.count, self.of)
        return f"{self.count} of {self.of} ({self.count / self.of:.2%}; {found.low:.2%} to {found.high:.2%})"


def examine(sessions: int, target: Path) -> Iterator[str]:
    """Makes what is missing of so many sessions without a change, and of far fewer with each slowdown.

    Yields a line before each step; every trial is a file, so it can be stopped and gone on with.
    """
    for part, wanted in ((NO_CHANGE, sessions), *((part, math.ceil(sessions / FEWER)) for part in PLANTED)):
        ours, levels, folder = entrant(part.margins), (part.level,), target / part.folder
        yield from sitting(wanted, MOST_SECONDS, folder, ours, levels=levels, implementations=ARMS, ways=())


def outcomes(target: Path, part: Part) -> list[tuple[Trial, Outcome]]:
    """The trials of a part that have been made."""
    return [(trial, trial.ours) for trial in trials(target / part.folder) if trial.ours is not None]


def by_arm(target: Path) -> dict[str, list[Outcome]]:
    """What was said where nothing had changed, by implementation."""
    found: dict[str, list[Outcome]] = {}
    for trial, outcome in outcomes(target, NO_CHANGE):
        found.setdefault(trial.arm.implementation, []).append(outcome)
    return found


def without_change(found: Sequence[Outcome]) -> Iterator[Share]:
    """What was said where nothing had changed."""
    words, of = [each.decision.word for each in found], len(found)
    yield Share("called a regression", words.count("regressed"), of)
    yield Share("flagged before confirmation", sum(flagged(each) for each in found), of)
    yield Share("called faster", words.count("improved"), of)
    yield Share("unresolved", words.count("unresolved"), of)
    yield Share("interval holds the truth", sum(holds(each, 0.0) for each in found), of)


def flagged(outcome: Outcome) -> bool:
    """Whether the screening alone would have called it a regression."""
    return outcome.decision.screened is not None or outcome.decision.stage == "confirm"


def holds(outcome: Outcome, change: float) -> bool:
    """Whether the interval that is told holds a change."""
    told = outcome.decision.clocked
    return told is not None and told.low is not None and told.high is not None and told.low <= change <= told.high


def replayed(found: Sequence[Outcome], slowdown: float, margins: Margins) -> tuple[Share, Share, float]:
    """What our gate says of rounds drawn anew from those without a change, each made slower by exactly so much.

    So the noise is the machine's own and the truth is exact. A cell draws from the rounds of one arm, with replacement, and
    from the same with their sign reversed: where nothing has changed, either side may be called the head.
    Called a regression; intervals that hold the slowdown; and rounds a cell.

    found  outcomes of one arm
    """
    rounds = [sign * value for each in found for value in each.rounds for sign in (1, -1)]
    order = random.Random(f"{slowdown} {margins}")
    caught, held, spent = 0, 0, 0.0
    for _ in range(REPLAYS):
        drawn = Outcome(margins=margins, rounds=tuple(order.choices(rounds, k=2 * MOST)), seconds=2.0 * MOST)
        slower = drawn.slower(slowdown)
        caught += slower.said == "slower"
        held += holds(slower, slowdown)
        spent += slower.spent
    return (
        Share("called a regression", caught, REPLAYS),
        Share("interval holds the truth", held, REPLAYS),
        spent / REPLAYS,
    )


def pace(found: Sequence[Outcome]) -> tuple[float, float, float]:
    """Of each cell: seconds in the median, the most seconds, and seconds a round."""
    seconds = [each.seconds for each in found]
    return median(seconds), max(seconds), fmean(each.seconds / len(each.rounds) for each in found)


def figures(sessions: int, target: Path) -> Iterator[Figure | str]:
    """Everything that the gate promises of itself, measured; goes on with the trials that are in the folder."""
    yield from examine(sessions, target)
    still = [each for _, each in outcomes(target, NO_CHANGE)]
    for found, (told, least, most) in zip(without_change(still), NO_CHANGE_PROMISED, strict=True):
        yield Figure(f"no change, {found.name}", found.said, told, least <= found.count / found.of <= most)
    yield _pace("no change", still)
    for name, rounds in by_arm(target).items():
        called, held, spent = replayed(rounds, 0.0, NO_CHANGE.margins)
        said = f"{called.said}, {spent:.1f} rounds a cell; the interval holds it in {held.count / held.of:.1%}"
        yield Figure(f"no change, the rounds of {name} drawn anew", said, "at most 1 in 10 000", called.count <= 1)
    for part, least in PLANTED.items():
        planted = [each for _, each in outcomes(target, part)]
        seen = Share("called a regression", sum(each.said == "slower" for each in planted), len(planted))
        yield Figure(f"{part.said}, {seen.name}", seen.said, f"at least {least:.0%}", seen.count >= least * seen.of)
        yield _pace(part.said, planted)
        for name, rounds in by_arm(target).items():
            caught, held, spent = replayed(rounds, part.level, part.margins)
            said = f"{caught.said}, {spent:.1f} rounds a cell; the interval holds it in {held.count / held.of:.1%}"
            who = f"{part.said}, put into the rounds of {name} without a change"
            yield Figure(who, said, f"at least {least:.0%}", caught.count >= least * caught.of)


def _pace(what: str, found: Sequence[Outcome]) -> Figure:
    wall, longest, each = pace(found)
    said = f"median {wall:.0f}, most {longest:.0f}; {each:.1f} a round"
    return Figure(f"{what}, seconds a cell", said, "at most 60", wall <= 60)
