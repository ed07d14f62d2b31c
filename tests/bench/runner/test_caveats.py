"""An arm that did something that it should not do while it was timed has a caveat with advice; scripted, then real."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bench.messages.commands import ArmWeights, Finished
from bench.results.record import Arm, Caveat, Record
from bench.results.store import Store
from bench.runner.caveats import GROWN, caveats_of
from bench.worker.session import Session
from impls.contract.catalogue import workloads
from impls.contract.setting import Setting
from tests.bench.planted import RIGHT, planted
from tests.conftest import Checkout

ARM = Arm(workload="linear/line", implementation="linear/x", setting=workloads()["linear/line"].setting())

# After 250, 500, 1000, ... updates its compiled function gets another string, which is not compiled once for all, as numbers
# are: so it compiles however many updates a fast or a busy machine makes before and within the blocks.
RECOMPILES = planted(
    "compiles again and again",
    build="self.shift = task.compile(lambda x, name: x + (len(name) - len(name)))",
    extra="; gradient = self.shift(gradient, str(min((self.done // 250).bit_length(), 7)))",
)
HOARDS = planted(
    "keeps something of every update", extra="; self.kept = [*getattr(self, 'kept', []), bytearray(1 << 18)]"
)


WEIGHTS = ArmWeights(when="blocks", updates=1, weights={}, devices=(), dtypes=())


def caveats(block_seconds: float = 0.0, **finished: Any) -> list[Caveat]:
    """The caveats of an arm whose worker answered so at the end."""
    answer = Finished(weights=WEIGHTS, **finished)
    return list(caveats_of(ARM, answer, in_a_window=False, block_seconds=block_seconds))


def codes(**finished: Any) -> list[str]:
    """The codes of these caveats."""
    return [caveat.code for caveat in caveats(**finished)]


@pytest.mark.parametrize(
    ("grown", "code"),
    [({"compilations": 1}, "recompiled"), ({"segments": 3}, "allocated"), ({"resident_bytes": GROWN + 1}, "grew")],
)
def test_growth_is_a_caveat_with_advice(grown: dict[str, int], code: str) -> None:
    """Each kind has its own code, and advice."""
    (caveat,) = caveats(grown=grown)
    assert caveat.code == code
    assert caveat.text.startswith("linear/x cpu eager")
    assert caveat.advice


def test_memory_taken_anew_in_every_update_is_a_caveat() -> None:
    """A few page faults are fine; 47 an update, as some allocators cause, take a fifth of its time."""
    assert codes(page_faults=0.4) == []
    assert codes(page_faults=47.0) == ["page_faults"]


def test_a_steady_arm_has_no_caveats() -> None:
    """It compiles nothing, asks the driver for nothing, and grows or shrinks by a few pages."""
    assert codes(grown={"compilations": 0, "segments": 0, "resident_bytes": GROWN - 1}) == []
    assert codes(grown={"compilations": 0, "segments": 0, "resident_bytes": -GROWN}) == []
    assert codes() == []


def test_numbers_are_said_as_people_say_them() -> None:
    """ "once" and "3 times"."""
    texts = [caveat.text for n in (1, 3) for caveat in caveats(grown={"compilations": n})]
    assert texts == [
        "linear/x cpu eager compiled something once while it was timed",
        "linear/x cpu eager compiled something 3 times while it was timed",
    ]


@pytest.fixture(scope="module")
def raced(checkout: Callable[[Mapping[str, str]], Checkout]) -> dict[str, Record]:
    """The records of a race with an arm that recompiles and one that hoards memory, by implementation and mode."""
    domain = '    domain = Domain(modes={"eager": "quick", "compile": "quick"})\n'
    recompiles = RECOMPILES.replace("import Implementation", "import Domain, Implementation")
    recompiles = recompiles.replace("class Planted(Implementation):\n", f"class Planted(Implementation):\n{domain}")
    files = {"linear/recompiles.py": recompiles, "linear/hoards.py": HOARDS, "linear/right.py": RIGHT}
    place = checkout(files)
    chosen = [f"--implementation=linear/{name}" for name in ("recompiles", "hoards", "right")]
    done = place.bench(
        *("run", "--effort=quick", "--rows=100", "--updates=40", "--rounds=1", "--reference=linear/manual", *chosen),
        "--mode=eager,compile",
    )
    (path,) = (place.path / "results").iterdir()
    records, complaints = Store(path).records()
    assert not complaints, done.stderr
    return {f"{r.arm.implementation} {r.arm.setting.mode}": r for r in records if r.arm.role != "twin"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("linear/recompiles compile", "recompiled"),
        ("linear/hoards eager", "grew"),
    ],
)
def test_what_an_arm_does_while_it_is_timed_is_seen(raced: dict[str, Record], name: str, code: str) -> None:
    """A planted recompilation and a planted hoard each have their caveat."""
    assert code in [caveat.code for caveat in raced[name].caveats], raced[name]


def test_a_right_arm_is_not_suspected(raced: dict[str, Record]) -> None:
    """An arm that only trains neither compiles nor grows."""
    assert not {"recompiled", "allocated", "grew"} & {caveat.code for caveat in raced["linear/right eager"].caveats}


def test_a_device_still_at_work_is_a_caveat() -> None:
    """An arm that returns long before its device is done has one; an arm that waits for it has none."""
    (caveat,) = caveats(0.015, drain_seconds=0.012)
    assert caveat.code == "undrained"
    assert "80%" in caveat.text
    assert caveats(0.015, drain_seconds=0.001) == []
    assert caveats(drain_seconds=0.001) == []


def test_an_arm_that_waits_for_its_helpers_is_not_called_disturbed() -> None:
    """Waiting shows that other programs were at work only where the arm has no helper processes."""
    session = Session(lambda _: None, set())
    session.setting, session._wall = Setting(rows=5, features=1, updates=5, lr=0.1), 1.0
    helper = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    helper.start()
    try:
        assert not session._computes_alone()
    finally:
        helper.kill()
        helper.join()
    assert session._computes_alone()
