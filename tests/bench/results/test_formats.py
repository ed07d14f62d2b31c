"""Files of every format that looprace has written are read and shown; whatever is damaged in them is refused in a sentence.

The files in tests/corpus were written by looprace as it was when the format was new, and are never written again.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.gate import shown as gate_shown
from bench.cli.report import shown as run_shown
from bench.fault_exam import damage
from bench.results.gate_store import GateStore
from bench.results.record import FORMAT
from bench.results.store import Store
from tests.conftest import ROOT

CORPUS = ROOT / "tests" / "corpus"
RUNS = [CORPUS / f"format-{number}" for number in range(1, FORMAT + 1)]
GATES = [CORPUS / "gate-1"]
SHOWN: list[tuple[Path, Callable[[Path], str]]] = [
    *((run, run_shown) for run in RUNS),
    *((g, gate_shown) for g in GATES),
]
TRIES = 50  # damaged files of each folder


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_a_run_of_any_format_is_read_and_shown(folder: Path) -> None:
    """Nothing in it is complained of, a resumed run would find its rounds, and the summary names its arms with times."""
    store = Store(folder)
    records, complaints = store.records()
    assert complaints == []
    assert f"format-{store.plan().format}" == folder.name
    (race,) = store.plan().races
    assert [1] == list(store.rounds(race))
    timed = [record for record in records if record.blocks]
    assert timed
    shown = run_shown(folder).replace("\\_", "_")
    assert all(record.arm.implementation in shown for record in timed if record.arm.role != "twin")


@pytest.mark.parametrize("folder", GATES, ids=lambda folder: folder.name)
def test_a_gate_of_any_format_is_read_and_shown(folder: Path) -> None:
    """Its rounds and counts are read, and its summary says what was decided."""
    store = GateStore(Store(folder))
    assert all(store.rounds(cell) for cell in store.plan().cells)
    assert "linear/numpy" in gate_shown(folder)


@pytest.mark.parametrize(("folder", "shown"), SHOWN, ids=lambda each: each.name if isinstance(each, Path) else "")
def test_damage_is_left_out_or_refused(folder: Path, shown: Callable[[Path], str]) -> None:
    """Whatever is wrong in one file, a report is made of the rest or refused by name; nothing else is ever raised."""
    damages = damage.tries(folder, TRIES, random.Random(folder.name), shown)
    ended = Counter(each.ended for each in damages)
    assert set(ended) <= {"read", "refused"}
    assert ended["refused"]
