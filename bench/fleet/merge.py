"""Merges runs of several places into one folder, by copying: rounds are added, and nothing that is there is changed."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.results.store import StoreError, refuse_links

LEFT = (
    "cache",
    "logs",
    "figures",
    "exports",
    "index.html",
    "summary.md",
    "report.json",
)  # made anew, or of no use elsewhere


def runs_at(place: Path) -> list[Path]:
    """The runs at a place: itself, those in a folder of results, or those of the jobs of a fleet."""
    patterns = ("plan.json", "*/plan.json", "runs/*/*/plan.json")
    return sorted({path.parent for pattern in patterns for path in place.glob(pattern)})


def merge(places: Sequence[Path], target: Path) -> Iterator[tuple[Path, int]]:
    """Copies the runs of all places into the target; yields each run there, with the number of files that were new.

    Raises StoreError where there is no run, where one holds a link, and where two runs of a name differ in a file.
    """
    for place in places:
        runs = runs_at(place)
        if not runs:
            raise StoreError(f"There is no run at {place}: merge takes folders of results, runs, or fleets.")
        for run in runs:
            yield target / run.name, _copied(run, target / run.name)


def _copied(run: Path, target: Path) -> int:
    """Copies what is missing of a run; the number of files. The plan comes last of all: with it, a folder is a run."""
    refuse_links(run)
    names = sorted(
        (
            path.relative_to(run)
            for path in run.rglob("*")
            if path.is_file() and path.relative_to(run).parts[0] not in LEFT
        ),
        key=lambda name: name.name == "plan.json",
    )
    different = [name for name in names if (target / name).exists() and not _same(run / name, target / name)]
    if different:
        raise StoreError(
            f"{target / different[0]} and {run / different[0]} differ, and both are of the run {run.name}: one of them was "
            "changed. Merge into another folder, and compare them."
        )
    missing = [name for name in names if not (target / name).exists()]
    for name in missing:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        beside = (target / name).with_name(f".{name.name}.part")
        shutil.copyfile(run / name, beside)
        beside.replace(target / name)
    return len(missing)


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
