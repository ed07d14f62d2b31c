"""The folder of a gate: its plan, its rounds and its counts, each in a file that is whole or absent.

What is on disk is all that a gate knows, so that it can be stopped and resumed at any time.
"""

from dataclasses import dataclass
from pathlib import Path

from bench.results import impossible
from bench.results.gate import FORMAT, Cell, Counts, GatePlan, PairedRound, Role, Stage
from bench.results.store import CURE, Store, StoreError, find_folder, pretty, read


@dataclass(frozen=True)
class GateStore:
    """One gate's folder.

    gate.json                          the plan; with it a folder is a gate
    environment.json, sides.json       what it was measured on, and what is compared
    sides/, instrument/                the files of both sides, and the code that measures them
    rounds/<cell>/<stage>-001.json     one file for each round
    counts/<cell>.json                 what was counted
    logs/, cache/                      what the arms printed, and what their compilers keep
    """

    store: Store

    @property
    def path(self) -> Path:
        """The folder."""
        return self.store.path

    @staticmethod
    def find(run: str, results: Path) -> "GateStore":
        """An existing gate by path or by name; "latest" is the newest. Raises StoreError where there is none."""
        return GateStore(Store(find_folder(run, results, "gate", "gate.json", "python -m bench gate --base REV")))

    def write_plan(self, plan: GatePlan) -> None:
        """Writes the plan; with it the folder is a gate."""
        self.store.write("gate.json", pretty(plan))

    def plan(self) -> GatePlan:
        """The plan. Raises StoreError for a bad file."""
        plan = read(self.path / "gate.json", GatePlan, FORMAT)
        if wrong := impossible.gate_plan(plan):
            raise StoreError(f"{self.path / 'gate.json'} is not a gate plan of looprace ({wrong}). {CURE}.")
        return plan

    def write_round(self, cell: Cell, paired: PairedRound) -> None:
        """Writes a round that is over."""
        self.store.write(f"rounds/{cell.slug}/{_name(paired)}", pretty(paired))

    def rounds(self, cell: Cell) -> list[PairedRound]:
        """All rounds of a cell, screening first, each stage in order. Raises StoreError for a bad file."""
        rounds = [self.round(path) for path in (self.path / "rounds" / cell.slug).glob("*.json")]
        return sorted(rounds, key=lambda paired: (paired.stage != "screen", paired.round))

    @staticmethod
    def round(path: Path) -> PairedRound:
        """A round. Raises StoreError for a bad file, and for one that holds another round: a copy would count once more."""
        paired = read(path, PairedRound, FORMAT)
        if path.name != _name(paired):
            raise StoreError(f"{path} holds {_name(paired)}: it is a copy. Remove it; --resume then goes on.")
        if wrong := impossible.paired_round(paired):
            raise StoreError(f"{path} is not a round of looprace ({wrong}). Remove it; --resume then goes on.")
        return paired

    def write_counts(self, cell: Cell, counts: Counts) -> None:
        """Writes what was counted of a cell."""
        self.store.write(f"counts/{cell.slug}.json", pretty(counts))

    def counts(self, cell: Cell) -> Counts | None:
        """What was counted of a cell; None before it was. Raises StoreError for a bad file."""
        path = self.path / "counts" / f"{cell.slug}.json"
        return read(path, Counts, FORMAT) if path.is_file() else None

    def log(self, cell: Cell, stage: Stage, number: int, role: Role) -> Path:
        """The file for a side's output in a round."""
        return self.path / "logs" / cell.slug / f"{stage}-{number:03d}-{role}.log"

    def cache(self, cell: Cell, role: Role) -> Path:
        """The folder for the compiler cache of a side; the paths of both sides are equally long."""
        return (self.path / "cache" / cell.slug / role).resolve()


def _name(paired: PairedRound) -> str:
    """The name of a round's file."""
    return f"{paired.stage}-{paired.round:03d}.json"
