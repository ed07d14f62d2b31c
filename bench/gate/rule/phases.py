"""What the rounds of a cell allow to be said of the phases of an update: data, forward, backward and optimizer.

A slowdown of 1 % in the whole is one of 10 % in a tenth of it. Each phase is decided like a whole update, by the same rule on
rounds of its own, with margins of its own. More questions must not bring more false alarms: half of an arm's are its whole's,
and the other half is divided among its phases.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, log
from statistics import median

from bench.gate.rule.decision import Decision, decide
from bench.results.gate import STAGES, Cell, PairedRound, Phase, Stage

MOST_PHASES = 4
WHOLE = 0.5  # of the false alarms of an arm whose phases are judged beside it
EACH = (1 - WHOLE) / MOST_PHASES
MOST = 20  # rounds of each stage for the sake of phases alone
SMALL = 0.02  # of an update: what is less of it is shown and not judged


def share_of_whole(cell: Cell) -> float:
    """The share of a cell's false alarms that its whole update may have."""
    return WHOLE if cell.phased else 1.0


def decisions(cell: Cell, rounds: Sequence[PairedRound], most: int) -> dict[str, Decision]:
    """The decision on each phase that is large enough, in the order of an update."""
    large = [name for name, share in shares(rounds).items() if share >= SMALL]
    return {name: _decision(cell, rounds, name, most) for name in large[:MOST_PHASES]}


def shares(rounds: Sequence[PairedRound]) -> dict[str, float]:
    """The time of each phase over that of an update, on the base, by the first round that has both: it never changes."""
    for paired in rounds:
        whole = list(paired.base.per_update.values())
        if paired.phases and whole:
            return {name: median(sides["base"]) / median(whole) for name, sides in paired.phases.items()}
    return {}


def judged(
    cell: Cell, rounds: Sequence[PairedRound], found: Mapping[str, Decision], *, believed: bool
) -> dict[str, Phase]:
    """The verdict on every phase.

    believed  whether measured times are
    """
    phases = {}
    for name, share in shares(rounds).items():
        if name in found:
            word = found[name].word if believed else "unresolved"
            phases[name] = Phase(word=word, share=share, clocked=found[name].clocked)
        else:
            clocked = _decision(cell, rounds, name, MOST).clocked
            phases[name] = Phase(word="small", share=share, clocked=clocked)
    return phases


def wanted(found: Mapping[str, Decision]) -> Stage | None:
    """The stage of which some phase needs another round; None where none does."""
    stages = {decision.stage for decision in found.values()}
    return next((stage for stage in reversed(STAGES) if stage in stages), None)


def _decision(cell: Cell, rounds: Sequence[PairedRound], name: str, most: int) -> Decision:
    screen, confirm = (_values(rounds, stage, name) for stage in STAGES)
    return decide(screen, confirm, cell.margins.of_phase, min(most, MOST), EACH)


def _values(rounds: Sequence[PairedRound], stage: Stage, name: str) -> list[float]:
    """The value of each round of a stage: the median over laps of ln(head / base) of the phase."""
    values = []
    for paired in rounds:
        laps = _laps(paired, name) if paired.stage == stage else []
        if laps and all(isfinite(seconds) and seconds > 0 for lap in laps for seconds in lap):
            values.append(median(log(head / base) for base, head in laps))
    return values


def _laps(paired: PairedRound, name: str) -> list[tuple[float, float]]:
    if paired.base.status != "ok" or paired.head.status != "ok" or name not in paired.phases:
        return []
    sides = paired.phases[name]
    return list(zip(sides["base"], sides["head"], strict=True))
