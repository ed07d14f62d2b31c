"""Made-up rounds of cells whose true change is known, from a seeded generator: what tests of the gate's rule decide."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from bench.gate.rule.verdict import standing, verdict
from bench.results.gate import Cell, Counts, GatePlan, GateVerdict, Kind, Margins, PairedRound, Side, Stage
from bench.results.record import Arm, Record, Status
from impls.contract.catalogue import workloads

LAPS = 20
SECONDS = 400e-6  # an update of the base


def arm(name: str = "linear/nn_sgd") -> Arm:
    """An arm at its workload's own setting."""
    return Arm(workload="linear/line", implementation=name, setting=workloads()["linear/line"].setting())


def cell(name: str = "linear/nn_sgd", kind: Kind = "raced", margins: Margins | None = None) -> Cell:
    """A cell of that arm."""
    return Cell(arm=arm(name), kind=kind, margins=margins or Margins())


def plan(*cells: Cell, named: bool = False) -> GatePlan:
    """A gate of these cells."""
    return GatePlan(
        run="made-up",
        command="python -m bench gate --base main",
        seed=1,
        base=Side(role="base", name="main", commit="1" * 40),
        head=Side(role="head", name="the working tree", changed=True),
        cells=cells,
        budget=900.0,
        most=20,
        limit=300.0,
        lap_seconds=1.0,
        named=named,
    )


def record(of: Cell, number: int, blocks: Sequence[float], status: Status = "ok", reason: str = "") -> Record:
    """The record of one side in a round."""
    return Record(
        run="made-up",
        arm=of.arm,
        round=number,
        status=status,
        reason=reason,
        started="2026-11-23T00:00:00+00:00",
        updates_per_block=8,
        laps=tuple(range(1, len(blocks) + 1)),
        blocks=tuple(8 * float(block) for block in blocks),
        digest="the same",
    )


class Machine:
    """Makes rounds.

    process, lap  standard deviations of the logarithm of a time between processes and between laps
    """

    def __init__(self, seed: int, *, process: float = 0.01, lap: float = 0.05, order: int = 1) -> None:
        self.noise = np.random.default_rng(seed)
        self.process, self.lap, self.order = process, lap, order

    def round(
        self, of: Cell, stage: Stage, number: int, change: float, base: Status = "ok", head: Status = "ok"
    ) -> PairedRound:
        """One round in which the head takes (1 + change) times as long; sides that ended have no blocks."""
        drift = self.noise.normal(0, self.lap, LAPS)
        process = self.noise.normal(0, self.process / np.sqrt(2), 2)
        own = self.noise.normal(0, self.lap / 5, (2, LAPS))
        times = SECONDS * np.exp(drift + own + process[:, None])
        times[1] *= 1 + change
        sides = [
            record(of, number, list(times[place]) if status in ("ok", "wrong") else [], status, f"made-up: {status}")
            for place, status in enumerate((base, head))
        ]
        return PairedRound(stage=stage, round=number, base=sides[0], head=sides[1], seconds=2.5)


def swapped(rounds: Sequence[PairedRound]) -> list[PairedRound]:
    """The same rounds with base and head exchanged."""
    return [replace(paired, base=paired.head, head=paired.base) for paired in rounds]


def raced(machine: Machine, of: Cell, change: float, *, most: int = 20) -> list[PairedRound]:
    """Rounds of a cell for as long as the gate asks for another."""
    done: list[PairedRound] = []
    while (stage := standing(of, done, most).next) is not None:
        number = 1 + sum(each.stage == stage for each in done)
        done.append(machine.round(of, stage, number, change))
    return done


def controls(machine: Machine, change: float = 0.0, rounds: int = 6) -> Iterator[tuple[Cell, list[PairedRound]]]:
    """Three controls and their rounds; on a machine that favours a side they show a change."""
    for name in ("linear/in_place", "linear/no_grad", "linear/numpy"):
        of = cell(name, "control")
        yield of, [machine.round(of, "screen", number, change) for number in range(1, rounds + 1)]


def gate(
    changes: Mapping[str, float],
    *,
    seed: int = 1,
    off: float = 0.0,
    counts: Mapping[str, Counts] | None = None,
    margins: Margins | None = None,
    process: float = 0.01,
) -> GateVerdict:
    """The verdict of a gate of cells with these changes, and of three controls that show the change `off`."""
    machine = Machine(seed, process=process)
    cells = {cell(name, margins=margins): change for name, change in changes.items()}
    rounds = {each: raced(machine, each, change) for each, change in cells.items()} | dict(controls(machine, off))
    by_slug = {cell(name).slug: seen for name, seen in (counts or {}).items()}
    return verdict(plan(*rounds), {each.slug: done for each, done in rounds.items()}, by_slug)
