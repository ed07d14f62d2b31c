"""The folder a gate lives in: its plan, its rounds and its counts, each file whole or absent. Apart from the store of runs,
for a gate has two sides; what is on disk is all that it knows, so that it can be stopped and gone on with at any time.
"""

from dataclasses import dataclass
from pathlib import Path

from bench.results.gate import FORMAT, Cell, Counts, GatePlan, PairedRound, Role, Stage
from bench.results.store import Store, StoreError, pretty, read


@dataclass(frozen=True)
class GateStore:
    """One gate's folder.

    gate.json                          the plan; with it a folder is a gate
    environment.json, sides.json       what it was measured on, and what is compared
    sides/, instrument/                the files of both, and what measures them
    rounds/<cell>/<stage>-001.json     one file a round
    counts/<cell>.json                 what was counted
    logs/, cache/                      what the arms printed; what their compilers keep
    """

    store: Store

    @property
    def path(self) -> Path:
        """The folder."""
        return self.store.path

    @staticmethod
    def create(results: Path) -> "GateStore":
        """A new folder with a name of its own. Raises what `Store.create` raises."""
        return GateStore(Store.create(results))

    @staticmethod
    def find(run: str, results: Path) -> "GateStore":
        """An existing gate by path or by name; "latest" is the newest. Raises StoreError where there is none."""
        if run == "latest":
            names = sorted(path.parent.name for path in results.glob("*/gate.json"))
            if not names:
                raise StoreError(f"There is no gate in {results} yet: `python -m bench gate --base REV` makes one.")
            return GateStore(Store(results / names[-1]))
        for path in (Path(run), results / run):
            if (path / "gate.json").is_file():
                return GateStore(Store(path))
        raise StoreError(
            f"There is no gate at {run}: a gate is a folder with a gate.json. `ls {results}` shows what is kept there."
        )

    def write_plan(self, plan: GatePlan) -> None:
        """What it sets out to do."""
        self.store.write("gate.json", pretty(plan))

    def plan(self) -> GatePlan:
        """What it set out to do. Raises StoreError for a bad file."""
        return read(self.path / "gate.json", GatePlan, FORMAT)

    def write_duel(self, cell: Cell, duel: PairedRound) -> None:
        """One round that is over."""
        self.store.write(f"rounds/{cell.slug}/{duel.stage}-{duel.round:03d}.json", pretty(duel))

    def duels(self, cell: Cell) -> list[PairedRound]:
        """All rounds of a cell, screening first, each stage in order. Raises StoreError for a bad file."""
        paths = (self.path / "rounds" / cell.slug).glob("*.json")
        return sorted(
            (read(path, PairedRound, FORMAT) for path in paths), key=lambda duel: (duel.stage != "screen", duel.round)
        )

    def write_counts(self, cell: Cell, counts: Counts) -> None:
        """What was counted of a cell."""
        self.store.write(f"counts/{cell.slug}.json", pretty(counts))

    def counts(self, cell: Cell) -> Counts | None:
        """What was counted of a cell; None where nobody did yet. Raises StoreError for a bad file."""
        path = self.path / "counts" / f"{cell.slug}.json"
        return read(path, Counts, FORMAT) if path.is_file() else None

    def log(self, cell: Cell, stage: Stage, number: int, role: Role) -> Path:
        """Where a side's output goes."""
        return self.path / "logs" / cell.slug / f"{stage}-{number:03d}-{role}.log"

    def cache(self, cell: Cell, role: Role) -> Path:
        """What the compilers of a side keep; the paths of both are equally long."""
        return (self.path / "cache" / cell.slug / role).resolve()
