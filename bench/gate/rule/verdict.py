"""From a gate's plan, rounds and counts to its verdict. Apart from what carries it out: here nothing is measured or read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from pathlib import Path
from statistics import fmean, median

from bench.gate.rule import decision
from bench.gate.rule.decision import Decision
from bench.results.gate import (
    STAGES,
    Cell,
    CellVerdict,
    Controls,
    Counts,
    GatePlan,
    GateVerdict,
    Kind,
    PairedRound,
    Reason,
    Role,
    Stage,
    Whole,
    Word,
)
from bench.results.record import Record

ENDS = 2  # rounds in which a side failed, after which the cell is not raced again: once may be bad luck; wrong it is but once
UNFIT = ("unsupported", "unavailable")
WORKLOAD = "workload.py"
UNRACED: Mapping[Kind, Word] = {"identical": "identical", "new": "new", "missing": "missing"}


@dataclass(frozen=True)
class Standing:
    """Where a cell stands after its rounds so far.

    decision  what the clock allows to be said
    ended     of each role, what was wrong with it in so many rounds that the cell is over: its record
    next      the stage that needs another round; None when the cell is over
    """

    decision: Decision
    ended: Mapping[Role, Record]
    next: Stage | None


def logarithm(duel: PairedRound) -> float | None:
    """The median over laps of ln(head / base); None when the round cannot be used: a side failed, or was wrong."""
    if duel.base.status != "ok" or duel.head.status != "ok":
        return None
    base, head = duel.base.per_update, duel.head.per_update
    pairs = [(base[lap], head[lap]) for lap in base if lap in head]
    if not pairs or not all(isfinite(each) and each > 0 for pair in pairs for each in pair):
        return None
    return median(log(head / base) for base, head in pairs)


def standing(cell: Cell, duels: Sequence[PairedRound], most: int) -> Standing:
    """Where a cell stands. Rounds that cannot be used count for nothing but themselves."""
    screen, confirm = (_values(duels, stage) for stage in STAGES)
    found = decision.decide(screen, confirm, cell.margins, most)
    ended: dict[Role, Record] = {}
    for role, records in (("base", [d.base for d in duels]), ("head", [d.head for d in duels])):
        bad = [record for record in records if record.status != "ok"]
        unfit = len(bad) == len(records) and any(record.status in UNFIT for record in bad)
        wrong = [record for record in bad if record.status == "wrong"]
        if len(bad) >= ENDS or unfit or wrong:
            ended[role] = (wrong or bad)[-1]  # type: ignore[index]  # mypy takes the pair's first for any string
    timeless = sum(d.base.status == d.head.status == "ok" and logarithm(d) is None for d in duels) >= ENDS
    return Standing(found, ended, None if ended or timeless else found.stage)


def verdict(
    plan: GatePlan,
    duels: Mapping[str, Sequence[PairedRound]],
    counts: Mapping[str, Counts],
    *,
    most: int | None = None,
    seconds: float = 0.0,
) -> GateVerdict:
    """What the rounds and counts allow to be said of every cell and of the whole.

    duels, counts  by the slugs of the cells; none where nothing was done yet
    most           rounds of each stage, where a person asked for others than the plan
    """
    limit = most or plan.most
    controls = _controls([cell for cell in plan.cells if cell.kind == "control"], duels)
    shown = [cell for cell in plan.cells if cell.kind != "control"]
    stands = {cell.slug: standing(cell, duels.get(cell.slug, ()), limit) for cell in shown if cell.kind == "raced"}
    cells = tuple(
        _of_cell(cell, stands.get(cell.slug), duels.get(cell.slug, ()), counts.get(cell.slug), controls)
        for cell in shown
    )
    smallest = [each.smallest_detectable for each in cells if each.smallest_detectable is not None]
    return GateVerdict(
        plan=plan,
        word=_whole(plan, cells, controls),
        cells=cells,
        controls=controls,
        family_error=decision.family_error(len(stands)),
        smallest_detectable=median(smallest) if smallest else None,
        seconds=seconds,
        complete=all(stand.next is None for stand in stands.values()),
    )


def control_rounds(
    cells: Sequence[Cell], duels: Mapping[str, Sequence[PairedRound]], stage: Stage
) -> dict[str, list[float]]:
    """The values of the rounds of a stage in which a control was clocked, by the names of those that have any."""
    return {cell.arm.key: found for cell in cells if (found := _values(duels.get(cell.slug, ()), stage))}


def _values(duels: Sequence[PairedRound], stage: Stage) -> list[float]:
    return [value for duel in duels if duel.stage == stage and (value := logarithm(duel)) is not None]


def _controls(cells: Sequence[Cell], duels: Mapping[str, Sequence[PairedRound]]) -> Controls:
    screen, confirm = (control_rounds(cells, duels, stage) for stage in STAGES)
    clocked, vetoes = decision.controls(screen, confirm)
    return Controls(names=tuple(cell.arm.key for cell in cells), clocked=clocked, vetoes=vetoes)


def _of_cell(
    cell: Cell, stand: Standing | None, duels: Sequence[PairedRound], counts: Counts | None, controls: Controls
) -> CellVerdict:
    if stand is None:
        return CellVerdict(cell=cell, word=UNRACED[cell.kind])
    clock, pace = stand.decision, [duel.seconds for duel in duels]
    word, reasons, stops = _clocked(cell, stand, duels, controls)
    if counts and counts.head_alone and word in ("ok", "improved", "unresolved"):
        word, reasons = "unmeasured", (Reason(cause="counting", detail=counts.reason),)
    if grown := [name for name, count in (counts.counters if counts else {}).items() if count.bad]:
        if word != "regressed":
            reasons = (*(Reason(cause="counter", what=name) for name in grown), *reasons)
        word, stops = "regressed", True
    rounds = clock.rounds_to_resolve if word == "unresolved" else None
    return CellVerdict(
        cell=cell,
        word=word,
        stops=stops,
        clocked=clock.clocked,
        screened=clock.screened,
        counts=counts,
        reasons=reasons,
        minutes_to_resolve=None if rounds is None or not pace else rounds * fmean(pace) / 60,
        smallest_detectable=clock.smallest_detectable,
    )


def _clocked(
    cell: Cell, stand: Standing, duels: Sequence[PairedRound], controls: Controls
) -> tuple[Word, tuple[Reason, ...], bool]:
    """The word for a cell by its rounds, the reasons that are not times, and whether it stops the merge."""
    base, head = stand.ended.get("base"), stand.ended.get("head")
    if head:
        never = all("ok" not in (duel.base.status, duel.head.status) for duel in duels)
        if base and never and base.status in UNFIT and head.status in UNFIT:
            return "unavailable", (_ended(head, None),), False
        both = (_ended(head, "head"), _ended(base, "base")) if base else (_ended(head, "head"),)
        return "wrong" if head.status == "wrong" else "failed", both, not base
    if any(duel.base.digest and duel.head.digest and duel.base.digest != duel.head.digest for duel in duels):
        return "unmeasured", (Reason(cause="data"),), False
    if base:
        if base.status == "wrong" and any(Path(file).name == WORKLOAD for file in cell.differs):
            return "unmeasured", (_ended(base, "base"), Reason(cause="workload")), False
        return "improved", (_ended(base, "base"), Reason(cause="mended")), False
    word = stand.decision.word
    if stand.next is None and word == "unresolved" and not any(logarithm(duel) is not None for duel in duels):
        return "unmeasured", (Reason(cause="times"),), False
    if word in ("regressed", "improved", "ok") and controls.vetoes:
        return "unresolved", (Reason(cause="controls"),), False
    return word, (), word == "regressed"


def _ended(record: Record, role: Role | None) -> Reason:
    return Reason(cause="ended", role=role, what=record.status, detail=record.reason)


def _whole(plan: GatePlan, cells: Sequence[CellVerdict], controls: Controls) -> Whole:
    """The gravest that applies; that something could not be measured is never a silent pass."""
    words = [each.word for each in cells]
    raced = [each for each in cells if each.cell.kind == "raced" and each.word != "unavailable"]
    compared = bool(raced) or ("identical" in words and "unavailable" not in words)
    if any(each.stops for each in cells):
        return "regressed"
    uncontrolled = bool(controls.names) and controls.clocked is None
    absent = (
        "missing" in words or "unmeasured" in words or (plan.named and "new" in words) or (bool(cells) and not compared)
    )
    blind = bool(raced) and all(each.word == "unresolved" for each in raced)
    if controls.vetoes or uncontrolled or absent or blind or not cells:
        return "unmeasured"
    order: tuple[Whole, ...] = ("wrong", "failed", "unresolved")
    return next((word for word in order if word in words), "ok" if raced else "nothing to race")
