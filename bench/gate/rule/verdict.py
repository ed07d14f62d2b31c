"""The verdict of a gate, from its plan, rounds and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from pathlib import Path
from statistics import fmean, median

from bench.gate.rule import limits, phases
from bench.gate.rule.decision import Decision, decide, family_error, judge_controls
from bench.results.gate import (
    ROLES,
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

ENDS = 2  # rounds in which a side fails and after which its cell is not raced again: one failure may be bad luck
UNFIT = ("unsupported", "unavailable")
WORKLOAD = "workload.py"
UNRACED: Mapping[Kind, Word] = {"identical": "identical", "new": "new", "missing": "missing"}


@dataclass(frozen=True)
class Standing:
    """Where a cell stands after its rounds so far.

    decision  what the measured times allow to be said
    phases    the same of each phase of the update that is judged
    ended     for each side that failed or was wrong so that the cell is over: a record that says how
    next      the stage that needs another round; None when the cell is over
    """

    decision: Decision
    ended: Mapping[Role, Record]
    next: Stage | None
    phases: Mapping[str, Decision]


def logarithm(paired: PairedRound) -> float | None:
    """The value of a round: the median over laps of ln(head / base); None where a side failed or was wrong."""
    if paired.base.status != "ok" or paired.head.status != "ok":
        return None
    base, head = paired.base.per_update, paired.head.per_update
    laps = [(base[lap], head[lap]) for lap in base if lap in head]
    if not laps or not all(isfinite(seconds) and seconds > 0 for lap in laps for seconds in lap):
        return None
    return median(log(head / base) for base, head in laps)


def standing(cell: Cell, rounds: Sequence[PairedRound], most: int) -> Standing:
    """Where a cell stands. Rounds without a value count only as failures.

    most  rounds of each stage
    """
    screen, confirm = (_values(rounds, stage) for stage in STAGES)
    decision = decide(screen, confirm, cell.margins, most, phases.share_of_whole(cell))
    of_phases = phases.decisions(cell, rounds, most)
    ended: dict[Role, Record] = {}
    for role in ROLES:
        records = [paired.side(role) for paired in rounds]
        bad = [record for record in records if record.status != "ok"]
        unfit = len(bad) == len(records) and any(record.status in UNFIT for record in bad)
        wrong = [record for record in bad if record.status == "wrong"]  # one is enough: its tolerance covers rounding
        if len(bad) >= ENDS or unfit or wrong:
            ended[role] = (wrong or bad)[-1]
    untimed = sum(paired.base.status == paired.head.status == "ok" and logarithm(paired) is None for paired in rounds)
    over = ended or untimed >= ENDS
    return Standing(decision, ended, None if over else _next(decision, of_phases), of_phases)


def _next(decision: Decision, of_phases: Mapping[str, Decision]) -> Stage | None:
    """The stage that needs another round: for the whole update, and once that is decided and good for its phases."""
    if decision.stage or decision.word == "regressed":
        return decision.stage
    return phases.wanted(of_phases)


def verdict(
    plan: GatePlan,
    rounds: Mapping[str, Sequence[PairedRound]],
    counts: Mapping[str, Counts],
    *,
    most: int | None = None,
    seconds: float = 0.0,
) -> GateVerdict:
    """The verdict on every cell and on the whole.

    rounds, counts  by the slugs of the cells; absent where nothing was done yet
    most            rounds of each stage, where a person asked for another number than the plan's
    seconds         wall time of all rounds
    """
    limit = most or plan.most
    controls = _controls([cell for cell in plan.cells if cell.kind == "control"], rounds)
    arms = [cell for cell in plan.cells if cell.kind != "control"]
    standings = {cell.slug: standing(cell, rounds.get(cell.slug, ()), limit) for cell in arms if cell.kind == "raced"}
    cells = tuple(
        _of_cell(cell, standings.get(cell.slug), rounds.get(cell.slug, ()), counts.get(cell.slug), controls)
        for cell in arms
    )
    smallest = [cell.smallest_detectable for cell in cells if cell.smallest_detectable is not None]
    return GateVerdict(
        plan=plan,
        word=_whole(plan, cells, controls),
        cells=cells,
        controls=controls,
        family_error=family_error(len(standings)),
        smallest_detectable=median(smallest) if smallest else None,
        seconds=seconds,
        complete=all(standing.next is None for standing in standings.values()),
    )


def control_rounds(
    cells: Sequence[Cell], rounds: Mapping[str, Sequence[PairedRound]], stage: Stage
) -> dict[str, list[float]]:
    """The values of a stage's rounds of controls, by the names of those that have any."""
    return {cell.arm.key: values for cell in cells if (values := _values(rounds.get(cell.slug, ()), stage))}


def _values(rounds: Sequence[PairedRound], stage: Stage) -> list[float]:
    return [value for paired in rounds if paired.stage == stage and (value := logarithm(paired)) is not None]


def _controls(cells: Sequence[Cell], rounds: Mapping[str, Sequence[PairedRound]]) -> Controls:
    screen, confirm = (control_rounds(cells, rounds, stage) for stage in STAGES)
    clocked, vetoes = judge_controls(screen, confirm)
    return Controls(names=tuple(cell.arm.key for cell in cells), clocked=clocked, vetoes=vetoes)


def _of_cell(
    cell: Cell, standing: Standing | None, rounds: Sequence[PairedRound], counts: Counts | None, controls: Controls
) -> CellVerdict:
    if standing is None:
        return CellVerdict(cell=cell, word=UNRACED[cell.kind])
    decision, seconds = standing.decision, [paired.seconds for paired in rounds]
    word, reasons, stops = _by_rounds(cell, standing, rounds, controls)
    timed, believed = word == "regressed", not controls.vetoes
    used = limits.memory(cell, counts, rounds)
    budgets = tuple(limits.budgets(cell, used, rounds, believed=believed))
    of_phases = phases.judged(cell, rounds, standing.phases, believed=believed)
    if counts and counts.head_alone and word in ("ok", "improved", "unresolved"):
        word, reasons = "unmeasured", (Reason(cause="counting", detail=counts.reason),)
    worse = [Reason(cause="counter", what=name) for name, one in (counts.counters if counts else {}).items() if one.bad]
    worse += limits.worse(cell, counts, used, budgets)
    if word in ("ok", "unresolved"):  # of an update that is faster, work may have moved from one phase to another
        worse += [Reason(cause="phase", what=name) for name, phase in of_phases.items() if phase.word == "regressed"]
    if worse:
        wrong = word == "wrong" or any(reason.cause == "answer" and reason.what == "different" for reason in worse)
        word, reasons, stops = "wrong" if wrong else "regressed", (*worse, *reasons), True
    needed = decision.rounds_to_resolve if word == "unresolved" else None
    return CellVerdict(
        cell=cell,
        word=word,
        stops=stops,
        clocked=decision.clocked,
        screened=decision.screened,
        counts=counts,
        reasons=reasons,
        minutes_to_resolve=None if needed is None or not seconds else needed * fmean(seconds) / 60,
        smallest_detectable=decision.smallest_detectable,
        memory=used,
        resident=limits.resident(rounds),
        phases=of_phases,
        budgets=budgets,
        timed=timed,
    )


def _by_rounds(
    cell: Cell, standing: Standing, rounds: Sequence[PairedRound], controls: Controls
) -> tuple[Word, tuple[Reason, ...], bool]:
    """The word for a cell by its rounds, the reasons that are not times, and whether it stops the merge."""
    base, head = standing.ended.get("base"), standing.ended.get("head")
    if head:
        never = all("ok" not in (paired.base.status, paired.head.status) for paired in rounds)
        if base and never and base.status in UNFIT and head.status in UNFIT:
            return "unavailable", (_ended(head, None),), False
        both = (_ended(head, "head"), _ended(base, "base")) if base else (_ended(head, "head"),)
        return "wrong" if head.status == "wrong" else "failed", both, not base
    digests = [(paired.base.digest, paired.head.digest) for paired in rounds]
    if any(base_digest and head_digest and base_digest != head_digest for base_digest, head_digest in digests):
        return "unmeasured", (Reason(cause="data"),), False
    if base:
        if base.status == "wrong" and any(Path(file).name == WORKLOAD for file in cell.differs):
            return "unmeasured", (_ended(base, "base"), Reason(cause="workload")), False
        return "improved", (_ended(base, "base"), Reason(cause="mended")), False
    word = standing.decision.word
    if standing.next is None and word == "unresolved" and not any(logarithm(paired) is not None for paired in rounds):
        return "unmeasured", (Reason(cause="times"),), False
    if word in ("regressed", "improved", "ok") and controls.vetoes:
        return "unresolved", (Reason(cause="controls"),), False
    return word, (), word == "regressed"


def _ended(record: Record, role: Role | None) -> Reason:
    return Reason(cause="ended", role=role, what=record.status, detail=record.reason)


def _whole(plan: GatePlan, cells: Sequence[CellVerdict], controls: Controls) -> Whole:
    """The gravest outcome that applies; what could not be measured never passes silently."""
    words = [cell.word for cell in cells]
    raced = [cell for cell in cells if cell.cell.kind == "raced" and cell.word != "unavailable"]
    compared = bool(raced) or ("identical" in words and "unavailable" not in words)
    if any(reason.cause == "answer" for cell in cells if cell.word == "wrong" for reason in cell.reasons):
        return "wrong"  # of a step, whose own update on the base is the standard: nothing else counts beside it
    if any(cell.stops for cell in cells):
        return "regressed"
    mended = bool(raced) and all(any(reason.cause == "mended" for reason in cell.reasons) for cell in raced)
    uncontrolled = bool(controls.names) and controls.clocked is None and not mended  # the base ran in no control then
    absent = "missing" in words or "unmeasured" in words or (plan.named and "new" in words)
    undecided = bool(raced) and all(cell.word == "unresolved" for cell in raced)
    if controls.vetoes or uncontrolled or absent or undecided or not compared:
        return "unmeasured"
    order: tuple[Whole, ...] = ("wrong", "failed", "unresolved")
    return next((word for word in order if word in words), "ok" if raced else "nothing to race")
